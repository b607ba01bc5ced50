"""What is in sight is read as wpa_supplicant writes it, whatever an access point calls itself."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.wifi.scan import (
    Cell,
    all_cells,
    parse_cell,
    parse_cells,
    strongest_by_ssid,
    unescape,
)

ssids = st.binary(max_size=32)
SHORT = {0x22: '\\"', 0x5C: "\\\\", 0x1B: "\\e", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}


def escape(data: bytes) -> str:
    """As printf_encode of wpa_supplicant's common.c does it."""
    return "".join(
        SHORT.get(byte) or (chr(byte) if 32 <= byte <= 126 else f"\\x{byte:02x}") for byte in data
    )


def entry(
    number: int = 0,
    ssid: bytes = b"Home",
    flags: str = "[WPA2-PSK-CCMP][ESS]",
    frequency: int = 2412,
    level: int = -50,
) -> str:
    return (
        f"id={number}\nbssid=02:00:00:00:{number >> 8:02x}:{number & 255:02x}\n"
        f"freq={frequency}\nlevel={level}\nage=3\nflags={flags}\nssid={escape(ssid)}\n"
    )


def cell(**values: object) -> Cell:
    found = parse_cell(entry(**values))  # type: ignore[arg-type]
    assert found
    return found


class Supplicant:
    """Answers `BSS RANGE=n-` as print_bss_info does: in 4096 bytes, what does not fit left out."""

    def __init__(self, entries: dict[int, str]) -> None:
        self.entries = entries
        self.asked: list[str] = []

    async def request(self, command: str) -> str:
        self.asked.append(command)
        first = int(command.partition("RANGE=")[2].partition("-")[0])
        reply = ""
        for number in sorted(n for n in self.entries if n >= first):
            text = self.entries[number] + "====\n"
            if len(reply) + len(text) >= 4096:
                # pieces of the flags that fit, and then a short ssid and the line after it
                head, _, rest = text.partition("flags=")
                torn = f"{head}flags=[ESS]\nssid={rest.partition('ssid=')[2]}"
                return reply + torn if len(reply) + len(torn) < 4096 else reply
            reply += text
        return reply


@given(ssids)
def test_every_ssid_comes_back_as_it_was_sent(ssid: bytes) -> None:
    assert unescape(escape(ssid)) == ssid


@given(ssids, st.integers(0, 1 << 30), st.integers(-100, 0))
def test_an_entry_is_read_whatever_its_ssid_holds(ssid: bytes, number: int, level: int) -> None:
    found = parse_cell(entry(number % 60000, ssid, level=level))
    assert found
    assert found.ssid == (ssid if ssid.strip(b"\0") else b"")
    assert (found.number, found.signal, found.age) == (number % 60000, level, 3)


@given(st.text())
def test_no_text_is_too_odd_for_the_parsers(text: str) -> None:
    unescape(text)
    parse_cell(text)
    parse_cells(text)


@given(st.lists(st.sampled_from([*entry().splitlines(), "ssid=\\", "level=x", "flags=[[", "===="])))
def test_torn_entries_are_left_out_or_read(lines: list[str]) -> None:
    parse_cell("\n".join(lines))
    parse_cells("\n".join(lines))


@given(st.text())
def test_a_name_for_people_holds_nothing_that_steers_a_terminal(text: str) -> None:
    raw = text.encode(errors="replace")[:32]
    found = Cell("02:00:00:00:00:01", raw, 2412, -50, frozenset())
    assert found.name.isprintable()


@pytest.mark.parametrize(
    ("flags", "offers", "security"),
    [
        ("[ESS]", {"open"}, "open"),
        ("[WPS][ESS]", {"open"}, "open"),
        ("[WEP][ESS]", {"wep"}, "WEP"),
        ("[WPA-PSK-TKIP][ESS]", {"wpa1"}, "WPA"),
        ("[WPA-PSK-CCMP+TKIP][WPA2-PSK-CCMP+TKIP-preauth][ESS]", {"wpa1", "psk"}, "WPA/WPA2"),
        ("[WPA2-PSK-CCMP][ESS][UTF-8]", {"psk"}, "WPA2"),
        ("[WPA2-PSK+PSK-SHA256-CCMP][ESS]", {"psk", "psk-sha256"}, "WPA2"),
        ("[WPA2-PSK-SHA256-CCMP][ESS]", {"psk-sha256"}, "WPA2"),
        ("[WPA2-PSK+FT/PSK-CCMP][ESS]", {"psk", "ft-psk"}, "WPA2"),
        ("[WPA2-PSK+SAE-CCMP][SAE-H2E][ESS]", {"psk", "sae"}, "WPA2/WPA3"),
        ("[WPA2-PSK+SAE+PSK-SHA256-CCMP][ESS]", {"psk", "sae", "psk-sha256"}, "WPA2/WPA3"),
        ("[WPA2-SAE+FT/SAE-CCMP][SAE-PK][ESS]", {"sae", "ft-sae"}, "WPA3"),
        ("[WPA2-EAP-CCMP][ESS]", {"eap"}, "Enterprise"),
        ("[WPA-EAP-TKIP][WPA2-EAP+EAP-SHA256-CCMP-preauth]", {"eap"}, "Enterprise"),
        ("[WPA2-EAP-SUITE-B-192-GCMP-256][ESS]", {"eap-192"}, "Enterprise"),
        ("[WPA2-OWE-CCMP][ESS]", {"owe"}, "encrypted, no key"),
        ("[WPA2-SAE+SAE-EXT-KEY-CCMP]", {"sae"}, "WPA3"),
        ("[WPA2-SAE-EXT-KEY+FT/SAE-EXT-KEY-GCMP-256]", set(), "unknown"),
        ("[WPA2-EAP-SHA384-CCMP]", {"eap"}, "Enterprise"),
        ("[WPA2-PSK2+SAEK-CCMP]", set(), "unknown"),
        ("[OWE-TRANS-OPEN][ESS]", {"open"}, "open"),
        ("[WPA2-?][ESS]", set(), "unknown"),
        ("[OSEN-OSEN-CCMP][ESS]", set(), "unknown"),
        ("[RSN-SAE-CCMP][MESH]", set(), "unknown"),
        ("[IBSS]", set(), "unknown"),
        ("", {"open"}, "open"),
    ],
)
def test_what_an_access_point_offers(flags: str, offers: set[str], security: str) -> None:
    found = cell(flags=flags)
    assert found.offers == offers
    assert found.security == security


