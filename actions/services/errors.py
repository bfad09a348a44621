"""How a back end fails: it is down, or it refuses."""

from __future__ import annotations


class ServiceError(Exception):
    """A back end did not do what was asked."""


class ServiceDown(ServiceError):
    """The service could not be reached, was too slow, or answered nonsense: nobody knows whether it was done.

    The customer is told so, and a person takes over with what was collected (``actions.door.checked``).
    """


class ServiceRefused(ServiceError):
    """The service understood and says no: its rules do not allow it. Asking again changes nothing."""
