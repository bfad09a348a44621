"""A dataset to an encoder, an intent head and a ranker."""
