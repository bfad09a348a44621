"""`careline doctor` and the other commands of `bot.cli`, as a person calls them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.doctor import examine
from bot.embedded import EmbeddedRedis
from bot.settings import BotSettings
from data.workspace import Web, Workspace, WorkspaceSettings

ROOT = Path(__file__).resolve().parents[2]


def careline(*words: str, **options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "careline.py", *words], cwd=ROOT, capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload,no-any-return]


def pretend_learned(root: Path) -> None:
    """A live model of a name but no content."""
    model = root / "var" / "rasa" / "d" / "model.tar.gz"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"no model")
    (root / "var" / "live.json").write_text('{"dataset":"a","model":"b","index":"c","rasa":"d"}', encoding="utf-8")


@pytest.mark.rasa
def test_a_new_workspace_misses_only_what_was_not_learned(tmp_path: Path):
    findings = {finding.name: finding for finding in examine(BotSettings(), Workspace(tmp_path))}
    assert findings["stores"].ok, findings["stores"]
    assert findings["base model"].ok, findings["base model"]
    assert findings["redis"].ok
    assert "appendfsync always" in findings["redis"].found
    assert findings["orders"].ok
    assert findings["orders"].found.startswith(("none", "sample"))
    missing = findings[str(tmp_path)]
    assert not missing.ok
    assert "careline learn" in missing.next_step


def test_an_external_redis_is_asked_how_it_keeps_data(tmp_path: Path):
    from redis import Redis

    from bot.doctor import _redis

    with EmbeddedRedis(Workspace(tmp_path)) as server:
        (found,) = _redis(BotSettings(redis_url=server.url), Workspace(tmp_path))
        assert found.ok
        assert "master, appendfsync always, eviction noeviction" in found.found
        Redis.from_url(server.url).config_set("maxmemory-policy", "allkeys-lru")
        (evicts,) = _redis(BotSettings(redis_url=server.url), Workspace(tmp_path))
        assert not evicts.ok
        assert "noeviction" in evicts.next_step
    (gone,) = _redis(BotSettings(redis_url=server.url), Workspace(tmp_path))
    assert not gone.ok
    assert "REDIS_URL" in gone.next_step


def test_init_users_and_a_port_in_use_from_the_command_line(tmp_path: Path):
    shop = tmp_path / "tea-house"
    made = careline("init", str(shop), "--yes", "--origin", "https://tea.example")
    assert made.returncode == 0, made.stderr
    assert f"careline learn LOG.csv --workspace {shop}" in made.stdout
    again = careline("init", str(shop), "--yes")
    assert again.returncode == 2
    assert len(again.stderr.splitlines()) == 1
    added = careline("users", "add", "mia", "--generate", "--json", "--workspace", str(shop))
    assert len(json.loads(added.stdout)["password"]) == 16
    listed = careline("users", "list", "--json", "--workspace", str(shop))
    assert [user["name"] for user in json.loads(listed.stdout)] == ["mia"]
    assert careline("users", "remove", "noone", "--workspace", str(shop)).returncode == 2


def test_serving_before_learning_and_on_a_taken_port_is_one_line(tmp_path: Path):
    nothing = careline("serve", "--workspace", str(tmp_path))
    assert nothing.returncode == 2
    assert "careline learn" in nothing.stderr
    pretend_learned(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = str(taken.getsockname()[1])
        refused = careline("serve", "--workspace", str(tmp_path), "--port", port)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert f"port {port}" in refused.stderr


@pytest.mark.rasa
@pytest.mark.slow
def test_a_child_that_cannot_start_is_shown_with_its_log_and_leaves_nothing(tmp_path: Path):
    pretend_learned(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    failed = careline("serve", "--workspace", str(tmp_path), "--port", port)
    assert failed.returncode == 1
    assert "model.tar.gz can not be loaded" in failed.stderr, failed.stderr
    assert f"its log is {tmp_path}/var/logs/worker.log" in failed.stderr
    assert "redis    stopped" in failed.stderr
    assert EmbeddedRedis(Workspace(tmp_path)).pid is None


def test_the_port_of_the_settings_is_looked_at(tmp_path: Path):
    from bot.doctor import _port

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        workspace = Workspace(tmp_path, WorkspaceSettings(web=Web(port=port)))
        (found,) = _port(BotSettings(), workspace)
    assert "in use" in found.found
