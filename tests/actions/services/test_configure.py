from __future__ import annotations

from pathlib import Path

import pytest

from actions.services.configure import open_orders, tickets_of
from actions.services.http import HttpShop
from actions.services.look import look
from actions.services.orders import LocalOrders
from actions.services.sqlite import SqliteOrders
from actions.shop import ActionShop
from data.errors import InputError
from data.workspace import Services, Workspace, WorkspaceSettings, read_settings
from tests.actions.services.reference_shop import KEY, ReferenceShop, served


def shop(root: Path, **services: object) -> Workspace:
    return Workspace(root, WorkspaceSettings(services=Services(**services)))  # type: ignore[arg-type]


def test_each_kind_of_setting_gives_its_service(tmp_path: Path) -> None:
    def kind(orders: str) -> object:
        return type(open_orders(shop(tmp_path, orders=orders), secret=lambda name: ""))

    assert kind("none") is type(None)
    assert kind("sample") is LocalOrders
    assert kind("sqlite:orders.db") is SqliteOrders
    assert kind("https://shop.example/careline") is HttpShop
    assert kind("http://127.0.0.1:9/careline") is HttpShop
    assert not list(tmp_path.iterdir()), "nothing is opened or made before it is asked"


@pytest.mark.parametrize(
    ("services", "told"),
    [
        ({"orders": "Sample"}, r"\[services\] orders: got 'Sample'"),
        ({"orders": "sqlite:"}, "expected 'sqlite:orders.db'"),
        ({"orders": "http://shop.example"}, "expected https://"),
        ({"orders": "https://user:geheim@shop.example"}, "without a key"),
        ({"orders": "https://shop.example?key=geheim"}, "without a key"),
        ({"orders": "https://"}, "without a key"),
        ({"orders": "https://shop.example", "timeout": 0.0}, "from 0.1 to 60"),
        ({"orders": "https://shop.example", "key_env": "SHOP_KEY"}, "SHOP_KEY, which is not set"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line_without_secrets(
    tmp_path: Path, services: dict[str, object], told: str
) -> None:
    with pytest.raises(InputError, match=told) as wrong:
        open_orders(shop(tmp_path, **services), secret=lambda name: "")
    assert "geheim" not in str(wrong.value)


@pytest.mark.parametrize("key", ["geheim\n", " geheim", "geheim\r\nX-Admin: 1", "schlüssel-geheim"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    place = shop(tmp_path, orders="https://shop.example", key_env="SHOP_KEY")
    with pytest.raises(InputError, match="SHOP_KEY, whose value") as wrong:
        open_orders(place, secret=lambda name: key)
    assert "geheim" not in str(wrong.value)


def test_the_settings_file_knows_them(tmp_path: Path) -> None:
    text = '[services]\norders = "https://shop.example"\nkey_env = "SHOP_KEY"\ntimeout = 3.5\n'
    (tmp_path / "careline.toml").write_text(text)
    assert read_settings(tmp_path).services == Services("https://shop.example", "SHOP_KEY", 3.5)


async def test_tickets_go_where_orders_are_and_else_into_a_file_of_ours(tmp_path: Path) -> None:
    for orders in ("none", "sample"):
        speaker = ActionShop(shop(tmp_path, orders=orders))
        await speaker.tickets().open("message", "Hello", "", key=orders)
        assert (tmp_path / "var" / "services.db").is_file()
    speaker = ActionShop(shop(tmp_path, orders="sqlite:orders.db"))
    await speaker.tickets().open("message", "Hello", "", key="k")
    assert (tmp_path / "orders.db").is_file()
    remote = open_orders(shop(tmp_path, orders="https://shop.example"), secret=lambda name: "")
    assert tickets_of(remote) is remote


async def test_the_look_of_doctor_asks_the_service_and_shows_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)
    with served(ReferenceShop()) as url:
        said = await look(shop(tmp_path, orders=url, key_env="SHOP_KEY"))
    assert said == f"{url} (Northwind Trail) answers, with a key"
    assert await look(shop(tmp_path, orders="sqlite:orders.db")) == "sqlite:orders.db, 0 orders"
    assert (await look(shop(tmp_path))).startswith("none")
