from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.rasa_model import MODEL, rasa_inputs, rasa_key, train_rasa
from data.artifacts import Manifest, create
from data.errors import InputError
from data.workspace import PROJECT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what Rasa reads."""
    for path in rasa_inputs(PROJECT):
        target = tmp_path / "project" / path.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path / "project"


def test_the_key_follows_every_input(project: Path) -> None:
    before = rasa_key(project)
    assert before == rasa_key(PROJECT)
    for path in rasa_inputs(project):
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "\n# changed\n", encoding="utf-8")
        assert rasa_key(project) != before, path
        path.write_text(text, encoding="utf-8")


def test_a_trained_model_is_not_trained_again(project: Path, tmp_path: Path) -> None:
    with create(tmp_path / "rasa", Manifest("rasa", rasa_key(project))) as draft:
        (draft.folder / MODEL).write_bytes(b"trained before")
    assert (train_rasa(project, tmp_path / "rasa") / MODEL).read_bytes() == b"trained before"


def test_a_folder_without_a_domain_is_refused(project: Path, tmp_path: Path) -> None:
    (project / "domain.yml").unlink()
    with pytest.raises(InputError, match=r"domain\.yml"):
        train_rasa(project, tmp_path / "rasa")
    assert not (tmp_path / "rasa").exists()


@pytest.mark.rasa
@pytest.mark.slow
def test_rules_that_contradict_leave_nothing_behind(project: Path, tmp_path: Path) -> None:
    with (project / "data" / "rasa" / "rules.yml").open("a", encoding="utf-8") as stream:
        stream.write("\n  - rule: Contradiction\n    steps:\n      - intent: greeting\n      - action: utter_goodbye\n")
    with pytest.raises(InputError, match="rasa train"):
        train_rasa(project, tmp_path / "rasa")
    assert not list((tmp_path / "rasa").iterdir())
