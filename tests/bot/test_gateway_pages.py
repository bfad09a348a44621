"""The pages and their headers."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bot.gateway.testing import PARTNER, serving
from bot.state.log import ConversationLog


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    for name in ("shop", "widget", "console"):
        (folder / name / "assets").mkdir(parents=True)
        (folder / name / "index.html").write_text(f"<!doctype html><title>{name}</title>", encoding="utf-8")
        (folder / name / "assets" / "main-1a2b.js").write_text(f"'{name}'", encoding="utf-8")
    (folder / "widget.js").write_text("'loader'", encoding="utf-8")
    (tmp_path / "secret").write_text("hidden", encoding="utf-8")
    return folder


async def test_every_page_is_at_its_place(tmp_path: Path, log: ConversationLog, dist: Path):
    async with (
        serving(tmp_path, log, dist=dist, orders="sample") as address,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):
        for path, text in (
            ("/", "shop"),
            ("/assets/main-1a2b.js", "'shop'"),
            ("/widget/", "widget"),
            ("/widget/assets/main-1a2b.js", "'widget'"),
            ("/console/", "console"),
            ("/widget.js", "'loader'"),
        ):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert text in answer.text
        assert (await client.get("/widget.js")).headers["content-type"].startswith("text/javascript")
        assert (await client.get("/console")).status_code in (301, 307)
        for path in ("/nothing", "/..%2f..%2fsecret", "/%2e%2e/secret", "/widget/../../secret", "/api/console/nothing"):
            answer = await client.get(path)
            assert answer.status_code == 404, path
            assert "hidden" not in answer.text


async def test_only_the_widget_may_stand_in_frames_of_allowed_sites(tmp_path: Path, log: ConversationLog, dist: Path):
    async with (
        serving(tmp_path, log, dist=dist, orders="sample") as address,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):
        policies = {
            path: (await client.get(path)).headers["content-security-policy"] for path in ("/", "/console/", "/widget/")
        }
        assert policies["/widget/"].endswith(f"frame-ancestors 'self' {PARTNER}")
        assert policies["/console/"].endswith("frame-ancestors 'self'")
        assert all("script-src 'self';" in policy and "unsafe" not in policy for policy in policies.values())
        loader = (await client.get("/widget.js")).headers
        assert loader["cross-origin-resource-policy"] == "cross-origin"
        assert loader["x-content-type-options"] == "nosniff"
        assert "immutable" in (await client.get("/assets/main-1a2b.js")).headers["cache-control"]
        assert (await client.get("/")).headers["cache-control"] == "no-cache"
        assert (await client.get("/api/console/me")).headers["cache-control"] == "no-store"


async def test_unbuilt_pages_say_how_to_build_them(tmp_path: Path, log: ConversationLog):
    async with serving(tmp_path, log) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.get("/")
        assert answer.status_code == 503
        assert "make setup" in answer.text
        assert (await client.get("/healthz")).status_code == 200


async def test_a_shop_that_is_not_the_demo_has_a_plain_page_of_its_own(
    tmp_path: Path, log: ConversationLog, dist: Path
):
    async with serving(tmp_path, log, dist=dist) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.get("/")
        assert "<h1>Test Shop</h1>" in answer.text
        assert (
            f"src=&quot;http://{address}/widget.js&quot;" in answer.text
            or f'src="http://{address}/widget.js"' in answer.text
        )
        assert '<script src="/widget.js" async></script>' in answer.text
        chinese = await client.get("/", headers={"accept-language": "zh-CN"})
        assert 'lang="zh"' in chinese.text
        hostile = await client.get("/", headers={"host": 'x"><script>alert(1)</script>'})
        assert "<script>alert" not in hostile.text
        assert (await client.get("/nothing")).status_code == 404
