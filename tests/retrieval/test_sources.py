"""`careline index import`, `sources`, `drop`: what is imported is found, what is dropped is not, nothing is half."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from data.artifacts import load_manifest
from data.errors import InputError
from data.workspace import Workspace
from retrieval.cli import app
from retrieval.index import Index
from retrieval.search import Searcher
from tests.fixtures.little_shop import make_little_shop

PAGE = "# Tents\n\n## Is a footprint included?\n\nA footprint is sold separately.\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_little_shop(tmp_path_factory.mktemp("shop")).root


@pytest.fixture
def place(shop: Path, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(shop, tmp_path / "shop"))


def run(place: Workspace, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--workspace", str(place.root)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def imported(place: Workspace, path: Path, *words: str) -> dict[str, Any]:
    return dict(json.loads(run(place, "import", str(path), "--json", *words)))


def first(place: Workspace, question: str) -> Any:
    return Searcher.open(place.live_index(), place.live_model()).search(question).hits[0]


def test_an_imported_article_is_found_by_its_heading(place: Workspace, tmp_path: Path) -> None:
    (tmp_path / "help").mkdir()
    (tmp_path / "help" / "tents.md").write_text(PAGE)
    report = imported(place, tmp_path / "help", "--tag", "gear", "--url-prefix", "https://shop.example/help")
    assert (report["answers"], report["added"], report["left_out"]) == (1, 1, [])
    assert report["index"] == place.live().index
    hit = first(place, "is a footprint included?")
    assert hit.answer.text == "A footprint is sold separately."
    assert (hit.answer.source, hit.answer.title) == ("article", "Tents › Is a footprint included?")
    assert (hit.answer.tags, hit.answer.url) == (("gear",), "https://shop.example/help/tents")
    assert hit.question == "Is a footprint included?"


def test_each_import_makes_another_index_and_the_same_none(place: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text(PAGE)
    before = place.live().index
    one = imported(place, page)["index"]
    parents = load_manifest(place.live_index().folder, kind="index").parents
    assert parents["source:help"]
    assert imported(place, page)["index"] == one != before
    page.write_text(PAGE.replace("separately", "for 29 euros"))
    changed = imported(place, page)
    assert (changed["added"], changed["changed"], changed["gone"]) == (0, 1, 0)
    assert changed["index"] != one
    assert "29 euros" in first(place, "is a footprint included?").answer.text
    imported(place, page, "--name", "other")
    assert [row["name"] for row in json.loads(run(place, "sources", "--json"))] == ["help", "other"]
    run(place, "drop", "other")
    run(place, "drop", "help")
    assert not any(answer.source == "article" for answer in Index.load(place.live_index()).answers)
    assert place.live().index == before


def test_a_preview_writes_nothing(place: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "help"
    folder.mkdir()
    (folder / "a.md").write_text(PAGE)
    (folder / "b.md").write_text("")
    (folder / "c.md").write_text("# C\n\nDear {name}\n")
    shown = run(place, "import", str(folder), "--preview", "--name", "x")
    assert "would become 1 answers" in shown
    assert "left out  b.md: an empty file" in shown
    assert "never filled in" in shown
    assert not place.sources.exists()


def test_a_failed_import_leaves_the_earlier_one(place: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text(PAGE)
    imported(place, page)
    before = {path: path.read_bytes() for path in place.sources.rglob("*") if path.is_file()}
    page.write_text("<script>only</script>")
    with pytest.raises(InputError, match="no text that a person sees"):
        run(place, "import", str(page))
    assert {path: path.read_bytes() for path in place.sources.rglob("*") if path.is_file()} == before
    with pytest.raises(InputError, match="no such source"):
        run(place, "drop", "nothing")
    with pytest.raises(InputError, match="a date such as"):
        run(place, "import", str(page), "--valid-until", "soon")


def test_a_damaged_source_is_no_part_of_an_index(place: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(PAGE)
    imported(place, tmp_path / "a.md", "--no-build")
    (answers,) = (place.sources / "help").glob("answers-*.jsonl")
    answers.write_text(answers.read_text().replace("separately", "free"))
    live = place.live()
    with pytest.raises(InputError, match="not those that were imported"):
        run(place, "build")
    assert place.live() == live
    mended = imported(place, tmp_path / "a.md")  # as the message says
    assert mended["index"] == place.live().index
    assert (mended["added"], mended["changed"]) == (1, 0)
