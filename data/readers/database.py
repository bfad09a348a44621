"""Addresses of databases where a log's path is expected: ``postgresql://user@host/db``, ``sqlite:///file.db``."""

from __future__ import annotations

import re
from pathlib import Path

from data.readers.packed import Place
from data.readers.source import Source

_ADDRESS = re.compile(r"(?P<scheme>(?:postgresql|postgres|mysql|mariadb|oracle|mssql|sqlite)(?:\+\w+)?):/+(?P<rest>.*)")
_SECRETS = re.compile(r"(?<=://).*(?=@)|(?<=[?&]).*", re.IGNORECASE)
"""Name and password, which may hold any character, and options, of which some are passwords."""


def database_source(path: Path) -> Source | None:
    """The database that a path names as an address, or None for the path of a file.

    ``pathlib`` makes one slash of two, so the address is put together again: ``sqlite:`` is followed by a file, all
    others by a host.

    Args:
        path: What was given on the command line.
    """
    match = _ADDRESS.fullmatch(str(path))
    if match is None or path.exists():
        return None
    scheme, rest = match["scheme"], match["rest"]
    if scheme.startswith("sqlite"):
        relative = Path(rest)
        url = f"{scheme}:///{relative if relative.exists() else f'/{rest}'}"
    else:
        scheme = scheme.replace("postgres", "postgresql") if scheme.split("+")[0] == "postgres" else scheme
        url = f"{scheme}://{rest if '/' in rest else f'/{rest}'}"  # only a name: the database of that name on this host
    shown = Path(_SECRETS.sub("***", f"{scheme}://{rest}"))
    return Source(shown, "url", "utf-8", Place(shown), url=url)
