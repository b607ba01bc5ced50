"""The user's wpa_supplicant.conf: what is read from it, and that nothing in it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conman_plugins.wifi.network import Network
from conman_plugins.wifi.wpaconf import KnownNetworks, Problem, read
from tests.wifi.strategies import CORPUS, files


def corpus(name: str) -> KnownNetworks:
    return read((Path(__file__).parent / "corpus" / f"{name}.conf").read_bytes())


def block(*lines: str) -> bytes:
    return "\n".join(["network={", *lines, "}", ""]).encode()


def only(*lines: str) -> Network:
    known = read(block(*lines))
    assert not known.problems
    return known.networks[0]


def problem(*lines: str) -> Problem:
    known = read(block(*lines))
    assert not known.networks
    assert len(known.problems) == 1
    return known.problems[0]


def names(known: KnownNetworks) -> list[str]:
    return [network.name for network in known.networks]


def spoken(known: KnownNetworks) -> str:
    return "\n".join(f"{one.line}: {one.sentence}" for one in known.problems)


class TestFilesOfPeople:
    def test_a_headless_raspberry_pi(self):
        known = corpus("raspberry_pi_headless")
        assert known.networks == (Network(b"Home Sweet Home", "correct horse battery"),)
        assert known.networks[0].line == 5
        assert (known.country, known.problems) == ("GB", ())
        assert known.globals[1] == ("update_config", "1", 2)

    def test_the_output_of_wpa_passphrase(self):
        (network,) = corpus("wpa_passphrase").networks
        assert network.ssid == 'my "net" \\ é'.encode()
        assert isinstance(network.key, bytes)

    def test_windows_line_ends(self):
        known = corpus("windows_crlf")
        assert known.networks == (
            Network(b"FRITZ!Box 7590 AB", "12345678901234567890"),
            Network("Büro".encode(), "geheim-geheim", priority=5),
        )
        assert known.country == "DE"

    def test_a_university(self):
        eduroam, guest = corpus("eduroam_peap").networks
        assert eduroam.raw
        assert eduroam.raw[0] == ("ssid", '"eduroam"')
        assert ("password", '"p#ss word"') in eduroam.raw
        assert (eduroam.hidden, eduroam.priority, eduroam.key) == (True, 10, None)
        assert guest == Network(b"guest")

    def test_a_certificate_in_the_file(self):
        known = corpus("eap_tls_blob")
        name, content = known.blobs[0]
        assert (name, content[:2], len(content)) == ("factoryca", b"0\x82", 76)

    def test_wep_is_passed_on(self):
        assert corpus("wep").networks[0].raw

    def test_hidden_networks(self):
        assert corpus("hidden").networks == (
            Network(b"Not here", "hidden hidden", True),
            Network(b"Caf\xe9 1", None, True),
        )

    def test_priorities_and_two_networks_of_one_name(self):
        known = corpus("priorities")
        assert [network.priority for network in known.networks] == [100, -1, 16, 100]
        assert [network.disabled for network in known.networks] == [False, False, True, False]
        assert known.networks[3].extras == (
            ("bssid", "02:00:00:00:01:00"),
            ("freq_list", "5180 5200"),
        )
        assert known.country == "US"

    def test_comments_are_only_comments(self):
        assert corpus("comments_everywhere").networks == (Network(b"hut #3", "a # in it"),)

    def test_emoji_escapes_and_bytes(self):
        house, cafe, owe = corpus("emoji").networks
        assert house == Network("🏠🐈 Wi‑Fi".encode(), "katzenfutter")
        assert cafe == Network('Café\t"1"'.encode(), "café au lait")
        assert owe == Network("🏠".encode(), security="owe")

    def test_wpa3(self):
        only_sae, mixed, in_hex, roams, two = corpus("wpa3").networks
        assert only_sae == Network(b"wpa3 only", "sae # password", security="sae")
        assert (mixed.key, mixed.security) == ("mixed-secret", "")
        assert in_hex.key == 'p"q#'
        assert roams.raw
        assert (two.key, two.password) == ("for-wpa2-only", "for-wpa3-only")

    def test_a_key_in_hex_beside_its_password_is_that_password(self):
        known = read(KnownNetworks().with_network(Network(b"home", 'a"b#"#c"')))
        assert b"psk=" in known.data
        assert known.networks == (Network(b"home", 'a"b#"#c"'),)

    def test_the_wowlan_of_one_and_the_login_of_another_are_no_networks(self):
        assert names(corpus("hotspot20")) == ["beside a cred"]

    @pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
    def test_no_problem_ever_tells_a_key(self, path):
        said = spoken(read(path.read_bytes())) + repr(read(path.read_bytes()))
        assert "secret" not in said
        assert "hunt2" not in said


class TestBadBlocks:
    def test_a_bad_block_is_skipped_and_named_and_the_others_serve(self):
        known = corpus("bad_blocks")
        assert names(known) == ["first", "last"]
        assert spoken(known).splitlines() == [
            "8: the network short is skipped: psk: the key has 5 characters; it must have 8 to 63",
            "11: a network is skipped: ssid: a quote is not closed",
            "15: a network is skipped: ssid: there must be no space before =",
            "20: the network curly is skipped: psk: write it in straight double quotes;"
            " without them it must be 64 hex digits",
            "24: the network colon is skipped: this line is not of the form variable=value",
            "27: a network is skipped: wpa_supplicant knows no variable of this name;"
            " did you mean ssid?",
            "31: a network is skipped: ssid: it is longer than 32 bytes",
        ]
        assert not any(each.note for each in known.problems)

    def test_a_block_that_is_never_closed_ends_where_the_next_one_starts(self):
        known = corpus("unclosed")
        assert names(known) == ["after it", "still fine"]
        assert [each.line for each in known.problems] == [2, 10, 14, 19, 22, 28]
        assert "the network never closed is skipped" in known.problems[0].sentence
        assert "network={ alone" in known.problems[1].sentence

    def test_blocks_that_are_not_to_be_joined_are_noted(self):
        known = corpus("not_a_station")
        assert known.networks == ()
        assert [each.note for each in known.problems] == [True, True, False, *[True] * 5]

    def test_zero_bytes_of_a_power_cut_are_named(self):
        known = corpus("power_cut")
        assert names(known) == ["before the cut", "after the cut"]
        assert spoken(known).startswith("6: there are zero bytes")

    def test_a_byte_order_mark_is_named_and_does_no_harm(self):
        known = corpus("byte_order_mark")
        assert (names(known), known.country) == (["notepad"], "NL")
        assert "byte order mark" in spoken(known)

    def test_utf_16_is_named(self):
        assert "UTF-16" in spoken(read(block('ssid="x"').decode().encode("utf-16")))

    def test_lines_are_as_long_as_wpa_supplicant_reads_them(self):
        known = corpus("long_lines")
        assert names(known) == ["long"]
        assert spoken(known) == "11: the network too long is skipped: id_str: a quote is not closed"

    def test_a_space_after_the_equals_sign_is_named(self):
        assert "no space after =" in problem('ssid= "home"').sentence

    def test_no_outside_passwords(self):
        assert "write the key itself" in problem('ssid="a"', "psk=ext:name").sentence

    def test_a_closing_brace_stands_alone(self):
        assert "line of its own" in problem('ssid="a"', "};").sentence

    def test_a_line_outside_of_blocks_that_is_nothing_is_named(self):
        assert read(b"hello\n").problems[0].line == 1

    @pytest.mark.parametrize(
        ("text", "country"),
        [(b"country=gb", "GB"), (b"country=GB\ncountry=DE", "DE"), (b"country=GBR", "GB")],
    )
    def test_the_country(self, text, country):
        assert (read(text).country, read(text).problems) == (country, ())

    def test_a_country_in_quotes_is_named(self):
        known = read(b'country="GB"\n')
        assert known.country is None
        assert "without quotes" in spoken(known)

    def test_a_blob_that_cannot_be_decoded_is_named(self):
        assert "blob" in spoken(read(b"blob-base64-x={\n!\n}\n"))
        assert "blob" in spoken(read(b"blob-base64-x={\nAAAA\n"))

    def test_a_hundred_thousand_bad_lines_are_read_in_no_time(self):
        assert len(read(b"network={\npks=%d\n}\n" * 30000).problems) == 30000


class TestBlocks:
    def test_the_last_of_two_values_counts(self):
        assert only('ssid="a"', 'ssid="b"', "key_mgmt=NONE").ssid == b"b"
        assert only('ssid="a"', "psk=" + "ab" * 32, 'psk="12345678"').key == "12345678"

    def test_an_account_among_keys_is_passed_on(self):
        lines = ['ssid="a"', 'psk="12345678"', "eap=PEAP", 'identity="x"']
        assert only(*lines).raw
        assert only(*lines, "key_mgmt=WPA-PSK").raw is None

    def test_management_frame_protection_as_the_user_wrote_it(self):
        assert only('ssid="a"', 'psk="12345678"', "ieee80211w=0").extras == (("ieee80211w", "0"),)

    @pytest.mark.parametrize("value", ["disabled=1", "disabled=-1"])
    def test_a_disabled_network(self, value):
        assert only('ssid="a"', "key_mgmt=NONE", value).disabled

    def test_what_changes_nothing_is_taken_even_out_of_range(self):
        lines = ['ssid="a"', 'psk="12345678"', "ieee80211w=3", "ieee80211w=3"]
        assert only(*lines).extras == (("ieee80211w", "3"),) * 2
        assert "from 0 to 2" in problem(*lines, "ieee80211w=2", "ieee80211w=3").sentence

    def test_operating_channel_validation_turns_frame_protection_on_unless_it_is_off_after(self):
        lines = ['ssid="a"', 'psk="12345678"', "ieee80211w=0", "ocv=1"]
        assert only(*lines).name == "a"
        assert "ocv=1 does not go" in problem(*lines, "ieee80211w=0").sentence

    def test_variables_of_later_releases_are_left_to_wpa_supplicant(self):
        assert only('ssid="a"', "key_mgmt=NONE", "disable_eht=1").extras == (("disable_eht", "1"),)


@given(st.binary(max_size=2000) | files)
@hypothesis_settings(max_examples=500)
def test_any_bytes_can_be_read(data):
    known = read(data)
    assert known.data == data
    assert all(each.line >= 1 and each.sentence.isprintable() for each in known.problems)
    assert list(known.problems) == sorted(known.problems, key=lambda each: each.line)
