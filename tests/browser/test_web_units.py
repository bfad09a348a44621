"""Runs the web code's own tests (Vitest) and its type check, so that one command tests everything."""

from __future__ import annotations

import subprocess

import pytest

from data.workspace import PROJECT

WEB = PROJECT / "web"
NODE = PROJECT / ".venv" / "bin" / "node"


@pytest.mark.parametrize("tool", ["vitest/vitest.mjs", "typescript/bin/tsc"])
def test_the_web_code_holds(tool: str):
    script = WEB / "node_modules" / tool
    if not script.is_file() or not NODE.exists():
        pytest.skip("the web code's tools are not installed: run make setup")
    arguments = ["run", "--reporter=dot"] if "vitest" in tool else ["--noEmit"]
    done = subprocess.run([str(NODE), str(script), *arguments], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
