"""Days and amounts of money: what is found, where it stands, and what Duckling must not do to the process."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bot.day_words import shifted
from bot.duckling_door import LONGEST, Duckling, TooSlow
from bot.mention import Mention
from bot.quantities import clauses, find_quantities, without_overlaps
from bot.rewriting import Rewritten
from data.workspace import PROJECT

NOW = datetime(2026, 11, 20, 12)  # a Friday


def days(text: str, language: str = "en", now: datetime = NOW) -> list[str]:
    return [m.value for m in find_quantities(text, language=language, now=now) if m.kind == "date"]


def amounts(text: str, language: str = "en") -> list[str]:
    return [m.value for m in find_quantities(text, language=language, now=NOW) if m.kind == "amount"]


@pytest.mark.parametrize("seed", range(40))
def test_a_day_is_read_however_it_is_written_and_whenever_it_is_said(seed: int) -> None:
    draw = random.Random(seed)
    now = datetime(2026, 1, 1, draw.randrange(24), draw.randrange(60)) + timedelta(days=draw.randrange(700))
    day = date(2020, 1, 1) + timedelta(days=draw.randrange(3650))
    iso = day.isoformat()
    for text in (f"on {iso} I ordered", f"it came on {day:%-d %B %Y}", f"bought {day:%B} {day.day}, {day.year}",
                 f"invoice of {day:%d.%m.%Y}", f"from the {day.day}{_ending(day.day)} of {day:%B %Y} on"):  # fmt: skip
        assert days(text, now=now) == [iso], text
    for text in (f"{day.year}年{day.month}月{day.day}日下的单", f"{day.year}-{day.month:02}-{day.day:02}买的",
                 f"{day.year}/{day.month}/{day.day}付款", f"{day.year}年{day.month}月{day.day}号之前要用"):  # fmt: skip
        assert days(text, "zh", now) == [iso], text


def _ending(day: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")


@pytest.mark.parametrize("seed", range(20))
def test_days_counted_from_today_are_counted_from_today(seed: int) -> None:
    draw = random.Random(seed)
    now = datetime(2026, 1, 1, draw.randrange(24)) + timedelta(days=draw.randrange(700))
    today, count = now.date(), draw.randrange(2, 30)
    ago, ahead = (today - timedelta(days=count)).isoformat(), (today + timedelta(days=count)).isoformat()
    assert days(f"I ordered {count} days ago", now=now) == [ago]
    assert days(f"I leave in {count} days", now=now) == [ahead]
    assert days(f"{count}天前买的", "zh", now) == [ago]
    assert days(f"{count}天后我就走了", "zh", now) == [ahead]
    for words, away in (("昨天", -1), ("前天", -2), ("大前天", -3), ("明天", 1), ("后天", 2), ("大后天", 3)):
        assert days(f"{words}的事", "zh", now) == [(today + timedelta(days=away)).isoformat()], words
    monday = today - timedelta(days=today.weekday())
    for place, name in enumerate("一二三四五六日"):
        assert days(f"上周{name}买的", "zh", now) == [(monday + timedelta(days=place - 7)).isoformat()]
        assert days(f"下星期{name}送", "zh", now) == [(monday + timedelta(days=place + 7)).isoformat()]


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("I ordered on Monday", "en", "2026-11-16"),
        ("can you come on Monday?", "en", "2026-11-23"),
        ("by Friday please", "en", "2026-11-27"),
        ("周一下的单", "zh", "2026-11-16"),
        ("周一能送吗", "zh", "2026-11-23"),
        ("it came on the 9th", "en", "2026-11-09"),
        ("is the 28th fine?", "en", "2026-11-28"),
        ("12号签收的", "zh", "2026-11-12"),
        ("on Halloween I ordered a lamp", "en", "2026-10-31"),
        ("before Christmas", "en", "2026-12-25"),
        ("双十一买的", "zh", "2026-11-11"),
        ("黑五买的", "zh", "2026-11-27"),
        ("in October", "en", "2026-10-01/2026-10-31"),
        ("next week", "en", "2026-11-23/2026-11-29"),
        ("next weekend", "en", "2026-11-28/2026-11-29"),
        ("away from 1 to 7 December", "en", "2026-12-01/2026-12-07"),
        ("12月1日至7日不在", "zh", "2026-12-01/2026-12-07"),
        ("23号到27号休假", "zh", "2026-11-23/2026-11-27"),
        ("月底前要", "zh", "2026-11-30"),
        ("两个月前买的", "zh", "2026-09-20"),
        ("tomorrow at 3pm", "en", "2026-11-21"),
        ("明天下午三点", "zh", "2026-11-21"),
    ],
)  # fmt: skip
def test_what_a_day_means_depends_on_the_message(text: str, language: str, wanted: str) -> None:
    assert days(text, language) == [wanted]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("at 5pm", "en"), ("between 9 and 11:30", "en"), ("for 3 weeks", "en"), ("within 30 days", "en"),
        ("after 6 months it broke", "en"), ("the second one", "en"), ("I may return it", "en"), ("now", "en"),
        ("every Tuesday", "en"), ("open from Mon to Fri", "en"), ("in 20 minutes", "en"), ("a few days ago", "en"),
        ("winter boots", "en"), ("下午三点", "zh"), ("等了三天了", "zh"), ("每周二", "zh"), ("周一到周五开门吗", "zh"),
        ("三号楼", "zh"), ("一点都不好", "zh"), ("7天内", "zh"), ("", "en"), ("   ", "zh"),
    ],
)  # fmt: skip
def test_times_durations_and_habits_are_no_days(text: str, language: str) -> None:
    assert days(text, language) == []


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("$49.90", "en", ["49.90 USD"]),
        ("49,90 €", "en", ["49.90 EUR"]),
        ("1.299,00 € for that", "en", ["1299.00 EUR"]),
        ("£1,299.00", "en", ["1299.00 GBP"]),
        ("fifty quid", "en", ["50.00 GBP"]),
        ("5 bucks", "en", ["5.00 USD"]),
        ("CHF 45", "en", ["45.00 CHF"]),
        ("between 50 and 60 dollars", "en", ["50.00 USD", "60.00 USD"]),
        ("why 4.90 for shipping", "en", ["4.90"]),
        ("三百二十块", "zh", ["320.00 CNY"]),
        ("￥299", "zh", ["299.00 CNY"]),
        ("九块九包邮", "zh", ["9.90 CNY"]),
        ("两万块", "zh", ["20000.00 CNY"]),
        ("预算600美元", "zh", ["600.00 USD"]),
        ("港币800", "zh", ["800.00 HKD"]),
        ("三百多块", "zh", ["300.00 CNY"]),
        ("一百二十元一双", "zh", ["120.00 CNY"]),
        ("I weigh two hundred pounds", "en", []),
        ("is it 1.50 m long", "en", []),
        ("at 10.30", "en", []),
        ("防水5000毫米", "zh", []),
        ("-8 C is enough", "en", []),
    ],
)
def test_amounts_have_the_currency_that_was_said(text: str, language: str, wanted: list[str]) -> None:
    assert amounts(text, language) == wanted


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("I paid fifty quid, on Monday", "en", ["fifty quid", "on Monday"]),
        ("😀 上个星期三花了￥299 😀", "zh", ["上个星期三", "￥299"]),
        ("ok. It was 10/23/2026! And 1.299,00 €", "en", ["10/23/2026", "1.299,00 €"]),
        ("12月1日至7日，大前天", "zh", ["12月1日至7日", "大前天"]),
    ],
)
def test_a_mention_stands_where_the_customer_wrote_it(text: str, language: str, said: list[str]) -> None:
    found = find_quantities(text, language=language, now=NOW)
    assert [text[m.start : m.end].strip() for m in found] == said


@pytest.mark.parametrize(
    "text", ["\x00", "a\x00 on 3 May", "\ud800 on 3 May", "\u202e3 May", "1/1/1 " * 400, "9" * 5000]
)
def test_no_text_stops_it(text: str) -> None:
    for language in ("en", "zh"):
        assert isinstance(find_quantities(text, language=language, now=NOW), list)


@pytest.mark.parametrize(
    "text", ["in 9000 years", "in 20000 years", "9000 years ago", "on 31 December 9999", "December 9999"]
)
def test_days_beyond_the_calendar_are_none_or_right(text: str) -> None:
    for value in days(text):
        assert all(date.fromisoformat(day) for day in value.split("/"))
    assert days("900年前", "zh") == ["1126-11-20"]
    assert isinstance(days("999年前", "zh"), list)


def test_long_texts_are_read_in_pieces_that_lose_nothing() -> None:
    text = "word " * 300 + "on 3 May. " + "字" * 700 + "。end"
    pieces = list(clauses(text))
    assert all(len(piece) <= LONGEST and text[start : start + len(piece)] == piece for start, piece in pieces)
    lost = len(text) - sum(len(piece) for _, piece in pieces)
    assert lost == text.count(".") + text.count("。")


def test_of_two_that_overlap_the_longer_one_stays() -> None:
    long, short, ends = Mention("date", "a", 0, 9), Mention("amount", "b", 3, 6), Mention("amount", "c", 10, 12)
    assert without_overlaps([short, ends, long]) == [long, ends]


def test_rewriting_knows_the_way_back() -> None:
    import re

    new = Rewritten.of("ab12cd", [(re.compile(r"\d+"), "three"), (re.compile("eec"), "X")])
    assert new.text == "abthrXd"
    assert new.span(2, 5) == (2, 4)
    assert new.span(5, 6) == (2, 5)
    assert new.span(6, 7) == (5, 6)


def test_months_end_where_they_end() -> None:
    assert shifted(date(2026, 3, 31), -1) == date(2026, 2, 28)
    assert shifted(date(2026, 1, 31), -2) == date(2025, 11, 30)
    assert shifted(date(2026, 1, 1), 10**7) == date(2026, 1, 1)


@pytest.mark.parametrize(("text", "language"), [("5月百3号", "zh"), ("on 3 May " * 20, "en"), ("今晚" * 9, "zh")])
def test_what_keeps_it_busy_is_left_unread_and_the_next_message_is_not(text: str, language: str) -> None:
    started = time.monotonic()
    assert days(text, language) == []
    assert time.monotonic() - started < 3
    assert days("on 3 May 2026") == ["2026-05-03"]


def test_it_is_started_again_when_it_was_killed() -> None:
    reader = Duckling()
    try:
        assert reader.read("on 3 May", "en", NOW)
        assert reader._child is not None
        reader._child.kill()
        reader._child.wait()
        assert reader.read("on 3 May", "en", NOW)
    finally:
        reader.close()


def test_a_fork_gets_its_own_and_the_parents_goes_on() -> None:
    assert days("on 3 May 2026") == ["2026-05-03"]
    child = os.fork()
    if child == 0:
        try:
            os._exit(7 if days("on 4 May 2026") == ["2026-05-04"] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert days("on 5 May 2026") == ["2026-05-05"]


def test_it_ends_with_the_one_who_asked() -> None:
    program = (
        "import os\n"
        "from datetime import datetime\n"
        "from bot.duckling_door import the_duckling\n"
        "the_duckling().read('today', 'en', datetime(2026, 1, 1))\n"
        "print(the_duckling()._child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    pid, limit = int(done.stdout), time.monotonic() + 20
    while _lives(pid):
        assert time.monotonic() < limit, "it outlived its worker"
        time.sleep(0.01)


def test_it_ends_without_the_one_who_asked_even_while_it_is_busy() -> None:
    command = [sys.executable, "-m", "bot.duckling_process"]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.communicate(json.dumps(["5月百3号", "zh", NOW.isoformat(), False]).encode() + b"\n", timeout=30)
    assert child.returncode == -signal.SIGALRM


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "import time; time.sleep(60)"])
def test_one_that_does_not_start_is_waited_for_once(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []
    real = subprocess.Popen

    def start(command: list[str], **given: Any) -> Any:
        started.append(time.monotonic())
        return real([sys.executable, "-c", program], **given)

    monkeypatch.setattr("bot.duckling_door.subprocess.Popen", start)
    monkeypatch.setattr("bot.duckling_door.START", 1.5)
    reader = Duckling()
    try:
        with pytest.raises(TooSlow):
            reader.read("on 3 May", "en", NOW)
        after = time.monotonic()
        for _ in range(5):
            with pytest.raises(TooSlow):
                reader.read("on 3 May", "en", NOW)
        assert time.monotonic() - after < 0.5
        assert len(started) <= 2
    finally:
        reader.close()


def test_an_answer_that_is_none_ends_it_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Duckling()
    try:
        assert reader.read("on 3 May", "en", NOW)
        with monkeypatch.context() as patch:
            patch.setattr(reader, "_line", lambda child, patience: b"duckling: internal error\n")
            with pytest.raises(TooSlow):
                reader.read("on 3 May", "en", NOW)
        assert reader.read("on 3 May", "en", NOW)
    finally:
        reader.close()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
