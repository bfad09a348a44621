"""The one error that a person meets: a clear line that says what is wrong and what to do."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input from a person: printed as one line, exit code 2, nothing changed.

    Args:
        thing: What is wrong, named so that it can be found: a file with its line, an option, a setting.
        got: The value or condition that was met.
        expected: What would have been right.
        next_step: What to do now, as an imperative.
    """

    def __init__(self, thing: str, *, got: str, expected: str, next_step: str) -> None:
        self.thing, self.got, self.expected, self.next_step = thing, got, expected, next_step
        super().__init__(f"{thing}: got {got}; expected {expected}. {next_step}")
