"""The user's wpa_supplicant.conf: what is read from it, and that nothing in it is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conman_plugins.wifi.network import Network, make_network
from conman_plugins.wifi.wpaconf import KnownNetworks, Problem, read
from tests.wifi.strategies import CORPUS, files, networks, ssids

HOME = make_network("home", "correct horse")


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

    def test_variables_of_later_releases_are_left_to_wpa_supplicant(self):
        assert only('ssid="a"', "key_mgmt=NONE", "disable_eht=1").extras == (("disable_eht", "1"),)


class TestAdding:
    def test_a_new_network_stands_at_the_end_in_words(self):
        assert read(b"country=GB\n").with_network(
            make_network("Café 🏠", "correct horse", True)
        ) == (
            b"country=GB\n\n# added by conman\n"
            + 'network={\n\tssid="Café 🏠"\n\tscan_ssid=1\n\tpsk="correct horse"\n}\n'.encode()
        )

    def test_a_new_network_has_the_line_ends_of_the_file(self):
        data = corpus("windows_crlf").with_network(HOME)
        assert data.count(b"\r\n") == data.count(b"\n")

    def test_the_key_of_a_known_network_is_replaced_where_it_stands(self):
        data = (
            b'# a\nnetwork={ # b\n  ssid="home" # c\n  psk="old old old" # d\n  id_str="e"\n} # f\n'
        )
        expected = data.replace(b"old old old", b"correct horse")
        assert read(data).with_network(HOME) == expected

    def test_priority_and_hidden_stay(self):
        data = block('ssid="home"', "scan_ssid=1", "priority=7", 'psk="old old old"')
        (network,) = read(read(data).with_network(HOME)).networks
        assert network == Network(b"home", "correct horse", True, 7)

    def test_what_ties_it_to_the_router_of_before_becomes_a_comment(self):
        data = block('ssid="home"', "bssid=00:11:22:33:44:55", "proto=WPA", 'psk="old old old"')
        after = read(data).with_network(HOME)
        assert b"\n#bssid=00:11:22:33:44:55\n#proto=WPA\n" in after
        assert read(after).networks == (HOME,)

    def test_with_the_same_key_nothing_changes(self):
        data = block('ssid="home"', "bssid=00:11:22:33:44:55", 'psk="correct horse"')
        assert read(data).with_network(HOME) == data

    def test_a_disabled_network_is_enabled(self):
        data = block('ssid="home"', 'psk="correct horse"', "disabled=1 # why")
        assert read(data).with_network(HOME) == data.replace(b"disabled=1", b"disabled=0")

    def test_an_open_network_that_got_a_key(self):
        data = block('ssid="home"', "key_mgmt=NONE")
        after = read(data).with_network(HOME)
        assert after == block('ssid="home"', "key_mgmt=WPA-PSK", 'psk="correct horse"')

    def test_a_network_that_lost_its_key(self):
        data = block('ssid="home"', '\tpsk="old old old" # c', 'sae_password="old"')
        after = read(data).with_network(Network(b"home"))
        assert after == block('ssid="home"', "\t # c", "key_mgmt=NONE")

    def test_a_wpa3_network_whose_router_is_a_wpa2_one_now(self):
        data = block('ssid="home"', "key_mgmt=SAE", "ieee80211w=2", 'sae_password="old"')
        after = read(data).with_network(HOME)
        assert read(after).networks == (HOME,)
        assert b"#ieee80211w=2" in after

    def test_a_key_that_its_comment_would_break_is_written_in_hex(self):
        data = block('ssid="home"', 'psk="old old old" # "c"')
        network = Network(b"home", '12345678"')
        after = read(data).with_network(network)
        assert b'# "c"' in after
        assert read(after).networks == (network,)

    def test_of_two_blocks_the_one_with_this_key_is_taken(self):
        data = block('ssid="home"', 'psk="old old old"') + block(
            'ssid="home"', 'psk="correct horse"'
        )
        assert read(data).with_network(HOME) == data

    def test_an_account_of_the_same_name_stays(self):
        known = corpus("eduroam_peap")
        after = read(known.with_network(make_network("eduroam", "correct horse")))
        assert after.data.startswith(known.data)
        assert after.networks[:2] == known.networks

    def test_an_account_can_be_added_and_changed(self):
        raw = (("ssid", '"work"'), ("key_mgmt", "WPA-EAP"), ("password", '"one"'))
        first = read(KnownNetworks().with_network(Network(b"work", raw=raw)))
        changed = Network(b"work", raw=(*raw[:2], ("password", '"two"')))
        assert read(first.with_network(changed)).networks == (changed,)
        assert first.with_network(changed) == first.data.replace(b"one", b"two")

    def test_a_value_cannot_smuggle_in_another_block(self):
        smuggler = Network(b"x", extras=(("id_str", '"a"\n}\nnetwork={\nssid="evil"'),))
        with pytest.raises(ValueError, match="cannot be written"):
            KnownNetworks().with_network(smuggler)

    @given(networks(), files)
    @hypothesis_settings(max_examples=400)
    def test_what_is_added_is_there_and_all_the_rest_is_as_it_was(self, network, data):
        known = read(data)
        after = read(known.with_network(network))
        others = [each for each in known.networks if each.ssid != network.ssid]
        assert [each for each in after.networks if each.ssid != network.ssid] == others
        kin = [
            each
            for each in after.networks
            if (each.ssid, each.key, each.security) == (network.ssid, network.key, network.security)
        ]
        assert kin
        assert any(each.hidden or not network.hidden for each in kin)
        assert after.with_network(network) == after.data
        if len(after.networks) > len(known.networks):
            assert after.data.startswith(data)
            assert after.networks[-1] == network

    @given(networks(), files)
    @hypothesis_settings(max_examples=300)
    def test_what_was_added_can_be_forgotten_without_a_trace(self, network, data):
        known = read(data)
        if network.ssid not in {each.ssid for each in known.networks}:
            assert read(known.with_network(network)).without(network.ssid) == data

    @given(st.lists(networks(), min_size=2, max_size=4, unique_by=lambda each: each.ssid), files)
    @hypothesis_settings(max_examples=150)
    def test_in_whatever_order_networks_come_and_go(self, several, data):
        known = read(data)
        if {each.ssid for each in several} & {each.ssid for each in known.networks}:
            return
        for network in several:
            known = read(known.with_network(network))
        for network in several:
            known = read(known.without(network.ssid))
        assert known.data == data

    @given(st.sampled_from(CORPUS), st.data())
    @hypothesis_settings(suppress_health_check=[HealthCheck.filter_too_much])
    def test_new_keys_for_the_networks_of_people_change_only_their_blocks(self, path, data):
        known = read(path.read_bytes())
        plain = [each for each in known.networks if each.raw is None]
        if not plain:
            return
        old = data.draw(st.sampled_from(plain))
        new = Network(old.ssid, "a new passphrase")
        changed = known.with_network(new)
        after = read(changed)
        assert len(after.networks) == len(known.networks)
        comments = re.findall(rb'(?m)#[^"#\n]*$', known.data)
        assert all(changed.count(comment) >= known.data.count(comment) for comment in comments)
        before_block = known.data.split(b"\n")[: old.line - 1]
        assert len({each.ssid for each in plain}) < len(plain) or (
            changed.split(b"\n")[: old.line - 1] == before_block
        )


class TestForgetting:
    def test_all_blocks_of_the_name_go_and_nothing_else(self):
        known = corpus("priorities")
        after = known.without(b"office")
        kept = known.data.decode().split("\n\n")
        assert after.decode() == "\n\n".join([kept[0], "\n" + kept[2], kept[3], ""])

    def test_an_unknown_name_changes_nothing(self):
        known = corpus("priorities")
        assert known.without(b"elsewhere") is known.data

    def test_blocks_that_could_not_be_read_stay(self):
        assert corpus("bad_blocks").without(b"short") == corpus("bad_blocks").data

    def test_an_access_point_of_that_name_stays(self):
        assert (
            corpus("not_a_station").without(b"my own access point") == corpus("not_a_station").data
        )

    @given(ssids, files)
    def test_the_others_stay_as_they_are(self, ssid, data):
        known = read(data)
        for gone in {ssid, *(each.ssid for each in known.networks)}:
            after = read(known.without(gone))
            assert after.networks == tuple(e for e in known.networks if e.ssid != gone)
            assert after.without(gone) == after.data


@given(st.binary(max_size=2000) | files)
@hypothesis_settings(max_examples=500)
def test_any_bytes_can_be_read(data):
    known = read(data)
    assert known.data == data
    assert all(each.line >= 1 and each.sentence.isprintable() for each in known.problems)
    assert list(known.problems) == sorted(known.problems, key=lambda each: each.line)
