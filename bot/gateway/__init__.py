"""The only door to the outside: widget socket, console API, pages."""
