"""The kernel's news: in which order they are believed, and what is done when some were lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from conman_core import kernelwatch
from conman_core.errors import SystemFault
from conman_core.kernelwatch import KernelWatch
from conman_core.net import rtmessage as rt
from conman_core.net.netlink import Overrun
from conman_core.network import Interface


class FakeMonitor:
    """`news` are the batches that wait to be read."""

    def __init__(self) -> None:
        self.news: list[list[Any]] = []
        self.ends = os.pipe()

    def fileno(self) -> int:
        return self.ends[0]

    def close(self) -> None:
        for end in self.ends:
            os.close(end)

    def read(self) -> list[Any]:
        return self.news.pop(0) if self.news else []


class FakeKernel:
    """The network as far as it is watched: `real` is what a look finds."""

    def __init__(self) -> None:
        self.real = {"eth0": Interface(2, True, True)}
        self.known: dict[str, Interface] = {}
        self.looks = 0
        self.faults = 0
        self.moved: list[tuple[str, str]] = []

    def look(self) -> dict[str, Interface]:
        self.looks += 1
        if self.faults:
            self.faults -= 1
            raise SystemFault("the kernel did not answer")
        self.known = dict(self.real)
        return self.known

    def interfaces(self) -> dict[str, Interface]:
        return self.known

    def interface(self, name: str) -> Interface | None:
        return self.known.get(name)

    def name_of(self, index: int) -> str | None:
        return next((n for n, one in self.known.items() if one.index == index), None)

    def heard(self, link: rt.LinkMessage) -> None:
        former = self.name_of(link.index)
        if former is not None and (link.gone or former != link.name):
            del self.known[former]
        if not link.gone:
            self.known[link.name] = Interface(link.index, link.up, link.carrier)

    def unconfigure(self, name: str) -> None:
        self.moved.append(("unconfigure", name))


class FakeRoster:
    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., bool]:
        def note(*arguments: Any, **more: Any) -> bool:
            self.heard.append((name, *arguments, *more.values()))
            return True

        return note


class Watched:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monitor = FakeMonitor()
        monkeypatch.setattr(kernelwatch, "Monitor", lambda: self.monitor)
        self.kernel, self.roster = FakeKernel(), FakeRoster()
        self.kernel.look()
        self.pokes, self.probes = 0, 0
        arguments: Any = (self.kernel, self.roster)
        self.watch = KernelWatch(*arguments, self._changed, self._probe)

    def _changed(self) -> None:
        self.pokes += 1

    def _probe(self) -> None:
        self.probes += 1

    def tell(self, *batches: list[Any]) -> None:
        self.monitor.news += batches
        while self.monitor.news:
            self.watch._read()


def watching(monkeypatch: pytest.MonkeyPatch, story: Callable[[Watched], Any]) -> None:
    async def run() -> None:
        watched = Watched(monkeypatch)
        try:
            result = story(watched)
            if result is not None:
                await result
        finally:
            watched.watch.close()

    asyncio.run(run())


def link(name: str = "eth0", index: int = 2, **more: Any) -> rt.LinkMessage:
    return rt.LinkMessage(index, name, **{"up": True, "carrier": True, "mtu": 1500, **more})


def test_news_older_than_a_loss_do_not_overrule_the_look_that_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel reports the loss first, and only then hands out what it kept from before it."""

    def story(it: Watched) -> None:
        old = link(carrier=False)
        it.tell([Overrun(), old], [old])
        assert it.kernel.known["eth0"].carrier

    watching(monkeypatch, story)


def test_many_losses_at_once_need_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def story(it: Watched) -> None:
        before = it.kernel.looks
        it.tell([Overrun(), Overrun(), Overrun()])
        assert it.kernel.looks == before + 1

    watching(monkeypatch, story)


def test_a_look_that_fails_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(it: Watched) -> None:
        it.kernel.faults = 2
        it.kernel.real["eth0"] = Interface(2, True, False)
        monkeypatch.setattr(kernelwatch, "LOOK_AGAIN", 0.01)
        it.tell([Overrun()])
        async with asyncio.timeout(5):
            while it.kernel.known["eth0"].carrier:
                await asyncio.sleep(0.01)

    watching(monkeypatch, wait)


def test_a_device_that_was_replaced_unseen_is_gone_and_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dongle that was plugged again during the loss has the same name, and no address."""

    def story(it: Watched) -> None:
        it.kernel.real["eth0"] = Interface(9, True, True)
        it.tell([Overrun()])
        assert ("interface_gone", "eth0") in it.roster.heard
        assert it.probes == 1

    watching(monkeypatch, story)


def test_what_changed_while_the_watch_began_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def story(it: Watched) -> None:
        assert it.kernel.looks == 2  # the first was before there was a socket that listens

    watching(monkeypatch, story)


def test_a_renamed_interface_keeps_nothing_of_the_link_that_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Routes follow the number of an interface, not its name."""

    def story(it: Watched) -> None:
        it.tell([link("lan0")])
        assert ("interface_gone", "eth0") in it.roster.heard
        assert ("unconfigure", "lan0") in it.kernel.moved
        assert it.probes >= 1

    watching(monkeypatch, story)


def test_a_message_that_changes_nothing_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def story(it: Watched) -> None:
        it.tell([link(), link(mtu=1400)])
        assert it.pokes == 0
        assert it.roster.heard == []

    watching(monkeypatch, story)


def test_an_interface_that_is_set_up_is_configured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def story(it: Watched) -> None:
        it.tell([link(up=False, carrier=False)], [link()])
        assert it.roster.heard == [
            ("interface_changed", "eth0", False),
            ("interface_changed", "eth0", True),
        ]

    watching(monkeypatch, story)


def test_a_reused_number_is_another_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    def story(it: Watched) -> None:
        it.tell([link(gone=True), link("usb0")])
        assert it.roster.heard[0] == ("interface_gone", "eth0")
        assert it.kernel.name_of(2) == "usb0"

    watching(monkeypatch, story)
