"""Several processes that train one model: who is first, what the first one says, gradients averaged over all.

`torchrun --nproc-per-node 4 careline.py model train` starts the same command four times. Each process works on batches
of its own; the first one judges, decides when to stop and writes. Without `torchrun` everything here does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeVar

from finetune.settings import world_size

T = TypeVar("T")

_PATIENCE = timedelta(hours=12)
"""The others wait so long while the first one judges, exports and fits the heads."""


def gather_round() -> None:
    """Joins the group of processes, if there are several: NCCL on graphics cards, gloo without."""
    if world_size() > 1:
        import torch
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)


def is_first() -> bool:
    """Whether this process judges and writes."""
    if world_size() == 1:
        return True
    from torch import distributed

    return not distributed.is_initialized() or distributed.get_rank() == 0


def shared(value: T) -> T:
    """What the first process passed, in all of them."""
    if world_size() == 1:
        return value
    from torch import distributed

    box: list[Any] = [value]
    distributed.broadcast_object_list(box, src=0)
    return box[0]  # type: ignore[no-any-return]


def wait_for_all() -> None:
    """Returns when every process has come here."""
    shared(None)
    if world_size() > 1:
        from torch import distributed

        distributed.barrier()


def average_gradients(parameters: Iterable[Any]) -> None:
    """Replaces each gradient by its mean over the processes; one that a process lacks counts as 0 there.

    One exchange for all of them. It covers the class layers of the losses, which a wrapped encoder would leave out, and
    any number of passes before a step (two texts a pair, pieces of a batch, an adversary's pass).
    """
    if world_size() == 1:
        return
    import torch
    from torch import distributed

    free = [weight for weight in parameters if weight.requires_grad]
    for weight in free:
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
    flat = torch.cat([weight.grad.reshape(-1) for weight in free])  # (all weights,)
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for weight, mean in zip(free, flat.split([weight.numel() for weight in free]), strict=True):
        weight.grad.copy_(mean.view_as(weight))
