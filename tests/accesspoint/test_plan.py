"""What a radio can be is read from what the kernel tells of it; see the radios in wiphy.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conman_core import ConnectError, Reason
from conman_core.net import nl80211
from conman_core.net.rfkill import Switches
from conman_plugins.accesspoint import plan
from conman_plugins.accesspoint.plan import OWN, Plan, make_plan, quietest
from tests.accesspoint import wiphy
from tests.accesspoint.wiphy import AP, STATION, Radio, combination, heard

Machine = Callable[..., Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with one radio, wlan0: `machine(radio)` returns its folder in sysfs."""
    net = tmp_path / "class/net"
    (net / "wlan0/phy80211/rfkill3").mkdir(parents=True)
    for name, text in (
        ("wlan0/phy80211/index", "7"),
        ("wlan0/ifindex", "4"),
        ("wlan0/phy80211/rfkill3/soft", "0"),
        ("wlan0/phy80211/rfkill3/hard", "0"),
    ):
        (net / name).write_text(f"{text}\n")
    (net / "eth0").mkdir()
    monkeypatch.setattr(plan, "SYSFS", net)
    monkeypatch.setattr(
        plan, "Switches", lambda name: Switches(name, tmp_path, tmp_path / "no-rfkill")
    )

    def made(radio: Radio, around: list[dict[int, bytes]] | None = None) -> Path:
        asked = {7: radio.pieces()}
        monkeypatch.setattr(nl80211, "wiphy", asked.__getitem__)
        monkeypatch.setattr(nl80211, "scanned", {4: around or []}.__getitem__)
        return net / "wlan0"

    return made


def failure(interface: str = "wlan0") -> tuple[Reason, str]:
    with pytest.raises(ConnectError) as caught:
        make_plan(interface, together=True)
    return caught.value.reason, caught.value.sentence


@pytest.mark.parametrize(
    ("radio", "together", "one_channel"),
    [
        (wiphy.BRCMFMAC, True, True),
        (wiphy.ATH9K, True, True),
        (wiphy.RTL8XXXU, False, True),
        (wiphy.MT7921, True, False),
    ],
    ids=["brcmfmac", "ath9k", "rtl8xxxu", "mt7921"],
)
def test_a_radio_is_both_at_once_if_it_says_so(
    machine: Machine, radio: Radio, together: bool, one_channel: bool
) -> None:
    machine(radio)
    found = make_plan("wlan0", together=True)
    assert (found.together, found.one_channel) == (together, one_channel)
    assert found.ap_interface == (OWN if together else "wlan0")
    assert (found.interface, found.phy) == ("wlan0", 7)


@pytest.mark.parametrize(
    "limits",
    [
        ([(2, [STATION])], 2, 1),
        ([(1, [STATION, AP])], 2, 1),
        ([(1, [STATION]), (1, [AP])], 1, 1),
        ([(1, [AP]), (1, [wiphy.MESH])], 2, 1),
    ],
    ids=["clients alone", "one of both", "one in all", "no client"],
)
def test_it_is_not_both_if_there_is_no_room_for_both(
    machine: Machine, limits: tuple[wiphy.Limits, int, int]
) -> None:
    machine(Radio(combinations=(combination(*limits),)))
    assert not make_plan("wlan0", together=True).together


def test_the_user_can_forbid_it(machine: Machine) -> None:
    machine(wiphy.BRCMFMAC)
    found = make_plan("wlan0", together=False)
    assert (found.together, found.ap_interface) == (False, "wlan0")


def test_one_that_did_not_keep_its_promise_is_access_point_alone(machine: Machine) -> None:
    machine(wiphy.BRCMFMAC)
    found = make_plan("wlan0", together=True)
    assert found.alone() == make_plan("wlan0", together=False)


def test_channels_where_nobody_may_begin_to_send_are_left_out(machine: Machine) -> None:
    closed = {2467: (3,), 2472: (2,), 5500: (5, 3), 2462: (5,)}
    machine(Radio(closed=closed))
    found = make_plan("wlan0", together=True)
    assert found.frequencies == set(wiphy.LOW + wiphy.HIGH) - closed.keys()


