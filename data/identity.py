"""Who a customer is, proved: what the gateway says of a signed-in customer, and how others know that it said so.

The shop signs its customer in; the gateway checks that, and puts a *claim* on each of the customer's messages. A claim
holds for one conversation and is signed with the workspace's secret, so that neither a message, nor an entity, nor
the metadata of another channel can make one up.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

CUSTOMER = "customer"
"""Key of the claim in a message's metadata."""

_PROOF = "proof"


@dataclass(frozen=True)
class Customer:
    """A customer whom the shop vouches for.

    Attributes:
        id: The shop's own, never empty.
        email: Address of the account, or empty.
        name: As the shop knows it, or empty.
    """

    id: str
    email: str = ""
    name: str = ""


def claim(customer: Customer, *, conversation: str, secret: bytes) -> dict[str, str]:
    """What goes into a message's metadata: the customer, and the proof that the gateway said so.

    Args:
        customer: Checked by the caller.
        conversation: The only one in which the claim holds.
        secret: Of the workspace.
    """
    return {**asdict(customer), _PROOF: _sign(customer, conversation, secret)}


def verified(said: object, *, conversation: str, secret: bytes) -> Customer | None:
    """The customer of a claim; None if it is none, or was not made for this conversation with this secret.

    Args:
        said: The metadata's value, from anywhere.
        conversation: The one it came in.
        secret: Of the workspace; empty where there is none yet, and then nobody is verified.
    """
    if not isinstance(said, Mapping) or not secret:
        return None
    fields: dict[str, Any] = {name: value for name, value in said.items() if name != _PROOF}
    proof = said.get(_PROOF)
    if fields.keys() != {"id", "email", "name"} or not all(isinstance(v, str) for v in [*fields.values(), proof]):
        return None
    customer = Customer(**fields)
    right = hmac.compare_digest(_sign(customer, conversation, secret).encode(), str(proof).encode())
    return customer if right and customer.id else None


def _sign(customer: Customer, conversation: str, secret: bytes) -> str:
    text = json.dumps([CUSTOMER, conversation, *asdict(customer).values()], ensure_ascii=False)
    return hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
