"""axe-core finds nothing on any screen in any state."""

from __future__ import annotations

import pytest

from tests.browser.axe import AXE, violations
from tests.browser.people import Visitors
from tests.browser.scripted_site import Site
from tests.browser.states import CONSOLE_STATES, WIDGET_STATES, State, open_state

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: run make setup"),
]


@pytest.mark.parametrize("state", [*WIDGET_STATES, *CONSOLE_STATES], ids=lambda state: state.name)
async def test_nobody_is_kept_out(site: Site, visitors: Visitors, state: State):
    frame = await open_state(site, visitors, state)
    assert await violations(frame) == []