@pytest.mark.parametrize(
    ("mhz", "channel", "band"),
    [
        (2412, 1, "2.4 GHz"),
        (2472, 13, "2.4 GHz"),
        (2484, 14, "2.4 GHz"),
        (5180, 36, "5 GHz"),
        (5885, 177, "5 GHz"),
        (4920, 184, "5 GHz"),
        (5935, 2, "6 GHz"),
        (5955, 1, "6 GHz"),
        (7115, 233, "6 GHz"),
        (60480, 2, "60 GHz"),
        (920, 0, ""),
    ],
)
def test_channels_and_bands(mhz: int, channel: int, band: str) -> None:
    found = cell(frequency=mhz)
    assert (found.channel, found.band) == (channel, band)


@pytest.mark.parametrize(
    ("level", "dbm"), [(-50, -50), (-120, -100), (0, 0), (206, -50), (80, -60), (100, -50)]
)
def test_a_signal_in_a_drivers_own_scale_becomes_dbm(level: int, dbm: int) -> None:
    assert cell(level=level).signal == dbm


@pytest.mark.parametrize(
    ("dbm", "bars"), [(-40, 4), (-55, 4), (-60, 3), (-70, 2), (-80, 1), (-95, 0)]
)
def test_bars_fall_with_the_signal(dbm: int, bars: int) -> None:
    assert cell(level=dbm).bars == bars


@pytest.mark.parametrize("ssid", [b"", b"\0", bytes(32)])
def test_a_name_of_zeros_is_a_hidden_one(ssid: bytes) -> None:
    assert cell(ssid=ssid).ssid == b""


@pytest.mark.parametrize("lost", ["bssid", "freq", "level", "flags", "ssid"])
def test_an_entry_that_lacks_something_is_none(lost: str) -> None:
    lines = [line for line in entry().splitlines() if not line.startswith(f"{lost}=")]
    assert parse_cell("\n".join(lines)) is None


def test_the_spaces_of_an_ssid_are_kept() -> None:
    assert cell(ssid=b"  Home = sweet  ").ssid == b"  Home = sweet  "


def test_a_line_of_the_entry_counts_once() -> None:
    assert cell(ssid=b"a\nssid=b").ssid == b"a\nssid=b"
    found = parse_cell(entry(ssid=b"first") + "ssid=second\n")
    assert found
    assert found.ssid == b"first"


def test_a_hundred_neighbours_are_all_seen_and_none_is_torn() -> None:
    flags = "[WPA-PSK-CCMP+TKIP][WPA2-PSK+SAE+PSK-SHA256-CCMP+TKIP-preauth][WPS][ESS][UTF-8]"
    entries = {n: entry(n, f"net {n}".encode(), flags) for n in range(0, 300, 3)}
    supplicant = Supplicant(entries)
    found = asyncio.run(all_cells(supplicant.request))
    assert [each.number for each in found] == list(entries)
    assert {each.offers for each in found} == {frozenset({"wpa1", "psk", "sae", "psk-sha256"})}
    assert len(supplicant.asked) < 12
    assert all("MASK=21a87" in command for command in supplicant.asked)


@given(
    st.dictionaries(st.integers(0, 500), st.tuples(ssids, st.integers(0, 30)), max_size=80),
)
def test_no_neighbour_is_lost_however_long_the_entries_are(
    shapes: dict[int, tuple[bytes, int]],
) -> None:
    entries = {
        n: entry(n, ssid, "[WPA2-PSK-CCMP]" + "[P2P]" * more) for n, (ssid, more) in shapes.items()
    }
    found = asyncio.run(all_cells(Supplicant(entries).request))
    assert sorted(each.number for each in found) == sorted(entries)
    assert all(each.offers == {"psk"} for each in found)


def test_a_supplicant_that_repeats_itself_does_not_hold_us() -> None:
    asked = []

    async def request(command: str) -> str:
        asked.append(command)
        return entry(7) + "====\n"

    assert [each.number for each in asyncio.run(all_cells(request))] == [7]
    assert len(asked) == 2


def test_people_see_each_network_once_with_its_best_signal() -> None:
    cells = [
        cell(number=1, ssid=b"a", level=-70),
        cell(number=2, ssid=b"b", level=-60),
        cell(number=3, ssid=b"a", level=-50),
        cell(number=4, ssid=b"", level=-20),
    ]
    assert [each.number for each in strongest_by_ssid(cells)] == [3, 2]
