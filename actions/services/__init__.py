"""Back ends that actions call, each behind a Protocol with a local implementation."""
