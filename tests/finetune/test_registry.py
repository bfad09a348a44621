"""Promotion with real model folders: a good model, a spoilt copy of it, and what each move leaves behind."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from bot.components.live import LiveSearcher
from data.artifacts import IndexLayout, Manifest, ModelLayout, create, load_manifest
from data.errors import InputError
from data.workspace import PROJECT, Live, Workspace
from finetune.cli import app
from finetune.compare import Comparison, Row, slices_of
from finetune.recipe import load_recipe
from finetune.registry import Registry
from finetune.testing import little_shop, write_dataset
from finetune.train import train_model
from retrieval.build import build_index
from retrieval.curate import Curator
from retrieval.head import LinearHead
from retrieval.index import Index

STATIC = frozenset({"greet", "goodbye", "ask"})


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    place = Workspace(tmp_path_factory.mktemp("registry"))
    dataset = write_dataset(place.folder("dataset"), little_shop())
    recipe = replace(load_recipe("tiny"), epochs=0.0)
    model = train_model(dataset, place.folder("model"), recipe=recipe)
    index = build_index(dataset, model, place.folder("index"))
    place.go_live(Live("little", model.folder.name, index.folder.name, "rasa1"))
    return place


@pytest.fixture
def place(learned: Workspace, tmp_path: Path) -> Workspace:
    """A copy that a test may change."""
    shutil.copytree(learned.root, tmp_path / "shop")
    return Workspace(tmp_path / "shop")


def candidate(place: Workspace, *, worse: bool = False, key: str = "candidate") -> str:
    """A model with the live one's files, its heads emptied when it shall be worse."""
    live = place.live_model()
    made = load_manifest(live.folder, kind="model")
    with create(place.folder("model"), Manifest("model", key, parents=made.parents, recipe=made.recipe)) as draft:
        shutil.copytree(live.folder, draft.folder, dirs_exist_ok=True)
        (draft.folder / "manifest.json").unlink()
        layout = ModelLayout(draft.folder)
        if worse:
            head = LinearHead.load(layout.intent_head)
            replace(head, dense_weights=np.zeros_like(head.dense_weights), ngram_weights=None).save(layout.intent_head)
    return key


def test_a_slice_is_worse_by_more_than_margin_and_chance() -> None:
    rows = [Row("intents", "en", "returns")] * 200 + [Row("intents", "zh", "hours")] * 40
    before = np.ones(240, dtype=bool)
    after = before.copy()
    after[:40] = False
    named = {part.name: part for part in slices_of(rows, before, after, margin=0.5)}
    assert set(named) == {
        "intents, all", "intents, language en", "intents, language zh", "intents, topic hours", "intents, topic returns"
    }  # fmt: skip
    assert named["intents, topic returns"].worse
    assert named["intents, topic returns"].lost == 20
    assert not named["intents, language zh"].worse
    one = before.copy()
    one[0] = False
    assert not any(part.worse for part in slices_of(rows, before, one, margin=0.1)), "one row is chance"
    assert not any(part.worse for part in slices_of(rows, before, after, margin=25))
    assert not any(part.worse for part in slices_of(rows, after, before, margin=0))


def test_as_good_goes_live_is_logged_and_served_without_restart(place: Workspace) -> None:
    searcher = LiveSearcher(place)
    assert searcher.current().live == place.live()
    before = place.live()
    registry = Registry(place, STATIC)
    made = registry.promote(candidate(place), reason="a try")
    assert searcher.current().live.model == "candidate"
    assert searcher.current().searcher.search("when will my parcel arrive?").model == "candidate"
    index = load_manifest(IndexLayout(place.folder("index") / made.after.index).folder, kind="index")
    assert index.parents["model"] == "candidate"
    (row,) = registry.log()
    assert (row.move, row.before, row.after, row.reason) == ("promote", before, place.live(), "a try")
    assert row.who
    assert row.at
    assert row.figures[0]["name"] == "intents, all"
    assert registry.rollback().after == before
    assert searcher.current().live == before
    assert [row.move for row in registry.log()] == ["promote", "rollback"]
    with pytest.raises(InputError, match="no promotion to take back"):
        registry.rollback()


def test_what_people_changed_in_the_index_stays_changed(place: Workspace) -> None:
    curator = Curator.open(place)
    added = curator.add("any tents?", "We sell two tents.").answer.id
    curator.remove("hours")
    registry = Registry(place, STATIC, compare=lambda before, after, _: Comparison("", "", 0.5, ()))
    registry.promote(candidate(place))
    found = Index.load(place.live_index())
    assert found.answers[found.row_of[added]].text == "We sell two tents."
    assert not found.answers[found.row_of["hours"]].reusable
    registry.rollback()
    searcher = LiveSearcher(place).current().searcher
    assert searcher.search("any tents?").hits[0].id == added, "what people changed since holds in the old index too"


