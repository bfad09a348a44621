"""Benches: `python -m bench NAME` prints our figure beside the peer's."""
