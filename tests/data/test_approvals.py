"""What a person decides about answers is kept, survives a new import, and can be taken back."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from data.approvals import append_approval, applied, decide, decisions, read_approvals
from data.approving import waiting
from data.build import build_dataset
from data.errors import InputError
from data.likely import ENOUGH, FEATURES, WEIGHTS, likely, signs
from data.records import read_rows, write_rows
from data.reuse import REASONS, WAITS, refusal_of
from data.schema import Answer, Conversation, Message
from data.workspace import Learn, Workspace, WorkspaceSettings

ROOT = Path(__file__).resolve().parents[2]
OFTEN = "You can return anything within 30 days."
ONCE = "We ship gas canisters by ground only, at most six in a parcel."
CASE = "Your lamp has been sent, it left this morning."
QUESTION = "Have you tried restarting the router?"


def log_of(extra: int = 0) -> list[Conversation]:
    said = [OFTEN] * (10 + extra) + [ONCE, CASE, QUESTION]
    return [
        Conversation(
            f"c{i}",
            (Message("customer", f"my question {i}?", time=100.0 * i), Message("agent", text, time=100.0 * i + 5)),
            "en",
        )
        for i, text in enumerate(said)
    ]


def build(root: Path, *, ask: bool = True, extra: int = 0) -> dict[str, Answer]:
    """Text to answer."""
    write_rows(root / "log.jsonl", log_of(extra))
    place = Workspace(root, WorkspaceSettings(learn=Learn(ask=ask)))
    answers = read_rows(build_dataset([root / "log.jsonl"], place).answers, Answer)
    return {answer.text: answer for answer in answers}


def approvals(root: Path) -> Path:
    return Workspace(root).approvals


def answer_of(text: str, **kind: object) -> Answer:
    return Answer("a1", text, "en", **{"reusable": False, "held_back": WAITS} | kind)  # type: ignore[arg-type]


def test_what_was_said_once_waits_only_where_the_workspace_asks(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    asked, not_asked = build(tmp_path / "a"), build(tmp_path / "b", ask=False)
    assert (asked[ONCE].reusable, asked[ONCE].held_back) == (False, WAITS)
    assert asked[OFTEN].reusable
    assert not_asked[ONCE].reusable
    assert asked[CASE].held_back == not_asked[CASE].held_back != WAITS


def test_a_decision_survives_another_import_and_the_growth_of_the_log(tmp_path: Path) -> None:
    before = build(tmp_path)
    for text, verdict, instead in (
        (ONCE, "approve", None), (OFTEN, "reject", None), (QUESTION, "edit", "Please restart the router."),
    ):  # fmt: skip
        append_approval(approvals(tmp_path), decide(before[text], verdict, by="anna", text=instead))  # type: ignore[arg-type]
    for extra in (0, 5):
        after = build(tmp_path, extra=extra)
        assert (after[ONCE].reusable, after[ONCE].decided) == (True, "approved")
        assert (after[OFTEN].reusable, after[OFTEN].decided) == (False, "rejected")
        edited = after["Please restart the router."]
        assert (edited.id, edited.reusable, edited.decided) == (before[QUESTION].id, True, "edited")
        assert QUESTION not in after
        assert after[CASE].decided is None


def test_what_is_undone_is_as_the_log_has_it_again(tmp_path: Path) -> None:
    before = build(tmp_path)
    made = decide(before[QUESTION], "edit", by="anna", text="Please restart the router.")
    append_approval(approvals(tmp_path), made)
    build(tmp_path)
    append_approval(approvals(tmp_path), decide(before[QUESTION], "undo", by="anna"))
    assert not read_approvals(approvals(tmp_path))
    assert build(tmp_path) == before


def test_the_newest_decision_counts_and_a_torn_line_does_not(tmp_path: Path) -> None:
    path, answer = tmp_path / "var" / "approvals.jsonl", answer_of(ONCE)
    append_approval(path, decide(answer, "reject", by="anna"))
    append_approval(path, decide(answer, "approve", by="bo"))
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"language":"en","sa')
    append_approval(path, decide(answer_of(CASE), "reject", by="bo"))
    assert [a.verdict for a in read_approvals(path).values()] == ["approve", "reject"]


@pytest.mark.parametrize(
    "line", ['["x"]', '{"language":"en"}', '{"language":"en","said":"x","verdict":"maybe","by":"a","time":1}']
)
def test_a_whole_line_that_is_no_decision_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    path = tmp_path / "approvals.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        read_approvals(path)


def test_a_placeholder_is_never_approved(tmp_path: Path) -> None:
    named = answer_of("Ask <NAME_1> about it.")
    with pytest.raises(InputError, match="placeholder"):
        decide(named, "approve", by="anna")
    with pytest.raises(InputError, match="placeholder"):
        decide(named, "edit", by="anna", text="  ")
    by_hand = {("en", "ask <name> about it"): decide(answer_of("Ask Jo about it."), "approve", by="anna")}
    (same,) = applied([named], by_hand)
    assert not same.reusable


def test_a_decision_about_an_edited_answer_is_about_what_is_shown() -> None:
    said, shown = "It is in aisle 5, I just looked.", "Ask us for the aisle."
    earlier = [decide(answer_of(text), "edit", by="anna", text=shown) for text in (said, CASE)]
    edited = answer_of(shown, reusable=True, held_back=None, decided="edited")
    for verdict, text in (("approve", shown), ("reject", None)):
        made = decisions(edited, verdict, earlier, by="bo")  # type: ignore[arg-type]
        assert [(one.said, one.text) for one in made] == [(said, text), (CASE, text)]
        (after,) = applied([answer_of(said)], {made[0].key: made[0]})
        assert after.reusable == (verdict == "approve")
        assert after.text == (text or said)


def test_the_list_holds_what_a_person_can_decide_the_most_useful_first() -> None:
    answers = [
        answer_of(CASE, held_back="says what somebody did"),
        answer_of(ONCE),
        answer_of("Ask <NAME_1> about it.", held_back="holds personal data"),
        answer_of("It is in aisle 5.", superseded_by="a9"),
        answer_of("Thanks!", held_back="only courtesies"),
        answer_of(OFTEN, reusable=True, held_back=None),
        answer_of("No.", decided="rejected"),
    ]
    found = waiting(answers, {})
    assert [one.answer.text for one in found] == [ONCE, CASE]
    assert 0 <= found[1].probability < found[0].probability <= 1
    often = waiting([*answers[:1], Answer("a2", "Maybe it is so, we hope.", "en", 90, reusable=False)], {})
    assert often[0].answer.support == 90
    rejected = {(a.language, a.key[1]): a for a in [decide(answers[1], "reject", by="anna")]}
    assert [one.answer.text for one in waiting(answers, rejected)] == [CASE]


def test_what_was_decided_here_sorts_the_rest() -> None:
    canoe, kayak = "The canoe is blue and light.", "The kayak is red and heavy."
    decided = [(f"The canoe number {i} is light.", True) for i in range(ENOUGH)]
    decided += [(f"The kayak number {i} is heavy.", False) for i in range(ENOUGH)]
    before, after = likely([canoe, kayak]), likely([canoe, kayak], decided)
    assert abs(before[0] - before[1]) < 0.2
    assert after[0] > 0.6 > 0.4 > after[1]
    assert likely([canoe, kayak], decided[: ENOUGH - 1]).tolist() == before.tolist()


def test_the_weights_belong_to_the_signs() -> None:
    with WEIGHTS.open(newline="", encoding="utf-8") as rows:
        named = {row["feature"] for row in csv.DictReader(rows)}
    assert named == {*FEATURES, "constant"}
    texts = [ONCE, CASE, QUESTION, "您稍等，我看一下系统。", "", "Thanks <NAME_1>!"]
    assert signs(texts).shape == (len(texts), len(FEATURES))
    assert {refusal_of(text) for text in texts} <= {None, *REASONS}


def careline(root: Path, *words: str, code: int = 0, keys: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "careline.py"), "data", "answers", *words, "--workspace", str(root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, input=keys)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_the_commands_list_decide_and_undo(tmp_path: Path) -> None:
    ids = {text: answer.id for text, answer in build(tmp_path).items()}

    def listed() -> list[str]:
        return [json.loads(line)["text"] for line in careline(tmp_path, "list", "--json").stdout.splitlines()]

    assert listed()[0] == ONCE
    careline(tmp_path, "approve", ids[ONCE], "--by", "anna")
    assert ONCE not in listed()
    assert ONCE in careline(tmp_path, "undo").stdout
    assert listed()[0] == ONCE
    careline(tmp_path, "edit", ids[QUESTION], "Please restart the router.")
    careline(tmp_path, "reject", ids[ONCE], ids[CASE])
    assert listed() == []
    assert build(tmp_path)["Please restart the router."].reusable
    line = careline(tmp_path, "approve", "nobody", code=2).stderr.strip()
    assert "nobody" in line
    assert "\n" not in line


def test_review_keeps_each_key_that_is_pressed(tmp_path: Path) -> None:
    build(tmp_path)
    done = careline(tmp_path, "review", "--by", "anna", keys="arq")
    assert "2 decided" in done.stderr
    assert sorted(a.verdict for a in read_approvals(approvals(tmp_path)).values()) == ["approve", "reject"]
    assert ONCE in [a.said for a in read_approvals(approvals(tmp_path)).values() if a.verdict == "approve"]


def test_review_shows_an_answer_again_after_undo_or_a_text_that_cannot_be_said(tmp_path: Path) -> None:
    build(tmp_path)
    done = careline(tmp_path, "review", "--by", "anna", keys="aur" + "eAsk <NAME_1>.\nq")
    assert "1 decided" in done.stderr
    assert "placeholder" in done.stderr
    (rejected,) = read_approvals(approvals(tmp_path)).values()
    assert rejected.verdict == "reject"
    assert done.stdout.count(f"{rejected.said}\n  asked:") == 2
    assert f"undone (approve): {ONCE}" in done.stdout
