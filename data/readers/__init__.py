"""Readers: one file a log format, each a stream of conversations."""
