"""No child outlives its parent: the kernel ends it (Linux; elsewhere a killed parent leaves its children)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def bond(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Prepares the bond in the parent, before the fork, where libraries may be loaded.

    Args:
        number: What the child gets when the thread that forked it ends.

    Returns:
        What the child calls first, after the fork; it ends a child whose parent is gone by then.
    """
    library, parent = ctypes.CDLL(None) if sys.platform == "linux" else None, os.getpid()

    def die_with_parent() -> None:
        if library is not None:
            library.prctl(_PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # it died between fork and prctl
                os._exit(1)

    return die_with_parent
