"""The access point on the air: what it changes on the machine, and that all of it is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from conman_core import ConnectError
from conman_core.net import nl80211
from conman_plugins.accesspoint.air import Air, Apart
from conman_plugins.accesspoint.opening import Opening
from conman_plugins.accesspoint.plan import OWN, Plan
from tests.accesspoint.kernelkit import WANTED, Kernel, Page
from tests.accesspoint.kit import ALONE, TOGETHER, a_core, turns
from tests.core.machine import run_virtual

both = pytest.mark.parametrize("plan", [ALONE, TOGETHER], ids=["alone", "together"])


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    Page.up.clear()
    with a_core() as core:
        yield Kernel(monkeypatch, core)


class Heard:
    """Guests of an opening."""

    def __init__(self) -> None:
        self.fallen: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None

    def fell(self, sentence: str) -> None:
        self.fallen.append(sentence)


def make(kernel: Kernel, lost: list[str] | None = None, wanted: Any = WANTED) -> Air:
    ended = (lost if lost is not None else []).append
    core: Any = kernel.core
    return Air(core, wanted, joined=str, left=str, lost=ended)


def run(kernel: Kernel, work: Awaitable[None]) -> None:
    async def all_of_it() -> None:
        try:
            await work
        finally:
            kernel.end()

    run_virtual(all_of_it())


# -- what it changes


@both
def test_it_has_its_address_and_in_the_end_all_is_as_it_was(kernel: Kernel, plan: Plan) -> None:
    async def tale() -> None:
        air = make(kernel)
        await air.prepare(plan)
        assert kernel.interfaces[plan.ap_interface].addresses == {"10.0.0.1/24"}
        assert kernel.closed == {plan.ap_interface}
        await air.start()
        assert sorted(kernel.core.running) == sorted(
            [f"hostapd {plan.ap_interface}", f"dnsmasq {plan.ap_interface}"]
        )
        await air.stop()

    run(kernel, tale())
    assert kernel.pristine
    assert kernel.core.running == []
    assert kernel.core.store.load() == {}
    assert "delete table" in kernel.core.ran[-1][1]


def test_the_answer_to_all_names_is_an_address_of_its_own(kernel: Kernel) -> None:
    async def tale() -> None:
        air = make(kernel, wanted=replace(WANTED, portal=IPv4Address("192.0.2.1")))
        await air.prepare(ALONE)
        assert kernel.interfaces["wlan0"].addresses == {"10.0.0.1/24", "192.0.2.1/32"}
        await air.start()
        config = (kernel.core.runtime / "wlan0.dnsmasq.conf").read_text()
        assert "address=/#/192.0.2.1\n" in config
        await air.stop()

    run(kernel, tale())
    assert kernel.pristine


def test_its_own_interface_has_a_mac_of_its_own(kernel: Kernel) -> None:
    async def tale() -> None:
        air = make(kernel)
        await air.prepare(TOGETHER)
        made = kernel.interfaces[OWN]
        assert made.mac == bytes.fromhex("ba27eb000001"), "that nobody assigned"
        assert made.kind == nl80211.ACCESS_POINT
        assert kernel.interfaces["wlan0"].addresses == set()
        await air.stop()

    run(kernel, tale())


def test_one_of_a_killed_conman_is_replaced(kernel: Kernel) -> None:
    kernel.add_interface(0, OWN, nl80211.ACCESS_POINT, b"old")

    async def tale() -> None:
        air = make(kernel)
        await air.prepare(TOGETHER)
        assert kernel.interfaces[OWN].mac != b"old"
        await air.stop()

    run(kernel, tale())
    assert kernel.pristine


def test_a_radio_that_refuses_a_second_interface_says_so(kernel: Kernel) -> None:
    kernel.refuses = OSError(16, "Device or resource busy")
    with pytest.raises(Apart, match=r"wlan0 gets no second interface: .*busy"):
        run(kernel, make(kernel).prepare(TOGETHER))
    assert kernel.pristine
    assert kernel.core.store.load() == {}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("10.0.0.77/24", True),
        ("10.0.0.0/8", True),
        ("10.0.1.1/24", False),
        ("2001:db8::1/64", False),
    ],
)
def test_a_network_that_another_link_has_too_is_told(
    kernel: Kernel, address: str, said: bool
) -> None:
    kernel.interfaces["eth0"].addresses.add(address)
    kernel.interfaces["wlan0"].addresses.add("10.0.0.50/24")  # its own, of before

    async def tale() -> None:
        air = make(kernel)
        await air.prepare(ALONE)
        await air.stop()

    run(kernel, tale())
    sentences = [sentence for sentence, _ in kernel.core.said]
    assert (
        sentences
        == [
            f"the access point's network 10.0.0.0/24 is also that of eth0 ({address}):"
            " set another address in [conman:accesspoint]"
        ]
        * said
    )


# -- what goes wrong


@both
@pytest.mark.parametrize("program", ["hostapd", "dnsmasq"])
def test_one_program_that_fails_takes_the_other_down(
    kernel: Kernel, plan: Plan, program: str
) -> None:
    kernel.core.programs[program] = lambda running: running.end(1)

    async def tale() -> None:
        air = make(kernel)
        await air.prepare(plan)
        with pytest.raises(ConnectError, match=f"{program} ended at once"):
            await air.start()

    run(kernel, tale())
    assert kernel.core.running == []
    assert kernel.pristine


def test_an_interface_that_goes_meanwhile_is_told(kernel: Kernel) -> None:
    del kernel.interfaces["wlan0"]
    kernel.first = kernel._all()
    with pytest.raises(OSError, match="there is no interface wlan0"):
        run(kernel, make(kernel).prepare(ALONE))
    assert kernel.core.store.load() == {}


def test_what_takes_all_programs_down_is_told_once(kernel: Kernel) -> None:
    heard = Heard()

    async def tale() -> None:
        core: Any = kernel.core
        one = Opening(core, WANTED, ALONE, heard)  # type: ignore[arg-type]
        await one.open(None)  # type: ignore[arg-type]
        for program in kernel.core.started:
            program.end(1)
        await turns(10)
        await one.close()

    run(kernel, tale())
    assert len(heard.fallen) == 1


# -- what a killed one left


@both
def test_the_next_start_tidies_up(kernel: Kernel, plan: Plan) -> None:
    async def tale() -> None:
        core: Any = kernel.core
        await make(kernel).prepare(plan)
        kernel.interfaces[plan.ap_interface].kind = nl80211.ACCESS_POINT
        await Air.tidy(core)
        assert kernel.pristine
        ran = len(kernel.core.ran)
        await Air.tidy(core)
        assert len(kernel.core.ran) == ran, "there is nothing left to do"

    run(kernel, tale())


@pytest.mark.parametrize(
    "left",
    [
        {"interface": "gone0", "own": False, "before": {}, "addresses": ["10.0.0.1/24"]},
        {"interface": "eth0", "own": False, "before": None, "addresses": "rubbish"},
        {"interface": "eth0", "own": 1, "before": [], "addresses": ["a", 3]},
        {"interface": 7},
        {"else": True},
    ],
)
def test_whatever_is_in_the_file_nothing_else_is_touched(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, left: dict[str, object]
) -> None:
    kernel.core.store.save(left)
    monkeypatch.setattr("conman_plugins.accesspoint.wall.open_up", lambda *_: None)
    run(kernel, Air.tidy(kernel.core))  # type: ignore[arg-type]
    assert kernel.pristine


# -- cancelled


def cut_short(kernel: Kernel, plan: Plan, after: int) -> bool:
    """Cancel an opening after some turns, then close it; tell whether it had not ended yet."""
    reached = False

    async def tale() -> None:
        nonlocal reached
        core: Any = kernel.core
        one = Opening(core, WANTED, plan, Heard())  # type: ignore[arg-type]
        loop: Any = asyncio.get_running_loop()
        turn, first = loop._run_once, loop.turns

        def counted() -> None:
            nonlocal reached
            if loop.turns - first == after:
                reached = not opening.done()
                opening.cancel()
            turn()

        opening = asyncio.create_task(one.open(None))  # type: ignore[arg-type]
        loop._run_once = counted
        await asyncio.wait({opening})
        del loop._run_once
        await one.close()

    run(kernel, tale())
    return reached


@both
@pytest.mark.parametrize("fails", ["", "hostapd", "dnsmasq"])
def test_cancelled_at_any_moment_nothing_is_left(kernel: Kernel, plan: Plan, fails: str) -> None:
    if fails:
        kernel.core.programs[fails] = lambda running: running.end(1)
    after = 1
    while cut_short(kernel, plan, after):
        assert kernel.core.running == []
        assert Page.up == []
        assert kernel.pristine
        assert kernel.core.store.load() == {}
        after += 1
    assert after > 10
