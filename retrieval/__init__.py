"""Answers and a model to an index; a question to ranked answers."""
