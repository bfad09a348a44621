"""How a back end fails: it is down, or it refuses."""

from __future__ import annotations


class ServiceError(Exception):
    """A back end did not do what was asked."""


class ServiceDown(ServiceError):
    """The service could not be reached, was too slow, or answered nonsense.

    The customer is told so, and a person takes over with what was collected (``actions.door.checked``).

    Args:
        message: For the operator's log; it holds no secret and nothing of the customer.
        unsure: Whether something may have been registered although no answer came.
    """

    def __init__(self, message: str, *, unsure: bool = False) -> None:
        self.unsure = unsure
        super().__init__(message)


class ServiceRefused(ServiceError):
    """The service understood and says no: its rules do not allow it. Asking again changes nothing."""