def test_rollback_makes_an_index_that_compaction_dropped(place: Workspace) -> None:
    registry, first = (
        Registry(place, STATIC, compare=lambda before, after, _: Comparison("", "", 0.5, ())),
        place.live(),
    )
    registry.promote(candidate(place))
    shutil.rmtree(place.folder("index") / first.index)
    after = registry.rollback().after
    assert after.model == first.model
    assert LiveSearcher(place).current().live == after


def test_worse_stays_out_unless_forced_with_a_reason(place: Workspace) -> None:
    registry, before = Registry(place, STATIC), place.live()
    key = candidate(place, worse=True)
    with pytest.raises(InputError, match="intents, all loses"):
        registry.promote(key)
    with pytest.raises(InputError, match="no reason"):
        registry.promote(key, force=True)
    assert place.live() == before
    assert registry.log() == []
    assert registry.promote(key, force=True, reason="the old one swears").forced
    assert place.live().model == key


def test_rollback_goes_back_step_by_step(place: Workspace) -> None:
    registry = Registry(place, STATIC, compare=lambda before, after, _: Comparison("", "", 0.5, ()))
    first = place.live().model
    for key in ("second", "third"):
        registry.promote(candidate(place, key=key))
    assert [registry.rollback().after.model for _ in range(2)] == ["second", first]


def test_static_intents_must_be_the_domains(place: Workspace) -> None:
    with pytest.raises(InputError, match="differ from the domain's: complaint"):
        Registry(place, STATIC | {"complaint"}).promote(candidate(place))
    with pytest.raises(InputError, match="differ from the domain's: goodbye"):
        Registry(place, frozenset({"greet"})).promote("candidate")
    Registry(place, frozenset({"greet"}), frozenset({"greet", "goodbye"})).check_static(place.live_model())


def test_the_projects_domain_has_what_its_examples_teach() -> None:
    from finetune.registry_cli import open_registry

    registry = open_registry(Workspace(PROJECT))
    assert registry.static is not None
    assert registry.static <= registry.domain
    assert "greeting" in registry.static


@pytest.mark.parametrize("harm", ["edit", "half", "missing"])
def test_a_folder_edited_by_hand_or_half_written_is_refused_in_one_line(place: Workspace, harm: str) -> None:
    before, key = place.live(), candidate(place)
    folder = place.folder("model") / key
    if harm == "edit":
        (folder / "thresholds.json").write_text('{"sure": 0.0}')
    elif harm == "half":
        (folder / "manifest.json").unlink()
    else:
        shutil.rmtree(folder)
    with pytest.raises(InputError) as error:
        Registry(place, STATIC).promote(key)
    assert "\n" not in str(error.value)
    assert place.live() == before


def test_a_model_folder_holds_no_pickles(learned: Workspace) -> None:
    for path in learned.live_model().folder.rglob("*"):
        if path.is_file():
            assert path.suffix in {".onnx", ".json", ".npz", ".safetensors", ".md", ".txt"}, path
            start = path.read_bytes()[:2]
            assert start[:1] != b"\x80" or path.suffix == ".safetensors", f"{path} may be a pickle"
            if path.suffix == ".npz":
                with np.load(path, allow_pickle=False) as stored:
                    assert all(stored[name].dtype != object for name in stored.files)


def test_learning_keeps_a_worse_model_out(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    import finetune.registry_cli
    import learn

    monkeypatch.setattr(finetune.registry_cli, "open_registry", lambda where: Registry(where, STATIC))
    before, console = place.live(), Console(quiet=True)
    after = replace(before, model=candidate(place, worse=True))
    told = learn._promoted(place, after, console)
    assert (told["live"], place.live()) == (False, before)
    assert "intents, all loses" in told["reason"]
    assert learn._promoted(place, replace(before, index="another"), console)["live"], "the same model, a new index"
    assert place.live().index == "another"
    (place.live_model().folder / "thresholds.json").write_text("{}")
    assert learn._promoted(place, after, console)["reason"] == "what served before is not whole any more"
    assert [row.move for row in Registry(place).log()] == ["learn", "learn"]


def test_by_command(place: Workspace) -> None:
    key, live, at = candidate(place, worse=True), place.live().model, ["--workspace", str(place.root), "--json"]
    done = json.loads(CliRunner().invoke(app, ["compare", live, key, *at]).stdout)
    assert not done["passed"]
    assert done["slices"][0]["before"] > done["slices"][0]["after"]
    assert {"swaps, all", "swaps, language zh", "swaps, topic name"} <= {part["name"] for part in done["slices"]}
    assert "worse" in CliRunner().invoke(app, ["compare", live, key, "--workspace", str(place.root)]).stdout
    refused = CliRunner().invoke(app, ["promote", key, *at])
    assert isinstance(refused.exception, InputError), "the little shop's static intents are not the domain's"
    assert json.loads(CliRunner().invoke(app, ["history", *at]).stdout) == {"promotions": []}
