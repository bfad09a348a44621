"""axe-core on a frame: what keeps people with disabilities out."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from playwright.async_api import Frame

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@lru_cache(maxsize=1)
def _source() -> str:
    return AXE.read_text(encoding="utf-8")


async def violations(frame: Frame) -> list[str]:
    """Rule, impact and element of all that axe finds in a frame by WCAG 2.2 AA and its best practices."""
    await frame.evaluate(_source())
    found: list[dict[str, Any]] = await frame.evaluate(
        "tags => axe.run(document, { runOnly: tags, iframes: false }).then(result => result.violations)", list(TAGS)
    )
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for one in found
        for node in one["nodes"]
    ]
