"""A network that a person typed, and what wpa_supplicant is told of it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import ConnectError, Reason
from conman_plugins.wifi.network import Network, make_network, settings
from tests.wifi.strategies import networks, passphrases, passwords

OFFERS = ["open", "owe", "wep", "wpa1", "psk", "psk-sha256", "sae", "eap", "ft-psk"]
KEY = "correct horse"
HOME = make_network("home", KEY)
BY_HASH = Network(b"home", bytes(32))
SAE = Network(b"home", "sæ", security="sae")


def told(network: Network, *offers: str, policy: str = "auto") -> dict[str, str]:
    pairs = settings(network, frozenset(offers), policy)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def refused(network: Network, *offers: str, policy: str = "auto") -> str:
    with pytest.raises(ConnectError) as caught:
        settings(network, frozenset(offers), policy)
    assert caught.value.reason is Reason.MISCONFIGURED
    return caught.value.sentence


class TestTyped:
    def test_a_name_and_a_key_make_a_network(self):
        assert make_network("Café 🏠", KEY, True) == Network("Café 🏠".encode(), KEY, True)

    @pytest.mark.parametrize("key", [None, ""])
    def test_without_a_key_the_network_is_open(self, key):
        assert make_network("home", key).key is None

    def test_64_hex_digits_are_the_key_itself(self):
        assert make_network("home", "aB" * 32).key == b"\xab" * 32

    @pytest.mark.parametrize("key", ["1234567", "x" * 64, "pässword", "tab\tkey!", "x" * 5000])
    def test_what_no_wifi_key_can_be_is_refused_without_telling_it(self, key):
        with pytest.raises(ValueError, match="key has") as caught:
            make_network("home", key)
        assert key not in str(caught.value)

    @pytest.mark.parametrize("name", ["", "x" * 33, "é" * 17])
    def test_a_name_has_1_to_32_bytes(self, name):
        with pytest.raises(ValueError, match="name"):
            make_network(name, KEY)

    def test_text_that_cannot_be_sent_is_refused(self):
        with pytest.raises(ValueError, match="not text that can be sent"):
            make_network("\udc80", None)
        with pytest.raises(ValueError, match="not text that can be sent"):
            make_network("home", "\udc80" * 8)

    @given(passwords)
    def test_a_network_with_wpa3_only_takes_any_password(self, password):
        assert make_network("home", password, only_sae=True).key == password

    @given(passphrases)
    def test_a_passphrase_is_any_printable_ascii(self, key):
        assert make_network("home", key).key == key

    @given(st.text(), st.none() | st.text(), st.booleans())
    def test_whatever_is_typed_gives_a_network_or_a_sentence(self, name, key, only_sae):
        said = ""
        try:
            assert make_network(name, key, only_sae=only_sae).ssid == name.encode()
        except ValueError as error:
            said = str(error)
        assert not key or len(key) < 8 or key not in said


class TestShown:
    @pytest.mark.parametrize(
        ("ssid", "name"),
        [
            (b"home", "home"),
            ("Café 🏠".encode(), "Café 🏠"),
            (b"a\x1b[31m\n", r"a\x1b[31m\n"),
            ("\u202eevil".encode(), r"\u202eevil"),
            (b"caf\xe9", r"caf\xe9"),
        ],
    )
    def test_a_name_is_shown_as_text_that_does_no_harm(self, ssid, name):
        assert Network(ssid).name == name

    @given(st.binary(min_size=1, max_size=32))
    def test_any_name_can_be_printed(self, ssid):
        assert Network(ssid).name.isprintable()

    def test_no_secret_is_ever_shown(self):
        secret = (("password", '"hunter22hunter"'),)
        every = [
            HOME,
            BY_HASH,
            Network(b"home", "hunter22", password="hunter22hunter"),
            Network(b"home", raw=secret),
            Network(b"home", extras=secret),
        ]
        for network in every:
            for shown in (repr(network), str(network), f"{network}"):
                assert "hunter" not in shown
                assert KEY not in shown
                assert r"\x00" not in shown

    def test_the_place_in_the_file_is_no_part_of_a_network(self):
        assert Network(b"home", line=3) == Network(b"home", line=9)


class TestTold:
    def test_wpa2_is_told_the_key_itself_in_hex(self):
        key = hashlib.pbkdf2_hmac("sha1", KEY.encode(), b"home", 4096, 32).hex()
        assert settings(HOME, frozenset({"psk"}), "auto") == [
            ("ssid", b"home".hex()),
            ("key_mgmt", "WPA-PSK WPA-PSK-SHA256"),
            ("psk", key),
            ("ieee80211w", "1"),
        ]

    @pytest.mark.parametrize("offers", [("psk",), ("psk", "sae"), ("psk-sha256",), ("wpa1",), ()])
    def test_wpa2_is_used_wherever_it_is_offered(self, offers):
        assert told(HOME, *offers)["key_mgmt"] == "WPA-PSK WPA-PSK-SHA256"

    def test_wpa3_is_used_where_nothing_else_is_offered(self):
        assert told(HOME, "sae") == {
            "ssid": b"home".hex(),
            "key_mgmt": "SAE",
            "sae_password": KEY.encode().hex(),
            "ieee80211w": "2",
        }

    def test_the_users_policy_decides_where_both_are_offered(self):
        assert told(HOME, "psk", "sae", policy="wpa3")["key_mgmt"] == "SAE"
        assert "security = wpa2" in refused(HOME, "sae", policy="wpa2")
        assert "security = wpa3" in refused(HOME, "psk", policy="wpa3")

    def test_a_block_that_says_wpa3_is_never_joined_by_anything_weaker(self):
        assert told(SAE, "psk", "sae")["key_mgmt"] == "SAE"
        assert told(SAE)["sae_password"] == "sæ".encode().hex()
        assert "key_mgmt=SAE" in refused(SAE, "psk")

    def test_64_hex_digits_cannot_be_used_for_wpa3(self):
        assert told(BY_HASH, "psk", "sae")["psk"] == "00" * 32
        assert "the password itself" in refused(BY_HASH, "sae")

    def test_a_password_for_wpa3_only_goes_to_wpa3_only(self):
        both = Network(b"home", KEY, password="other")
        assert told(both, "sae")["sae_password"] == b"other".hex()
        assert "sae_password" not in told(both, "psk")
        hashed = Network(b"home", bytes(32), password="other")
        assert told(hashed, "sae")["sae_password"] == b"other".hex()

    def test_an_open_network_is_told_so(self):
        assert told(Network(b"cafe"), "open") == {"ssid": b"cafe".hex(), "key_mgmt": "NONE"}
        assert told(Network(b"cafe"))["key_mgmt"] == "NONE"

    def test_enhanced_open_is_used_where_it_is_alone_or_asked_for(self):
        enhanced = {"ssid": b"cafe".hex(), "key_mgmt": "OWE", "ieee80211w": "2"}
        assert told(Network(b"cafe"), "owe") == enhanced
        assert told(Network(b"cafe", security="owe"), "open", "owe") == enhanced
        assert told(Network(b"cafe"), "open", "owe")["key_mgmt"] == "NONE"
        assert told(Network(b"cafe"), "open", "owe", policy="wpa3") == enhanced

    def test_an_open_twin_of_a_network_with_a_key_is_not_joined(self):
        assert "takes no key" in refused(HOME, "open")
        assert "wants a key" in refused(Network(b"cafe"), "psk")

    def test_only_a_hidden_network_is_asked_for_by_name(self):
        assert told(Network(b"home", hidden=True), "open")["scan_ssid"] == "1"
        assert "scan_ssid" not in told(HOME, "psk")

    def test_what_the_user_wrote_beside_is_told_too(self):
        extras = (("bssid", "02:00:00:00:00:01"), ("ieee80211w", "0"))
        pairs = told(Network(b"home", KEY, extras=extras), "psk")
        assert (pairs["bssid"], pairs["ieee80211w"]) == ("02:00:00:00:00:01", "0")
        assert told(Network(b"home", KEY, extras=extras), "sae")["ieee80211w"] == "2"

    def test_a_login_with_a_name_is_passed_on_as_it_is_written(self):
        raw = (("ssid", '"work"'), ("disabled", "1"), ("eap", "PEAP"), ("eap", "TTLS"))
        pairs = settings(Network(b"work", raw=raw), frozenset({"eap"}), "auto")
        assert pairs == [("ssid", '"work"'), ("eap", "PEAP"), ("eap", "TTLS")]

    @given(
        networks(),
        st.frozensets(st.sampled_from(OFFERS)),
        st.sampled_from(["auto", "wpa2", "wpa3"]),
    )
    def test_no_value_can_end_the_command_and_no_error_has_a_key(self, network, offers, policy):
        said, pairs = "", []
        try:
            pairs = settings(network, offers, policy)
        except ConnectError as error:
            said = error.sentence.replace(network.name, "")
        assert not isinstance(network.key, str) or len(network.key) < 8 or network.key not in said
        assert all(value.isascii() and value.isprintable() for _, value in pairs)
        assert bool(said) != ("key_mgmt" in dict(pairs))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ssid": b""},
        {"ssid": b"x" * 33},
        {"ssid": b"x", "key": b"short"},
        {"ssid": b"x", "key": "short"},
        {"ssid": b"x", "key": "with\nnewline"},
        {"ssid": b"x", "security": "sae"},
        {"ssid": b"x", "key": KEY, "security": "owe"},
        {"ssid": b"x", "key": KEY, "security": "wpa9"},
        {"ssid": b"x", "password": "p"},
        {"ssid": b"x", "key": KEY, "raw": ()},
    ],
)
def test_what_no_network_can_have_is_no_network(wrong):
    with pytest.raises(ValueError, match=r"bytes|characters|security|WPA|raw") as caught:
        Network(**wrong)
    assert KEY not in str(caught.value)
