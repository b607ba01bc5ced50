"""Networks and files as people and accidents make them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from conman_plugins.wifi.network import Network

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.conf"))
assert len(CORPUS) > 15

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
#: where quoting goes wrong, if it does
NASTY = "\"#\\ aé'={}P"

ssids = st.binary(min_size=1, max_size=32) | st.text(NASTY, min_size=1, max_size=16).map(
    lambda text: text.encode()
)
passphrases = st.text(PRINTABLE, min_size=8, max_size=63) | st.text(
    NASTY.replace("é", ""), min_size=8, max_size=20
)
passwords = st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60
) | st.text(NASTY, min_size=1, max_size=20)
raw_keys = st.binary(min_size=32, max_size=32)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any network that can be added: by a person, or by a program."""
    ssid = draw(ssids)
    hidden = draw(st.booleans())
    kind = draw(st.sampled_from(["open", "owe", "passphrase", "raw key", "sae"]))
    if kind == "owe":
        return Network(ssid, hidden=hidden, security="owe")
    if kind == "sae":
        return Network(ssid, draw(passwords), hidden, security="sae")
    key = {"passphrase": passphrases, "raw key": raw_keys}.get(kind, st.none())
    priority = draw(st.sampled_from([0, 0, 5, -3]))
    return Network(ssid, draw(key), hidden, priority)


_WORDS = [
    *(b"network={", b"}", b"cred={", b"blob-base64-x={", b"country=GB", b"# c", b"", b"};", b"{"),
    *(b'ssid="a"', b'ssid="b"', b"ssid=61", b'ssid="a"b"', b'ssid="a#', b'ssid="', b"ssid=NULL"),
    *(b'psk="12345678"', b'psk="1234567"', b'psk="a"#b"c#12"', b"psk=" + b"ab" * 32, b"psk=ext:x"),
    *(b"key_mgmt=NONE", b"key_mgmt=SAE", b"key_mgmt=WPA-EAP", b"eap=PEAP", b'sae_password="x"'),
    *(b"disabled=1", b"disabled=2", b"mode=2", b"mode=5", b"scan_ssid=1", b"priority=7", b"ocv=1"),
    *(b"ieee80211w=0", b"ieee80211w=3", b'wep_key0="abcde"', b"proto=RSN", b"unknown=1", b"x" * 99),
    *(
        b'id_str="x"',
        b"bssid=00:11:22:33:44:55",
        b'psk="12345678" # c',
        b"network = {",
        b"x" * 1990,
    ),
    *(b"#" * 1998, b"#" * 1999, b"#" * 2000, b"#" * 511, b"#" * 512, b'id_str="' + b"i" * 1990),
]
_ENDS = [b"\n"] * 8 + [b"\r\n", b"\t\n", b" # c\n", b"\0\n", b""]
_STARTS = [b""] * 4 + [b"\t", b"  ", b"\r", b"\0"]
_line = st.tuples(st.sampled_from(_STARTS), st.sampled_from(_WORDS), st.sampled_from(_ENDS))
_block = st.lists(st.sampled_from(_WORDS), max_size=6).map(
    lambda lines: b"\n".join([b"network={", *lines, b"}", b""])
)
_chunk = _line.map(b"".join) | _block | st.sampled_from([path.read_bytes() for path in CORPUS])
#: files of which some are fine and most are not
files = st.lists(_chunk, max_size=8).map(b"".join) | st.binary(max_size=300)
#: the inside of one block, mostly of whole lines
bodies = st.lists(
    st.tuples(
        st.sampled_from(_STARTS[:-1] * 3 + _STARTS[-1:]),
        st.sampled_from(_WORDS[5:]) | st.binary(max_size=12),
        st.sampled_from([b"\n"] * 9 + _ENDS),
    ).map(b"".join),
    max_size=7,
).map(b"".join)
