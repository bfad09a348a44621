"""Thin Rasa graph components: encode once, intent with confidence, abstain."""
