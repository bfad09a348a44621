"""The project's own rules: layout, imports, sizes, nothing of a machine or a registry in the files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("data", "retrieval", "finetune", "bot", "actions")
MAX_FILE = 400
MAX_FUNCTION = 60


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for package in (*PACKAGES, "bench") for path in sorted((ROOT / package).rglob("*.py"))]


def test_top_level_is_what_the_design_names() -> None:
    for name in (
        "bot",
        "retrieval",
        "finetune",
        "data",
        "actions",
        "config.yml",
        "domain.yml",
        "tests",
        "pyproject.toml",
    ):
        assert (ROOT / name).exists(), name


def test_import_rules() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_no_environment_outside_settings(package: str) -> None:
    allowed = {"settings.py"}
    for path in (ROOT / package).rglob("*.py"):
        if path.name not in allowed:
            assert not re.search(r"os\.environ\[|os\.environ\.get|os\.getenv", path.read_text(encoding="utf-8")), path


def test_files_and_functions_stay_small() -> None:
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        if "samples" not in path.parts:
            assert text.count("\n") <= MAX_FILE, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                assert size <= MAX_FUNCTION, f"{path}:{node.lineno} {node.name} has {size} lines"


def test_only_jsonl_csv_and_code_under_data() -> None:
    for path in (ROOT / "data").rglob("*"):
        if path.is_file() and "rasa" not in path.parts and "__pycache__" not in path.parts:
            assert path.suffix in {".py", ".jsonl", ".csv", ".md", ".txt"}, f"{path}: Rasa would read it"


def test_nothing_of_a_machine_or_a_registry() -> None:
    hosts = "|".join(("py" + r"pi\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs\.org"))
    machine = re.compile(r"(?<![\w.])/(?:wo" + "rk|ro" + r"ot)/")
    for path in tracked():
        if path.stat().st_size < 1_500_000 and path.suffix not in {".png", ".faiss", ".onnx"}:
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not re.search(hosts, text), path
            assert not machine.search(text), path


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys, careline; careline.build_app(None)\n"
        "print([m for m in ('torch', 'rasa', 'tensorflow', 'transformers', 'faiss', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command", ["learn", "demo", "serve", "shell", "init", "data", "model", "index", "users", "export", "doctor"]
)
def test_every_command_explains_itself_without_heavy_imports(command: str) -> None:
    code = (
        f"import sys, careline\n"
        f"try:\n    careline.main(['{command}', '--help'])\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "heavy = [m for m in ('torch', 'rasa', 'tensorflow', 'transformers', 'faiss', 'sklearn') if m in sys.modules]\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_readme_names_both_commands() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "make demo" in text, name
        assert "make test" in text, name
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
