"""What the real wpa_supplicant 2.10 takes, conman reads; what conman says, it takes.

Where conman takes more, on purpose: a byte order mark; blocks after one that is never closed;
variables of later releases (`NEWER`). And what is no network, or nothing to join, is a note.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conman_core import ConnectError
from conman_plugins.wifi.network import Network, settings
from conman_plugins.wifi.wpablock import BOM, split
from conman_plugins.wifi.wpaconf import KnownNetworks, read
from conman_plugins.wifi.wpafault import Problem
from conman_plugins.wifi.wpafields import NAMES, NEWER, check
from conman_plugins.wifi.wpanetwork import interpret
from conman_plugins.wifi.wpatext import block_text
from conman_plugins.wifi.wpavalue import number, shown, text
from tests.wifi.oracle import Oracle, oracle
from tests.wifi.strategies import CORPUS, bodies, networks

pytestmark = pytest.mark.netns

OFFERS = st.frozensets(st.sampled_from(["open", "owe", "psk", "sae", "wpa1"]))
MAC = b"00:11:22:33:44:55"
VALUES = [
    *(b"", b"0", b"1", b"-1", b"2", b"3", b"4", b"5", b"6", b"9", b"14", b"255", b"256", b"-256"),
    *(b"65536", b"70201", b"0x10", b"010", b"08", b"+1", b" 1", b"1a", b"9" * 30, b"-" + b"9" * 30),
    *(b"NULL", b'"x"', rb'P"\x41\q\"', b'""', b'"a"b', b"61", b"6g", b"x", b'"' + b"y" * 17 + b'"'),
    *(b'"' + b"y" * 33 + b'"', b"any", MAC, MAC + b"x", MAC + b"/" + MAC, MAC + b"/" + MAC + b"z"),
    *(b" " + MAC + b"   " + MAC, MAC + b" zz", b"zz " + MAC, b"CCMP", b"NONE", b"TKIP CCMP"),
    *(b"WEP40", b"GTK_NOT_USED", b"AES-128-CMAC", b"CCMP\tTKIP", b"ccmp", b"WPA", b"RSN WPA2"),
    *(b"OPEN SHARED", b"PEAP TTLS", b"TEAP", b"SAE", b"WPA-PSK", b'"12345678"', b'"12345678"xx'),
    *(b'"1234567"', b'"' + b"x" * 63 + b'"', b'"' + b"x" * 64 + b'"', b'"\x01\xff345678"'),
    *(
        b"ab" * 16,
        b"AB" * 32,
        b"ab" * 31,
        b"ab" * 33,
        b"ext:foo",
        b"hash:" + b"ab" * 16,
        b"hash:12",
    ),
    *(MAC + b"-" + b"ab" * 32, b"P2P-" + MAC + b"-" + b"ab" * 32, b"P2P-" + MAC + b"ab" * 32),
]


@pytest.fixture(scope="module")
def judge() -> Iterator[Oracle]:
    with oracle() as made:
        yield made


def compare(judge: Oracle, data: bytes) -> None:
    """Both take each block or refuse it, and those they take are the same."""
    for block in split(data).blocks:
        if block.kind != "network" or any(shown(e.name) in NEWER for e in block.entries):
            continue
        mine = interpret(block)
        refused = isinstance(mine, Problem) and not mine.note
        assert judge.takes(data[block.start : block.end]) is not refused
        if isinstance(mine, Network):
            same(judge, mine)


def same(judge: Oracle, network: Network) -> None:
    (only,) = judge.networks()
    assert judge.ssid(only) == network.ssid
    assert number(judge.value(only, "priority") or b"") == network.priority
    assert bool(number(judge.value(only, "scan_ssid") or b"")) == network.hidden
    assert bool(number(judge.value(only, "disabled") or b"")) == network.disabled
    assert judge.value(only, "mode") == b"0"
    if network.raw is None:
        akm = set((judge.value(only, "key_mgmt") or b"").split())
        assert (network.key is None) == (not akm & {b"WPA-PSK", b"WPA-PSK-SHA256", b"SAE"})
        assert not network.security or network.security.upper().encode() in akm
        assert key_of(judge.secrets()[0], network) == network.key


def key_of(secrets: dict[bytes, bytes], network: Network) -> str | bytes | None:
    if network.key is None:
        return None
    if network.security == "sae" and b"sae_password" in secrets:
        return shown(text(secrets[b"sae_password"]) or b"")
    psk = secrets[b"psk"]
    if psk.startswith(b'"'):
        return shown(psk[1:-1])
    if isinstance(network.key, bytes):
        return bytes.fromhex(psk.decode())
    return shown(text(secrets[b"sae_password"]) or b"")


class TestReading:
    @pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
    def test_the_blocks_of_people(self, judge, path):
        compare(judge, path.read_bytes())

    @pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
    def test_whole_files(self, judge, path):
        data = path.read_bytes()
        known = read(data)
        newer = any(name in NEWER for each in known.networks for name, _ in each.extras)
        faults = [p for p in known.problems if not p.note and "zero bytes" not in p.sentence]
        assert judge.takes(data) == (not faults and not newer)
        if not faults and not newer:
            found = [judge.ssid(each) for each in judge.networks()]
            assert [each.ssid for each in known.networks] == [
                ssid for ssid in found if ssid != b"hashed for sae"
            ]

    @given(bodies)
    @hypothesis_settings(max_examples=700)
    def test_blocks_that_nobody_would_write(self, judge, body):
        data = b"network={\n" + body + b"\n}\n"
        parts = split(data)
        if parts.globals or parts.strays or parts.openings:
            return  # what is outside of blocks is not for conman to judge
        if len(parts.blocks) == 1:
            compare(judge, data)
            return
        refused = [p for p in read(data).problems if not p.note and "zero bytes" not in p.sentence]
        assert judge.takes(data) is not bool(refused)

    def test_each_value_of_each_variable(self, judge):
        different = []
        for name in sorted(NAMES - NEWER):
            for value in VALUES:
                refused = bool(judge.refuses([(name, shown(value))]))
                if refused != bool(check(name, value)):
                    different.append((name, value, refused))
        assert not different

    @pytest.mark.parametrize("name", sorted(NEWER))
    def test_a_variable_of_a_later_release_is_still_one(self, judge, name):
        assert judge.refuses([(name, "1")]) == [name]

    def test_a_byte_order_mark_is_refused_there(self, judge):
        assert not judge.takes(BOM + judge.file.read_bytes(), whole=True)


class TestWriting:
    @given(networks())
    @hypothesis_settings(max_examples=300)
    def test_what_is_added_is_understood(self, judge, network):
        assert judge.takes(KnownNetworks().with_network(network))
        same(judge, network)

    @given(networks(), st.sampled_from(CORPUS))
    @hypothesis_settings(max_examples=200)
    def test_a_file_it_takes_is_taken_after_adding_and_forgetting(self, judge, network, path):
        known = read(path.read_bytes())
        before = judge.takes(known.data)
        after = read(known.with_network(network))
        assert judge.takes(after.data) == before
        if before and network.ssid not in {each.ssid for each in known.networks}:
            assert network.ssid in [judge.ssid(each) for each in judge.networks()]
        for each in known.networks:
            after = read(after.without(each.ssid))
        assert not before or judge.takes(after.data)

    def test_new_keys_in_the_files_of_people_are_understood(self, judge):
        for path in CORPUS:
            known = read(path.read_bytes())
            if judge.takes(known.data):
                for old in known.networks:
                    new = Network(old.ssid, 'new "key" #1')
                    assert judge.takes(known.with_network(new))

    def test_a_block_needs_no_line_end_after_it(self, judge):
        network = Network(b"home", "correct horse")
        assert judge.takes(block_text(network, b"\n").rstrip(b"\n"))
        same(judge, network)


class TestTelling:
    @given(networks(), OFFERS, st.sampled_from(["auto", "wpa2", "wpa3"]))
    @hypothesis_settings(max_examples=400)
    def test_every_setting_is_taken(self, judge, network, offers, policy):
        try:
            pairs = settings(network, offers, policy)
        except ConnectError:
            return
        assert judge.refuses(pairs) == []

    @pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
    def test_every_setting_of_the_networks_of_people_is_taken(self, judge, path):
        for network in read(path.read_bytes()).networks:
            for offers in ({"psk"}, {"sae"}, {"open"}, {"owe"}, {"psk", "sae"}, set()):
                try:
                    pairs = settings(network, offers)
                except ConnectError:
                    continue
                expected = [name for name, _ in pairs if name in NEWER]
                assert judge.refuses(pairs) == expected