def test_it_reaches_the_channels_of_2_4_ghz_alone(machine: Machine) -> None:
    machine(Radio(closed={2472: (2,)}))
    found = make_plan("wlan0", together=True)
    assert [f for f in (2412, 2467, 2472, 5180) if found.reaches(f)] == [2412, 2467]


@pytest.mark.parametrize("ht", [True, False])
def test_high_throughput_is_used_where_the_radio_has_it(machine: Machine, ht: bool) -> None:
    machine(Radio(ht=ht))
    assert make_plan("wlan0", together=True).throughput is ht


# -- what can be wrong with it


def test_a_radio_that_cannot_be_an_access_point_says_so(machine: Machine) -> None:
    machine(Radio(types=(STATION,)))
    assert failure() == (
        Reason.NO_DEVICE,
        "wlan0 cannot be an access point: its driver does not offer it; use another radio",
    )


@pytest.mark.parametrize("frequencies", [wiphy.HIGH, (2484,), ()], ids=["5 GHz", "14", "none"])
def test_one_without_a_channel_says_where_to_look(
    machine: Machine, frequencies: tuple[int, ...]
) -> None:
    machine(Radio(frequencies=frequencies))
    assert failure() == (
        Reason.NO_COUNTRY,
        "wlan0 may not be an access point on any channel of 2.4 GHz; "
        "is its country right? iw reg get",
    )


@pytest.mark.parametrize("interface", ["eth0", "gone0"])
def test_what_is_no_radio_is_told(machine: Machine, interface: str) -> None:
    machine(wiphy.BRCMFMAC)
    assert failure(interface) == (Reason.NO_DEVICE, f"{interface} is not a WiFi radio")


def test_a_kernel_that_tells_nothing_is_no_access_point(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(wiphy.BRCMFMAC)
    monkeypatch.setattr(nl80211, "wiphy", lambda _: [])
    assert failure()[0] is Reason.NO_DEVICE


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_torn_answers_are_read_as_far_as_they_go(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    machine(wiphy.BRCMFMAC)
    torn = [{kind: data[:cut] for kind, data in p.items()} for p in wiphy.BRCMFMAC.pieces()]
    monkeypatch.setattr(nl80211, "wiphy", lambda _: torn)
    try:
        found = make_plan("wlan0", together=True)
    except ConnectError as error:
        assert error.reason in {Reason.NO_DEVICE, Reason.NO_COUNTRY}  # noqa: PT017
    else:
        assert found.frequencies <= set(wiphy.LOW + wiphy.HIGH)


def test_one_that_software_switched_off_is_switched_on(machine: Machine) -> None:
    soft = machine(wiphy.BRCMFMAC) / "phy80211/rfkill3/soft"
    soft.write_text("1\n")
    make_plan("wlan0", together=True)
    assert soft.read_text() == "0"


def test_one_that_a_key_switched_off_is_told(machine: Machine) -> None:
    (machine(wiphy.BRCMFMAC) / "phy80211/rfkill3/hard").write_text("1\n")
    assert failure() == (
        Reason.RF_KILLED,
        "wlan0 is switched off by a switch or key of the device",
    )


# -- the channel


def quiet(machine: Machine, *around: dict[int, bytes], radio: Radio = wiphy.RTL8XXXU) -> int:
    machine(radio, list(around))
    made: Plan = make_plan("wlan0", together=True)
    return quietest(made)


def test_the_channel_is_the_quietest_that_the_radio_heard(machine: Machine) -> None:
    assert quiet(machine) == 2412
    assert quiet(machine, heard(2412, -50.0), heard(2462, -80.0)) == 2437
    assert quiet(machine, heard(2412, None, 90), heard(2437, None, 90)) == 2462
    assert quiet(machine, heard(2412, None), heard(5180, -10.0)) == 2437


def test_what_was_heard_without_sense_is_passed_over(machine: Machine) -> None:
    assert quiet(machine, {}, {wiphy.BSS: b"\1"}, heard(0, -50.0), heard(2412, -300.0)) in {
        2412,
        2437,
    }


def test_a_radio_that_went_meanwhile_has_any_channel(machine: Machine) -> None:
    folder = machine(wiphy.RTL8XXXU)
    made = make_plan("wlan0", together=True)
    (folder / "ifindex").unlink()
    assert quietest(made) == 2412
