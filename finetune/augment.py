"""Training texts with slips of the keyboard, words left out, and whatever a hook of yours makes of them.

Each text is changed anew in each epoch, and in the same way when the same epoch is run again: the randomness comes
from seed, epoch and text alone.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from data.errors import InputError
from finetune.recipe import Recipe

Rewrite = Callable[[str, random.Random], str]
"""A hook: text and source of randomness in, new text out."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {row[i]: row[max(0, i - 1) : i] + row[i + 1 : i + 2] for row in _ROWS for i in range(len(row))}
"""Keys beside each key of the usual English keyboard."""

_SHORTEST = 4
"""Words under so many letters have no slips: they would become other words."""


@dataclass
class Augmenter:
    """Rewrites training texts.

    Attributes:
        recipe: For ``typos``, ``word_drop``, ``augmenters`` and the seed.
        epoch: Set by the trainer before each epoch.
    """

    recipe: Recipe
    epoch: int = field(default=0)

    @property
    def is_on(self) -> bool:
        """Whether anything is changed at all."""
        return bool(self.recipe.typos or self.recipe.word_drop or self.recipe.augmenters)

    def __call__(self, text: str) -> str:
        """Changes the last message of a text; who said it, and what was said before, stay.

        Raises:
            InputError: A hook returned something that is not a text.
        """
        source = random.Random(f"{self.recipe.seed}/{self.epoch}/{text}")
        before, line = (text[: (cut := text.rfind("\n") + 1)], text[cut:])
        speaker, mark, said = line.partition(": ") if line.startswith(("customer: ", "agent: ")) else ("", "", line)
        for rewrite, name in zip(self._hooks, self.recipe.augmenters, strict=True):
            said = rewrite(said, source)
            if not isinstance(said, str):
                raise InputError(
                    f"augmenters: {name}", got=type(said).__name__, expected="a text", next_step="Mend the function."
                )
        words = drop_words(said.split(" "), self.recipe.word_drop, source)
        return before + speaker + mark + " ".join(with_slip(w, self.recipe.typos, source) for w in words)

    @cached_property
    def _hooks(self) -> tuple[Rewrite, ...]:
        return tuple(hook_of(name) for name in self.recipe.augmenters)


def hook_of(named: str) -> Rewrite:
    """Imports ``module:function``.

    Raises:
        InputError: No such module, no such function in it, or not a function.
    """
    module, _, name = named.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"augmenters: {named}", got=str(error), expected="module:function that can be imported",
            next_step="Mend the recipe, or put the module where Python finds it.",
        ) from error  # fmt: skip
    if not callable(found):
        raise InputError(
            f"augmenters: {named}", got=type(found).__name__, expected="a function", next_step="Mend the recipe."
        )
    return found  # type: ignore[no-any-return]


def drop_words(words: Sequence[str], share: float, source: random.Random) -> list[str]:
    """Leaves out each word with probability ``share``; at least one stays."""
    if not share or len(words) < 2:
        return list(words)
    kept = [word for word in words if source.random() >= share]
    return kept or [source.choice(list(words))]


def with_slip(word: str, share: float, source: random.Random) -> str:
    """With probability ``share``, a letter doubled, left out, swapped with the next or hit beside its key."""
    if not share or len(word) < _SHORTEST or not word.isascii() or source.random() >= share:
        return word
    at = source.randrange(1, len(word) - 1)
    kind = source.randrange(4)
    if kind == 0:
        return word[:at] + word[at] + word[at:]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + source.choice(_NEIGHBOURS.get(word[at].lower(), word[at])) + word[at + 1 :]
