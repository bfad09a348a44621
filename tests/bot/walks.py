"""Random walks through a dialogue, and what must be the same in the bounded window and in full replay (I8)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.handoff import Move
from bot.state.log import ConversationLog

if TYPE_CHECKING:
    from rasa.shared.core.trackers import DialogueStateTracker


def seen(tracker: DialogueStateTracker) -> dict[str, Any]:
    """All of a tracker that its next action may depend on."""
    return {
        "slots": tracker.current_slot_values(),
        "set": {name for name, slot in tracker.slots.items() if slot.has_been_set},
        "loop": tracker.active_loop and vars(tracker.active_loop) | {"trigger_message": None},
        "action": tracker.latest_action_name,
        "followup": tracker.followup_action,
        "paused": tracker.is_paused(),
    }


async def next_action(agent: Any, tracker: DialogueStateTracker, said: str) -> list[Any]:
    """What the bot would do next were this said, and the state it would do it in."""
    from rasa.core.channels.channel import UserMessage

    from bot.rasa_door import SilentChannel

    message = UserMessage(said, SilentChannel(), tracker.sender_id)
    await agent.processor._handle_message_with_tracker(message, tracker)
    await agent.processor.run_action_extract_slots(SilentChannel(), tracker)
    prediction = agent.processor._predict_next_with_tracker(tracker)
    return [prediction.max_confidence_index, seen(tracker)]


async def walk(
    agent: Any,
    log: ConversationLog,
    conversation: str,
    *,
    sayings: Sequence[str],
    probes: Sequence[str],
    steps: int,
    chance: random.Random,
    agreed: dict[str, str],
) -> tuple[int, int, set[str | None]]:
    """Says random lines and compares window and replay after each; people hand conversations back now and then.

    Returns:
        How often next actions were compared, how often the window was shorter than the conversation, and the names of
        the forms that were open.
    """
    from rasa.core.channels.channel import UserMessage

    from bot.rasa_door import SilentChannel

    store = agent.tracker_store._tracker_store
    compared, bounded, forms = 0, 0, set[str | None]()
    for step in range(steps):
        await agent.handle_message(UserMessage(chance.choice(sayings), SilentChannel(), conversation))
        info = await log.info(conversation)
        assert info is not None
        if info.state.value == "queued" and chance.random() < 0.6:
            await log.move(conversation, Move.HAND_BACK, actor="Mia", data={"slots": agreed})
        window = await store.retrieve(conversation)
        full = await store.retrieve_full_tracker(conversation)
        assert seen(window) == seen(full), f"{conversation}, step {step}"
        bounded += len(window.events) < len(full.events)
        forms.add(full.active_loop_name)
        probe = probes[step % len(probes)]
        if not full.is_paused():
            now = await next_action(agent, window, probe), await next_action(agent, full, probe)
            assert now[0] == now[1], f"{conversation}, {step}"
            compared += 1
    return compared, bounded, forms
