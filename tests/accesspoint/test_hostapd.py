"""What hostapd is told, and what it tells: phones that come and go, the channel.

Here stands a program that does what the test says; the real one is in tests/netns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conman_plugins.accesspoint.hostapd import Client
from tests.accesspoint.kit import Core, a_core
from tests.accesspoint.onair import KEY, Air, lines, story, text
from tests.core.net.ctrlserver import Server

few = hypothesis_settings(max_examples=40)
ONE, TWO = "02:00:00:00:01:00", "02:00:00:00:02:00"


@pytest.fixture
def core() -> Iterator[Core]:
    with a_core() as made:
        yield made


# -- its settings


def test_a_network_with_a_key_is_wpa2_alone() -> None:
    made = lines()
    assert (made["wpa"], made["wpa_key_mgmt"], made["rsn_pairwise"]) == ("2", "WPA-PSK", "CCMP")
    assert made["wpa_passphrase"] == KEY
    assert made["ap_isolate"] == "1", "guests do not see each other"


def test_an_open_network_has_nothing_of_a_key() -> None:
    assert not [name for name in lines(passphrase=None) if "wpa" in name or "rsn" in name]


def test_it_is_in_the_band_that_every_phone_has() -> None:
    made = lines(channel=11, throughput=False)
    assert (made["hw_mode"], made["channel"], made["ieee80211n"]) == ("g", "11", "0")


@pytest.mark.parametrize(("country", "there"), [("GR", True), ("", False)])
def test_the_country_is_told_if_it_is_known(country: str, there: bool) -> None:
    made = lines(country=country)
    assert ("country_code" in made) is ("ieee80211d" in made) is there
    assert made.get("country_code", country) == country


@few
@given(
    st.binary(min_size=1, max_size=32),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63),
)
def test_no_name_and_no_key_can_become_a_setting(ssid: bytes, key: str) -> None:
    plain, odd = text(), text(ssid=ssid, passphrase=key)
    names = [line.partition("=")[0] for line in odd.splitlines()]
    assert names == [line.partition("=")[0] for line in plain.splitlines()]
    made = dict(line.split("=", 1) for line in odd.splitlines())
    assert bytes.fromhex(made["ssid2"]) == ssid
    assert made["wpa_passphrase"] == key


@pytest.mark.parametrize(("ssid", "flag"), [("Café".encode(), "1"), (b"\xff\xfe", "0")])
def test_phones_are_told_whether_the_name_is_utf8(ssid: bytes, flag: str) -> None:
    assert lines(ssid=ssid)["utf8_ssid"] == flag


# -- its life


def test_it_is_on_the_air_when_its_status_says_so(core: Core) -> None:
    async def tale(air: Air) -> None:
        await air.one.start(text())
        assert core.running == ["hostapd ap0"]

    air = story(core, tale)
    assert core.running == []
    assert air.heard == []


def test_it_is_on_the_air_when_an_event_says_so(core: Core) -> None:
    async def tale(air: Air) -> None:
        starting = asyncio.create_task(air.one.start(text()))
        await asyncio.sleep(2)
        assert not starting.done()
        await air.tell("AP-ENABLED ")
        await starting

    story(core, tale, status=b"state=COUNTRY_UPDATE\n")


def test_the_key_is_in_a_file_for_root_and_in_no_command(core: Core) -> None:
    async def tale(air: Air) -> None:
        await air.one.start(text())

    story(core, tale)
    (program,) = core.started
    file = core.runtime / "ap0.hostapd.conf"
    assert program.argv == ("hostapd", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert KEY in file.read_text()
    assert (core.runtime / "hostapd").stat().st_mode & 0o777 == 0o700


def test_the_socket_of_one_that_was_killed_is_in_nobodys_way(core: Core) -> None:
    async def tale(air: Air) -> None:
        left = Server(air.one.folder / "ap0")
        left.kill()
        await air.one.start(text())

    story(core, tale)


def test_phones_that_come_and_go_are_told(core: Core) -> None:
    async def tale(air: Air) -> None:
        await air.one.start(text())
        await air.tell(f"AP-STA-CONNECTED {ONE}")
        await air.tell(f"IFNAME=ap0 <3>AP-STA-CONNECTED {TWO} auth_alg=open")
        await air.tell(f"AP-STA-DISCONNECTED {ONE}")
        await air.tell("AP-STA-CONNECTED rubbish")
        await air.tell(f"CTRL-EVENT-EAP-STARTED {ONE}")

    assert story(core, tale).heard == [f"+{ONE}", f"-{ONE}"]


def test_the_phones_that_are_there_are_counted(core: Core) -> None:
    async def tale(air: Air) -> None:
        await air.one.start(text())
        assert air.server
        air.server.replies |= {
            "STA-FIRST": f"{ONE}\nflags=[AUTH]\ninactive_msec=1500\n".encode(),
            f"STA-NEXT {ONE}": f"{TWO}\nflags=[AUTH]\n".encode(),
            f"STA-NEXT {TWO}": b"FAIL\n",
        }
        assert await air.one.clients() == [Client(ONE, 1.5), Client(TWO, None)]
        air.server.replies["STA-FIRST"] = b"\n"
        assert await air.one.clients() == []
        # one that names the same phone for ever
        air.server.replies |= {"STA-FIRST": ONE.encode(), f"STA-NEXT {ONE}": ONE.encode()}
        assert len(await air.one.clients()) <= 17

    story(core, tale)


@pytest.mark.parametrize("reply", [b"UNKNOWN COMMAND\n", None])
def test_one_that_cannot_list_the_phones_says_so(core: Core, reply: bytes | None) -> None:
    async def tale(air: Air) -> None:
        await air.one.start(text())
        assert air.server
        if reply is None:
            air.server.silent.add("STA-FIRST")
        else:
            air.server.replies["STA-FIRST"] = reply
        assert await air.one.clients() is None

    story(core, tale)


@pytest.mark.parametrize(
    ("status", "reply", "moved"),
    [
        (b"state=ENABLED\nfreq=2412\nieee80211n=1\n", b"OK\n", True),
        (b"state=ENABLED\nfreq=2437\nieee80211n=1\n", b"OK\n", False),
        (b"state=ENABLED\nfreq=2412\nieee80211n=1\n", b"FAIL\n", False),
    ],
    ids=["done", "never done", "refused"],
)
def test_it_goes_to_another_channel_if_the_radio_can(
    core: Core, status: bytes, reply: bytes, moved: bool
) -> None:
    async def tale(air: Air) -> None:
        await air.one.start(text())
        assert air.server
        air.server.replies["CHAN_SWITCH 5 2412 ht"] = reply
        assert await air.one.move(2412) is moved
        assert air.server.count("CHAN_SWITCH 5 2412 ht") == 1

    story(core, tale, status=status)


def test_before_the_start_and_after_the_end_there_is_nothing_to_ask(core: Core) -> None:
    async def tale(air: Air) -> None:
        assert await air.one.clients() is None
        assert not await air.one.move(2412)
        await air.one.start(text())
        await air.one.stop()
        await air.one.stop()
        assert await air.one.clients() is None

    story(core, tale)
