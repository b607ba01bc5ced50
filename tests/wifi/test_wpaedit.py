"""Adding networks to the user's file and forgetting them: every other byte stays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conman_plugins.wifi.network import Network, make_network
from conman_plugins.wifi.wpaconf import KnownNetworks, read
from tests.wifi.strategies import CORPUS, files, networks, ssids

HOME = make_network("home", "correct horse")


def corpus(name: str) -> KnownNetworks:
    return read((Path(__file__).parent / "corpus" / f"{name}.conf").read_bytes())


def block(*lines: str) -> bytes:
    return "\n".join(["network={", *lines, "}", ""]).encode()


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
