"""A WiFi network that this device may join, and what wpa_supplicant is told to join it. Pure."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field

from conman_core import ConnectError, Reason
from conman_plugins.wifi.psk import psk
from conman_plugins.wifi.wpavalue import as_written

LONGEST_SSID = 32  #: bytes, IEEE 802.11-2020, 9.4.2.2
LONGEST_PASSWORD = 256  #: bytes; in hex it still fits a line of 2000
_CONTROL = re.compile("[\0-\x1f\x7f]")
_HEX_KEY = re.compile("[0-9a-fA-F]{64}")
_BY_PASSPHRASE = frozenset({"psk", "psk-sha256", "wpa1"})

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Network:
    """A known network. Two are equal wherever they stand in the file.

    Values are text; bytes that are no UTF-8 stand in it as `surrogateescape` has them.
    Raises ValueError, without the key, for what no network can have.
    """

    ssid: bytes  #: 1..32 bytes
    key: str | bytes | None = field(default=None, repr=False)
    """None: open. Text: a passphrase of 8..63 bytes, or any password if `security` is sae. 32
    bytes: the key that WPA makes of the passphrase."""
    hidden: bool = False  #: does not tell its name: must be asked for
    priority: int = 0  #: the highest is joined first
    disabled: bool = False
    raw: Pairs | None = field(default=None, repr=False)
    """All (variable, value as written) of a block that is neither open nor has one shared key:
    a login with a name, WEP, fast transition. `key` is None then."""
    line: int = field(default=0, compare=False)  #: where its block starts in the file; 0: not there
    security: str = ""
    """`sae`, `owe`: the block allows nothing weaker. Empty: what the access point offers."""
    password: str | None = field(default=None, repr=False)  #: for WPA3, if it is another than `key`
    extras: Pairs = field(default=(), repr=False)  #: other variables of the block, as written

    def __post_init__(self) -> None:
        if not 1 <= len(self.ssid) <= LONGEST_SSID:
            raise ValueError(
                f"the name has {len(self.ssid)} bytes; it must have 1 to {LONGEST_SSID}"
            )
        if isinstance(self.key, bytes) and (len(self.key) != 32 or self.security):
            raise ValueError("a key made by WPA has 32 bytes, and serves WPA2 only")
        if isinstance(self.key, str) and not self.security and not is_passphrase(self.key):
            raise ValueError("the key must have 8 to 63 characters")
        if self.security not in {"", "sae", "owe"}:
            raise ValueError("security is sae, owe or nothing")
        if (self.security == "sae" and not self.key) or (self.security == "owe" and self.key):
            raise ValueError("WPA3 needs a password, and enhanced open has none")
        if self.password is not None and (self.key is None or self.security):
            raise ValueError("a second password is for WPA3 beside a WPA2 key")
        if self.raw is not None and (self.key or self.password or self.extras or self.security):
            raise ValueError("a network is described by its raw variables or by its key")

    @property
    def name(self) -> str:
        r"""The SSID for people; what cannot be shown is escaped as `\x1b`, `\u202e`."""
        text = self.ssid.decode("utf-8", "backslashreplace")
        return "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
        )


def is_passphrase(key: str) -> bool:
    """Tell whether wpa_supplicant takes it as a WPA passphrase: 8..63 bytes, no control ones."""
    return 8 <= len(as_written(key)) <= 63 and not _CONTROL.search(key)


def make_network(
    ssid_text: str, key: str | None, hidden: bool = False, *, only_sae: bool = False
) -> Network:
    """Return the network that a person typed. An empty key is none: the network is open.

    A key has 8..63 printable ASCII characters (IEEE 802.11-2020, J.4.1), or is 64 hex digits: the
    result of wpa_passphrase. With `only_sae`, when the network is known to offer WPA3 only, any
    password of 1..256 bytes will do.
    Raises ValueError: a sentence for that person, without the key.
    """
    try:
        ssid = ssid_text.encode()
        size = len(key.encode()) if key else 0
    except UnicodeEncodeError:
        raise ValueError("the name or the key is not text that can be sent: type it anew") from None
    if not ssid:
        raise ValueError("the network needs a name: type it as the router shows it")
    if len(ssid) > LONGEST_SSID:
        raise ValueError(
            f"the name is {len(ssid)} bytes long, and a network's name has at most {LONGEST_SSID};"
            " look it up on the router"
        )
    if not key:
        return Network(ssid, None, hidden)
    if only_sae:
        if size > LONGEST_PASSWORD or _CONTROL.search(key):
            raise ValueError(
                f"a WPA3 password has at most {LONGEST_PASSWORD} bytes and no control characters;"
                " look it up on the router"
            )
        return Network(ssid, key, hidden, security="sae")
    if _HEX_KEY.fullmatch(key):
        return Network(ssid, bytes.fromhex(key), hidden)
    if not key.isascii() or not key.isprintable():
        raise ValueError(
            "the key has a character that a WiFi key cannot have: only letters without accents,"
            " digits, spaces and signs as on an English keyboard; look it up on the router"
        )
    if not 8 <= size <= 63:
        raise ValueError(
            f"the key has {size} characters, and a WiFi key has 8 to 63 (or 64 hex digits);"
            " look it up on the router"
        )
    return Network(ssid, key, hidden)


def settings(network: Network, offers: Set[str], policy: str = "auto") -> list[tuple[str, str]]:
    """Return the (variable, value) pairs for SET_NETWORK, the indispensable ones first.

    `offers` are the ways to log in that its access points announce, as `Cell.offers` has them;
    empty if they are not known. `policy` is `auto`, `wpa2` or `wpa3`. With `auto`, WPA2 is used
    wherever it is offered: many radios never associate with WPA3 in a mixed network.
    Raises ConnectError(MISCONFIGURED) if what is known of it does not fit.
    """
    if network.raw is not None:
        return [pair for pair in network.raw if pair[0] != "disabled"]
    pairs = [("ssid", network.ssid.hex())]
    if network.hidden:
        pairs.append(("scan_ssid", "1"))
    extras = dict(network.extras)
    if network.key is None:
        pairs += _keyless(network, offers, policy)
    elif _by_passphrase(network, offers, policy):
        key = network.key if isinstance(network.key, bytes) else _psk_of(network.key, network.ssid)
        pairs += [("key_mgmt", "WPA-PSK WPA-PSK-SHA256"), ("psk", key.hex())]
        # what the user wrote of management frame protection: some old routers cannot bear it
        pairs.append(("ieee80211w", extras.get("ieee80211w", "1")))
    else:
        pairs += [("key_mgmt", "SAE"), ("sae_password", as_written(_password(network)).hex())]
        pairs.append(("ieee80211w", "2"))
    return pairs + [pair for pair in network.extras if pair[0] != "ieee80211w"]


def _password(network: Network) -> str:
    """Return what WPA3 needs; empty if only the 64 hex digits are known."""
    if network.password is not None:
        return network.password
    return network.key if isinstance(network.key, str) else ""


def _psk_of(passphrase: str, ssid: bytes) -> bytes:
    return psk(as_written(passphrase), ssid)


def _keyless(network: Network, offers: Set[str], policy: str) -> list[tuple[str, str]]:
    enhanced = [("key_mgmt", "OWE"), ("ieee80211w", "2")]
    if network.security == "owe" or (
        "owe" in offers and ("open" not in offers or policy == "wpa3")
    ):
        return enhanced
    if offers and "open" not in offers:
        raise _misfit(f"{network.name} wants a key, but is known as open; {_again(network)}")
    return [("key_mgmt", "NONE")]


def _by_passphrase(network: Network, offers: Set[str], policy: str) -> bool:
    """Tell whether to log in as WPA2 does; else as WPA3 does. Raises ConnectError for neither."""
    has_password = bool(_password(network))
    wpa2 = policy != "wpa3" and network.security != "sae"
    wpa3 = policy != "wpa2" and has_password
    if not offers:
        offers = _BY_PASSPHRASE | {"sae"}
    if wpa2 and offers & _BY_PASSPHRASE:
        return True
    if wpa3 and "sae" in offers:
        return False
    if not offers & _BY_PASSPHRASE and "sae" not in offers:
        raise _misfit(f"{network.name} takes no key here, but is known with one")
    if "sae" in offers and not has_password:
        raise _misfit(
            f"{network.name} offers WPA3 only, for which 64 hex digits do not serve:"
            f" the password itself is needed; {_again(network)}"
        )
    if network.security == "sae":
        what = "WPA3 only (key_mgmt=SAE)"
    else:
        what = f"security = {policy} (section [conman:wifi])"
    offered = "WPA3" if "sae" in offers else "WPA2"
    raise _misfit(f"{network.name} offers {offered} only, but is to be joined with {what}")


def _again(network: Network) -> str:
    return f"add it again with its key: sudo conman wifi add '{network.name}'"


def _misfit(sentence: str) -> ConnectError:
    return ConnectError(Reason.MISCONFIGURED, sentence)
