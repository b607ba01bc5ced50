"""The wwan driver without a modem: what there is, and a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conman_core import ConnectError, Link, Lost, Unavailable
from conman_core.model import Family, Specificity
from conman_plugins.cellular import bearer
from tests.cellular.fakemodem import OLD
from tests.cellular.wwanrig import Rig

MakeRig = Callable[..., Rig]


@pytest.fixture
def rig(tmp_path: Path) -> MakeRig:
    def make(settings: dict[str, str] | None = None, **modem: Any) -> Rig:
        return Rig(tmp_path, {"apn": "internet"} | (settings or {}), **modem)

    return make


# -- what there is ---------------------------------------------------------------------------------


def test_a_modem_is_a_metered_link_of_its_own_device(rig: MakeRig) -> None:
    link = rig().link
    assert (link.name, link.interface) == ("wwan:cdc-wdm0", "wwan0")
    assert link.metered
    assert link.specificity is Specificity.DEVICE
    assert (link.hardware, link.note) == ("usb:1-1", "Quectel EC25")


def test_a_modem_that_speaks_mbim_is_told_from_one_that_speaks_qmi(rig: MakeRig) -> None:
    made = rig()
    made.modem.usb.plug_in(driver="cdc_mbim")
    found = made.driver.probe()
    assert isinstance(found, Unavailable)
    assert "speaks MBIM, which is not supported" in found.sentence
    with pytest.raises(ConnectError, match="MBIM"):
        made.on(made.driver.connect(Link("wwan", "cdc-wdm0", "wwan0")))
    assert made.modem.questions == []


def test_without_a_modem_it_asks_for_one(rig: MakeRig) -> None:
    made = rig()
    link = made.link
    made.modem.usb.unplug()
    found = made.driver.probe()
    assert isinstance(found, Unavailable)
    assert "plug one in" in found.sentence
    with pytest.raises(ConnectError, match="cdc-wdm0 is gone"):
        made.on(made.driver.connect(link))


# -- a connection ----------------------------------------------------------------------------------


def test_bare_packets_have_no_router_and_the_kernel_is_told_while_it_is_down(rig: MakeRig) -> None:
    made = rig()
    found = made.on(made.connect())
    assert str(found.addresses[0].interface) == "10.64.1.2/32"
    assert dict(found.gateways) == {Family.IPV4: None}
    assert [str(server) for server in found.dns] == ["8.8.8.8"]
    assert (found.mtu, found.metered) == (1500, True)
    assert made.modem.usb.switched == [False, True]
    assert made.modem.usb.raw_ip.read_text() == "Y"


def test_an_old_modem_has_frames_and_a_router(rig: MakeRig) -> None:
    made = rig(services=OLD)
    found = made.on(made.connect())
    assert str(found.addresses[0].interface) == "10.64.1.2/24"
    assert str(found.gateways[Family.IPV4]) == "10.64.1.1"
    assert made.modem.usb.switched == []


def test_a_modem_with_a_choice_is_asked_for_bare_packets(rig: MakeRig) -> None:
    made = rig()
    made.modem.qmi.raw_ip_only = made.modem.qmi.raw_ip = False
    assert dict(made.on(made.connect()).gateways) == {Family.IPV4: None}
    assert made.modem.qmi.raw_ip


@pytest.mark.parametrize(("kind", "count"), [("4v6", 2), ("6", 1)])
def test_ipv6(rig: MakeRig, kind: str, count: int) -> None:
    made = rig({"ip-type": kind}, ipv6=True)
    found = made.on(made.connect())
    assert len(found.addresses) == len(found.gateways) == count
    assert Family.IPV6 in found.gateways


def test_one_family_is_enough_of_both(rig: MakeRig) -> None:
    made = rig({"ip-type": "4v6"}, ipv6=False)
    assert list(made.on(made.connect()).gateways) == [Family.IPV4]


def test_a_radio_that_is_off_is_switched_on(rig: MakeRig) -> None:
    made = rig()
    made.modem.modem.set_mode("low-power")
    assert made.on(made.connect())
    assert made.modem.modem.mode == "online"


def test_a_modem_that_a_network_has_taken_is_asked_nothing_else(rig: MakeRig) -> None:
    made = rig()
    assert made.on(made.connect())
    asked = ["nas-get-serving-system", "wda-get-data-format", "wds-get-current-settings"]
    assert made.modem.questions == asked


def test_a_modem_without_operating_modes_is_on(rig: MakeRig) -> None:
    made = rig({"pin": "1234"})
    made.modem.insert(pin="1234")
    made.modem.dumb.add("dms-get-operating-mode")
    assert made.on(made.connect())


def test_a_hang_up_that_a_modem_does_not_hear_ends_in_time(
    rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "_STOP_LIMIT", 0.1)
    made = rig({"ip-type": "4v6"}, ipv6=True)

    async def check() -> None:
        await made.connect()
        made.change(control="silent")
        async with asyncio.timeout(2):  # one answer is waited for, not four
            await made.driver.disconnect(made.link)

    made.on(check())


def test_user_and_password_go_where_nobody_sees_them(rig: MakeRig) -> None:
    who = {"user": 'me,"', "password": "it's, secret"}
    made = rig(who, **who)
    assert made.on(made.connect())
    assert not any("secret" in word for call in made.context.calls for word in call.argv)


def test_disconnect_leaves_no_session_and_no_client(rig: MakeRig) -> None:
    made = rig()

    async def check() -> None:
        await made.connect()
        assert made.modem.modem.calls
        await made.driver.disconnect(made.link)
        assert not made.modem.modem.calls
        assert not made.modem.qmi.clients

    made.on(check())


# -- while it is connected -------------------------------------------------------------------------


def test_a_session_that_the_network_ends_is_told_at_once_with_the_cause(rig: MakeRig) -> None:
    made = rig()

    async def check() -> None:
        await made.connect()
        made.modem.modem.end_calls((6, 38))
        event = await made.event()
        assert isinstance(event, Lost)
        assert "ended the session of wwan0 (network failure)" in event.sentence

    made.on(check())
