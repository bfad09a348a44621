"""Leases, commits and failures, without Rasa."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from bot.handoff import Move, State
from bot.state.entry import Busy, Entry, Lease, Refused, Work
from bot.state.hydrate import Window, applied_events, opening_events, read_window
from bot.state.log import ConversationLog
from bot.state.turn import Turn, TurnFailed, current_turn, given_answers, handoff_reason, recent_turns, replies_of
from bot.state.work import WorkQueue


@pytest.fixture
async def queue(log: ConversationLog) -> WorkQueue:
    queue = WorkQueue(log, lease_seconds=5)
    await queue.prepare()
    return queue


def said(text: str, **data: Any) -> dict[str, Any]:
    return {"event": "bot", "text": text, "data": data}


def turn_of(lease: Lease, seq: int, *events: dict[str, Any], paused: bool = False) -> Turn:
    message = Entry(seq, "customer", 0.0)
    state = {"slots": {}, "loop": None, "action": "action_listen", "followup": None, "paused": paused}
    return Turn(lease, Window(), message, list(events), state)


async def kinds(log: ConversationLog, conversation: str = "c") -> list[str]:
    return [entry.kind for entry in await log.read(conversation)]


async def test_commit_stores_events_and_replies_at_once(log: ConversationLog, queue: WorkQueue) -> None:
    await log.accept("c", client_id="1", text="hello")
    async with queue.lease("c", owner="w", seq=1) as lease:
        buttons = [{"title": "Yes", "payload": "/yes"}]
        turn = turn_of(lease, 1, {"event": "user"}, said("Hi", buttons=buttons), said("", image="cat.png"))
        assert await queue.commit(turn)
        assert await queue.commit(turn), "a repeated commit, after a lost answer, changes nothing"
    entries = await log.read("c")
    assert [e.kind for e in entries] == ["customer", "turn", "bot", "bot"]
    assert entries[2].data == {"buttons": buttons, "answers": 1}
    info = await log.info("c")
    assert info is not None
    assert (info.answered, info.pending, info.unanswered, info.waiting_since) == (1, False, 0, None)


async def test_stale_holder_is_refused(log: ConversationLog, queue: WorkQueue) -> None:
    await log.accept("c", client_id="1", text="hello")
    async with queue.lease("c", owner="old", seq=1) as old:
        with pytest.raises(Busy):
            async with queue.lease("c", owner="new"):
                pass
        await log.store.redis.delete("conv:" + await _tag(log) + ":c:lease")  # it expired
        async with queue.lease("c", owner="new", seq=1) as new:
            assert (new.token, new.tries) == (old.token + 1, 2)
            with pytest.raises(Refused, match="lease"):
                await queue.commit(turn_of(old, 1, said("from the dead")))
            await queue.commit(turn_of(new, 1, said("from the living")))
    assert [e.text for e in await log.read("c") if e.kind == "bot"] == ["from the living"]


async def _tag(log: ConversationLog) -> str:
    keys = await log.store.redis.keys("conv:*:c:meta")
    return str(keys[0].split(":")[1])


async def test_expired_lease_without_a_successor_may_still_commit(log: ConversationLog) -> None:
    queue = WorkQueue(log, lease_seconds=0.001)
    await log.accept("c", client_id="1", text="hello")
    async with queue.lease("c", owner="w", seq=1) as lease:
        while await log.store.redis.exists(f"conv:{await _tag(log)}:c:lease"):
            await asyncio.sleep(0)
        await queue.commit(turn_of(lease, 1, said("late, but alone")))
    assert "bot" in await kinds(log)


async def test_answered_message_is_not_answered_again(log: ConversationLog, queue: WorkQueue) -> None:
    await log.accept("c", client_id="1", text="hello")
    for expected in (True, False):
        async with queue.lease("c", owner="w", seq=1) as lease:
            if expected:
                await queue.commit(turn_of(lease, 1, said("once")))
                continue
            with pytest.raises(Refused, match="answered"):
                await queue.commit(turn_of(lease, 1, said("twice")))
    assert (await kinds(log)).count("bot") == 1


async def test_take_over_during_a_turn_suppresses_its_replies(log: ConversationLog, queue: WorkQueue) -> None:
    await log.accept("c", client_id="1", text="hello")
    async with queue.lease("c", owner="w", seq=1) as lease:
        await log.move("c", Move.TAKE, actor="Mia")
        assert not await queue.settle("c", 1), "the turn still runs"
        assert not await queue.commit(turn_of(lease, 1, said("too late"), paused=True))
    assert await kinds(log) == ["customer", "state", "turn", "suppressed"]
    info = await log.info("c")
    assert info is not None
    assert (info.state, info.agent, info.pending) == (State.AGENT, "Mia", False)
    assert info.unanswered == 1, "a suppressed reply is none"


async def test_pause_hands_over_with_the_commit(log: ConversationLog, queue: WorkQueue) -> None:
    await log.accept("c", client_id="1", text="a person!")
    async with queue.lease("c", owner="w", seq=1) as lease:
        await queue.commit(turn_of(lease, 1, said("Of course.", custom={"handoff": {"reason": "asked"}}), paused=True))
    entries = await log.read("c")
    assert [e.kind for e in entries] == ["customer", "turn", "bot", "state"]
    assert entries[-1].data == {"from": "bot", "to": "queued", "move": "escalate", "actor": "bot", "reason": "asked"}
    info = await log.info("c")
    assert info is not None
    assert info.waiting_since == entries[-1].time


async def test_failure_is_visible_and_queues_for_a_person(log: ConversationLog, queue: WorkQueue) -> None:
    await log.accept("c", client_id="1", text="poison")
    assert await queue.fail("c", 1, text="Sorry.", reason="action server answered 500")
    assert not await queue.fail("c", 1, text="Sorry.", reason="again")
    entries = await log.read("c")
    assert [(e.kind, e.text) for e in entries] == [("customer", "poison"), ("failure", "Sorry."), ("state", "")]
    info = await log.info("c")
    assert info is not None
    assert (info.state, info.pending) == (State.QUEUED, False)


async def test_a_failure_after_a_take_over_says_nothing_beside_the_person(
    log: ConversationLog, queue: WorkQueue
) -> None:
    await log.accept("c", client_id="1", text="poison")
    await log.move("c", Move.TAKE, actor="Mia")
    assert await queue.fail("c", 1, text="Sorry.", reason="action server answered 500")
    assert await kinds(log) == ["customer", "state"]
    info = await log.info("c")
    assert info is not None
    assert (info.state, info.pending) == (State.AGENT, False)


async def test_each_work_goes_to_one_worker_and_is_taken_over(log: ConversationLog, queue: WorkQueue) -> None:
    for n in range(10):
        await log.accept(f"c{n}", client_id="1", text="hello")
    taken: dict[str, list[Work]] = {"a": [], "b": []}
    for n in range(10):
        taken["ab"[n % 2]] += await queue.claim("ab"[n % 2], block=0)
    assert await queue.claim("a", block=0) == []
    assert len(taken["a"]) == len(taken["b"]) == 5
    assert {w.conversation for works in taken.values() for w in works} == {f"c{n}" for n in range(10)}
    for work in taken["b"]:
        await queue.done(work)
    again = await queue.unfinished("a")
    assert sorted(again, key=str) == sorted(taken["a"], key=str)
    assert sorted(await queue.take_over("b", idle=0), key=str) == sorted(taken["a"], key=str)
    assert await queue.take_over("b", idle=60) == []


async def test_claim_wakes_up(log: ConversationLog, queue: WorkQueue) -> None:
    waiting = asyncio.ensure_future(queue.claim("a", block=2))
    await log.accept("c", client_id="1", text="hello")
    assert [work.conversation for work in await waiting] == ["c"]


async def test_forgotten_conversations_are_swept_up(log: ConversationLog, queue: WorkQueue) -> None:
    await log.accept("c", client_id="1", text="hello")
    for work in await queue.claim("a", block=0):
        await queue.done(work)  # lost: nobody answered
    assert await queue.sweep(older=60) == 0
    assert await queue.sweep(older=-1) == 1
    assert [work.conversation for work in await queue.claim("a", block=0)] == ["c"]


async def test_work_dropped_at_a_held_lease_comes_back(log: ConversationLog, queue: WorkQueue) -> None:
    await log.accept("c", client_id="1", text="hello")
    (first,) = await queue.claim("a", block=0)
    async with queue.lease("c", owner="a", seq=1) as lease:
        await log.accept("c", client_id="2", text="anyone?")
        (second,) = await queue.claim("b", block=0)
        with pytest.raises(Busy):
            async with queue.lease("c", owner="b", seq=1):
                pass
        await queue.done(second)
        await queue.commit(turn_of(lease, 1, said("Hi")))
    await queue.done(first)
    assert [work.conversation for work in await queue.claim("b", block=0)] == ["c"]


async def test_an_emptied_server_gets_its_groups_again(log: ConversationLog, queue: WorkQueue) -> None:
    await log.store.redis.flushall()
    await log.accept("c", client_id="1", text="hello")
    assert [work.conversation for work in await queue.claim("a", block=0)] == ["c"]


async def test_lease_is_renewed_while_it_is_held(log: ConversationLog) -> None:
    queue = WorkQueue(log, lease_seconds=0.3)
    await log.accept("c", client_id="1", text="hello")
    async with queue.lease("c", owner="w", seq=1):
        key = f"conv:{await _tag(log)}:c:lease"
        left = [await log.store.redis.pttl(key)]
        while not any(later > earlier for earlier, later in itertools.pairwise(left)):
            left.append(await log.store.redis.pttl(key))
            await asyncio.sleep(0.01)
        assert min(left) > 0


def test_a_turn_without_an_outcome_is_a_failure() -> None:
    lease = Lease("c", "w", 1, info=None)  # type: ignore[arg-type]
    with pytest.raises(TurnFailed, match="no reply"):
        turn_of(lease, 1, {"event": "user"}).check()
    failed = turn_of(lease, 1, said("Hi"))
    failed.failures.append("action server answered 500")
    with pytest.raises(TurnFailed, match="answered 500"):
        failed.check()
    turn_of(lease, 1, paused=True).check()
    turn_of(lease, 1, said("Hi")).check()


async def test_context_for_the_components_has_the_agents_words(log: ConversationLog, queue: WorkQueue) -> None:
    assert recent_turns() == []
    assert given_answers() == []
    await log.accept("c", client_id="1", text="where is it?")
    async with queue.lease("c", owner="w", seq=1) as lease:
        await queue.commit(turn_of(lease, 1, said("On its way.", custom={"answer": "a1"})))
    await log.move("c", Move.TAKE, actor="Mia")
    await log.agent_reply("c", agent="Mia", client_id="r", text="Arrives today.")
    await log.move("c", Move.HAND_BACK, actor="Mia")
    second = await log.accept("c", client_id="2", text="thanks")
    async with queue.lease("c", owner="w", seq=second.seq) as lease:
        turn = Turn(lease, await read_window(log, "c"), Entry(second.seq, "customer", 0.0, text="thanks"))
        token = current_turn.set(turn)
        try:
            assert recent_turns() == [
                ("customer", "where is it?"),
                ("agent", "On its way."),
                ("agent", "Arrives today."),
            ]
            assert given_answers() == ["a1"]
        finally:
            current_turn.reset(token)


def test_replies_and_reason_come_from_the_events() -> None:
    events = [
        {"event": "user", "text": "x"},
        {"event": "bot", "text": "Hi", "data": {"buttons": None, "custom": {"handoff": {"reason": "lost"}}}},
        {"event": "bot", "text": None, "data": {"buttons": None}},
        {"event": "bot", "text": "Bye", "data": None, "metadata": {"utter_action": "utter_bye"}},
    ]
    assert replies_of(events) == [
        ("Hi", {"custom": {"handoff": {"reason": "lost"}}}),
        ("Bye", {"response": "utter_bye"}),
    ]
    assert handoff_reason(events) == "lost"
    assert handoff_reason([]) == "bot"


def test_handing_back_resumes_and_ends_the_form() -> None:
    paused = {"slots": {}, "loop": {"name": "order_form"}, "action": "a", "followup": None, "paused": True}
    back = Entry(9, "state", 5.0, data={"to": "bot", "slots": {"mood": "good"}})
    events = [{k: v for k, v in e.items() if k != "timestamp"} for e in applied_events([back], state=paused)]
    assert events == [
        {"event": "resume"},
        {"event": "active_loop", "name": None},
        {"event": "slot", "name": "requested_slot", "value": None},
        {"event": "slot", "name": "mood", "value": "good"},
        {"event": "action", "name": "action_listen"},
    ]
    assert list(applied_events([back], state=None))[-1]["event"] == "action"
    assert not list(applied_events([Entry(9, "state", 5.0, data={"to": "bot"})], state=None))


def test_opening_keeps_a_rejected_form() -> None:
    loop = {"name": "f", "is_interrupted": True, "rejected": True, "trigger_message": {"text": "/order"}}
    state = {"slots": {"a": 1}, "loop": loop, "action": "action_listen", "followup": "utter_x", "paused": True}
    assert [event["event"] for event in opening_events(state, time=1.0)] == [
        "slot",
        "user",
        "action",
        "active_loop",
        "loop_interrupted",
        "action_execution_rejected",
        "followup",
        "pause",
    ]
