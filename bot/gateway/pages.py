"""The built pages (shop, widget, console) and the headers that keep them to themselves."""

from __future__ import annotations

from html import escape
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.gateway.http import Handler
from bot.gateway.wording import shop_language
from data.workspace import PROJECT, Shop

DIST = PROJECT / "web" / "dist"
"""Made by ``make setup`` from ``web/``."""

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors "
)


_PLAIN = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<h1>{name}</h1>
<p>{lead}</p>
<pre>&lt;script src="{origin}/widget.js" async&gt;&lt;/script&gt;</pre>
<p><a href="/console/">{agents}</a></p>
<script src="/widget.js" async></script>
</html>
"""

_PLAIN_WORDS = {
    "en": {
        "lead": "The chat is in the corner. This line puts it on a page of yours, whose site [web] origins must name:",
        "agents": "Agent page",
    },
    "zh": {
        "lead": "聊天窗口在页面右下角。把这一行放进您的网页即可使用，网站须写进 [web] origins：",
        "agents": "客服页面",
    },
}


def plain_page(shop: Shop) -> Handler:
    """The first page of a shop that is not the demo: its name, the chat, and the line that embeds it."""

    async def page(request: Request) -> Response:
        language = shop_language(shop, request.headers.get("accept-language", "en")[:2])
        words = _PLAIN_WORDS.get(language, _PLAIN_WORDS["en"])
        origin = str(request.base_url).rstrip("/")
        values = {"language": language, "name": shop.name, "origin": origin, **words}
        return HTMLResponse(_PLAIN.format(**{name: escape(value) for name, value in values.items()}))

    return page


def page_routes(dist: Path = DIST, *, shop: Shop | None = None) -> list[BaseRoute]:
    """Routes of the pages; the shop page takes whatever is left, so these come last.

    Args:
        dist: The built web code; where it is missing, every page says how to build it.
        shop: Has a plain page of its own instead of the demo shop's; None: it is the demo.
    """
    if not (dist / "widget.js").is_file():
        return [Route("/{path:path}", _not_built)]

    async def loader(_request: Request) -> Response:
        return FileResponse(dist / "widget.js", media_type="text/javascript")

    demo = Mount("/", StaticFiles(directory=dist / "shop", html=True))
    return [
        Route("/widget.js", loader),
        Route("/widget", lambda _: RedirectResponse("/widget/")),
        Route("/console", lambda _: RedirectResponse("/console/")),
        Mount("/widget", StaticFiles(directory=dist / "widget", html=True)),
        Mount("/console", StaticFiles(directory=dist / "console", html=True)),
        Route("/", plain_page(shop)) if shop is not None else demo,
    ]


async def _not_built(_request: Request) -> Response:
    return PlainTextResponse("The web code is not built yet. Run `make setup` and load this page again.\n", 503)


class PageHeaders:
    """Adds security and cache headers to every HTTP answer.

    Args:
        app: What answers.
        origins: Sites that may put the widget's page into a frame.
    """

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        self._app = app
        self._widget_parents = " ".join(("'self'", *origins))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), path)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _add(self, headers: MutableHeaders, path: str) -> None:
        widget = path.startswith("/widget/")
        headers["Content-Security-Policy"] = _PAGE_POLICY + (self._widget_parents if widget else "'self'")
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        shared = widget or path == "/widget.js"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin" if shared else "same-origin"
        if path.startswith("/api/"):
            headers["Cache-Control"] = "no-store"
        elif "/assets/" in path:  # their names carry a hash of their content
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
        else:
            headers["Cache-Control"] = "no-cache"
