"""Customers whom the shop knows: a token that the shop's own server signs (JWT, HS256), checked here and nowhere else.

The shop's page hands it to the widget. It says who the customer is; nothing that a customer writes does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.protocol import WireError
from data.errors import InputError

ALGORITHM = "HS256"
LEAST_KEY = 32
"""Bytes of the key that is shared with the shop's server: as long as the hash."""

LEEWAY = 60.0
"""Seconds by which two servers' clocks may differ."""

_LONGEST = 200
"""Characters of each claim."""


@dataclass(frozen=True)
class Identity:
    """Who a customer is, as the shop's server signed it.

    Attributes:
        id: The shop's own id of the customer (claim ``sub``).
        email: Their address, or empty.
        name: What to call them, or empty.
    """

    id: str
    email: str = ""
    name: str = ""

    def to_json(self) -> str:
        """As it is kept with the conversation."""
        return json.dumps({"id": self.id, "email": self.email, "name": self.name}, ensure_ascii=False)


class IdentityCheck:
    """Checks tokens with the workspace's key.

    Args:
        key: Shared with the shop's server; empty where the shop signs none.

    Raises:
        InputError: The key is too short to keep anybody out.
    """

    def __init__(self, key: str) -> None:
        if key and len(key.encode()) < LEAST_KEY:
            raise InputError(
                "[web] identity_key_env",
                got=f"a key of {len(key.encode())} bytes",
                expected=f"at least {LEAST_KEY}",
                next_step='Make one: python3 -c "import secrets; print(secrets.token_hex(32))"',
            )
        self._key = key

    def read(self, token: str) -> Identity:
        """The customer of a token.

        Raises:
            WireError: It is not signed with our key, is over, says not who, or the shop signs none.
        """
        import jwt

        if not self._key:
            raise WireError("identity", "This shop does not sign its customers in here.")
        try:
            claims = jwt.decode(
                token, self._key, algorithms=[ALGORITHM], leeway=LEEWAY, options={"require": ["exp", "sub"]}
            )
        except jwt.ExpiredSignatureError as error:
            raise WireError("identity", "Your sign-in is over. Load the page again.") from error
        except jwt.InvalidTokenError as error:
            raise WireError("identity", "Your sign-in could not be checked.") from error
        return _identity(claims)


def _identity(claims: Mapping[str, Any]) -> Identity:
    values = {}
    for field, claim in (("id", "sub"), ("email", "email"), ("name", "name")):
        value = claims.get(claim) or ""
        if not isinstance(value, str) or len(value) > _LONGEST or any(ord(character) < 32 for character in value):
            raise WireError("identity", "Your sign-in could not be checked.")
        values[field] = value
    if not values["id"]:
        raise WireError("identity", "Your sign-in could not be checked.")
    return Identity(**values)
