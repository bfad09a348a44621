"""Logs to datasets. Imports nothing else of ours."""
