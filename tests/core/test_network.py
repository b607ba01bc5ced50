"""What the kernel refuses costs what it concerns, never the daemon."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conman_core import network as module
from conman_core.errors import ConnectError, SystemFault
from conman_core.ledger import Ledger
from conman_core.model import Reason
from conman_core.net import rtmessage as rt
from conman_core.net.managers import Owner
from conman_core.net.netlink import fault
from conman_core.net.resolver import Resolver
from conman_core.network import Network

from .machine import connection

DEFAULT = rt.RouteMessage(rt.IPv4Network("0.0.0.0/0"), oif=2)


class FakeNetlink:
    def links(self) -> list[rt.LinkMessage]:
        return [rt.LinkMessage(2, "eth0", True, True, 1500)]

    def routes(self, protocol: int = 0) -> list[rt.RouteMessage]:
        return []

    def addresses(self, index: int = 0) -> list[rt.AddressMessage]:
        return []

    def link(self, name: str) -> rt.LinkMessage:
        return self.links()[0]

    def set_up(self, index: int, up: bool) -> None:
        pass

    def close(self) -> None:
        pass


class FakeRouter:
    """`refuse` names the methods that the kernel refuses."""

    def __init__(self, _: object) -> None:
        self.refuse: set[str] = set()
        self.foreign = [DEFAULT]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def method(*_: Any) -> Any:
            if name in self.refuse:
                raise fault(errno.EPERM, f"the kernel refused {name}")
            return {"new_addresses": (), "remember": {"interface": "eth0"}}.get(name)

        return method

    def new_addresses(self, wanted: Any) -> tuple[Any, ...]:
        return tuple(address.interface for address in wanted.addresses)

    def foreign_defaults(self, _: object) -> list[rt.RouteMessage]:
        if "foreign_defaults" in self.refuse:
            raise fault(errno.ETIMEDOUT, "the kernel did not answer")
        return self.foreign


class FakeManagers:
    owned: Owner | None = None

    def owner(self, *_: object) -> Owner | None:
        return self.owned


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(module, "Netlink", FakeNetlink)
    monkeypatch.setattr(module, "Router", FakeRouter)
    monkeypatch.setattr(module, "Managers", FakeManagers)
    monkeypatch.setattr(module.sysctl, "prepare", lambda *_: None)
    ledger = Ledger(tmp_path / "ledger.json", "boot")
    resolv_conf = tmp_path / "resolv.conf"
    return Network(ledger, Resolver(resolv_conf, ledger), resolv_conf=resolv_conf)


@pytest.mark.parametrize("method", ["foreign_defaults", "remember", "remove"])
def test_a_foreign_route_that_cannot_be_removed_is_noted_and_costs_nothing_else(
    network: Any, method: str
) -> None:
    network._router.refuse.add(method)
    network.remove_foreign_defaults(["eth0"])
    assert any("kernel" in note for note in network.notes.values())

    network._router.refuse.clear()
    network.remove_foreign_defaults(["eth0"])
    assert network.notes == {}


def test_a_sweep_that_the_kernel_refuses_is_logged(
    network: Any, caplog: pytest.LogCaptureFixture
) -> None:
    network._router.refuse.add("sweep")
    network.sweep(["eth0"])
    assert "refused sweep" in caplog.text


def test_an_address_that_could_not_be_removed_stays_in_the_ledger(network: Any) -> None:
    network.configure(connection("eth0"), 100)
    before = list(network.ledger.entries.addresses)
    assert before
    network._router.refuse.add("unconfigure")
    network.unconfigure("eth0")
    assert network.ledger.entries.addresses == before
    network._router.refuse.clear()
    network.unconfigure("eth0")
    assert network.ledger.entries.addresses == []


def test_release_goes_on_when_the_kernel_refuses_to_give_routes_back(network: Any) -> None:
    network.ledger.remember_interface("eth0")
    network._router.refuse |= {"release", "restore"}
    network.ledger.remember_route({"interface": "eth0"})
    done = network.release()
    assert any("refused release" in sentence for sentence in done)
    assert any("set eth0 down" in sentence for sentence in done)


def test_what_is_noted_of_an_interface_goes_when_it_is_over(
    network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SystemFault("read-only /proc/sys")

    monkeypatch.setattr(module.sysctl, "prepare", refuse)
    asyncio.run(network.prepare("eth0"))
    assert network.notes["eth0"] == "read-only /proc/sys"
    monkeypatch.setattr(module.sysctl, "prepare", lambda *_: None)
    asyncio.run(network.prepare("eth0"))

    network._managers.owned = Owner("dhcpcd", "eth0 is managed by dhcpcd", "dhcpcd -x eth0", "")
    asyncio.run(network.look_for_owner("eth0"))
    assert "dhcpcd -x eth0" in next(iter(network.notes.values()))
    network.unconfigure("eth0")
    assert network.notes == {}


def test_preparing_says_what_is_in_the_way(network: Any) -> None:
    with pytest.raises(ConnectError) as gone:
        asyncio.run(network.prepare("usb0"))
    assert gone.value.reason is Reason.NO_DEVICE
    network._managers.owned = Owner("dhcpcd", "eth0 is managed by dhcpcd", "dhcpcd -x eth0", "")
    with pytest.raises(ConnectError) as busy:
        asyncio.run(network.prepare("eth0"))
    assert busy.value.reason is Reason.BUSY
    assert "dhcpcd -x eth0" in busy.value.sentence
