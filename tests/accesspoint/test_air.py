"""The access point on the air: what it changes on the machine, and that all of it is undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from conman_core import ConnectError
from conman_core.net import nl80211
from conman_plugins.accesspoint.air import Apart
from conman_plugins.accesspoint.opening import Opening
from conman_plugins.accesspoint.plan import OWN, Plan
from tests.accesspoint.kernelkit import WANTED, Heard, Kernel, Page, make, run
from tests.accesspoint.kit import ALONE, TOGETHER, a_core, turns

both = pytest.mark.parametrize("plan", [ALONE, TOGETHER], ids=["alone", "together"])


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    Page.up.clear()
    with a_core() as core:
        yield Kernel(monkeypatch, core)


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
        ran = len(kernel.core.ran)
        await air.stop()
        assert len(kernel.core.ran) == ran, "a second time there is nothing to do"

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


def test_one_that_fails_does_not_wait_for_one_that_hangs(kernel: Kernel) -> None:
    kernel.core.programs["hostapd"] = lambda running: None
    kernel.core.programs["dnsmasq"] = lambda running: running.end(1)

    async def tale() -> None:
        air = make(kernel)
        await air.prepare(ALONE)
        began = kernel.core.now()
        with pytest.raises(ConnectError, match="dnsmasq ended at once"):
            await air.start()
        assert kernel.core.now() - began < 1

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
