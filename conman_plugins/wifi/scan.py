"""What wpa_supplicant tells of the access points in sight. Pure but for `all_cells`.

Its formats are read from wpa_supplicant 2.10: print_bss_info, wpa_supplicant_ctrl_iface_scan_result
and wpa_supplicant_ie_txt in ctrl_iface.c, printf_encode in utils/common.c.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from conman_plugins.wifi.channels import band_of, channel_of

_LONGEST_SSID = 32  #: bytes, IEEE 802.11-2020, 9.4.2.2
#: WPA_BSS_MASK_* of wpa_ctrl.h: id, bssid, freq, level, age, flags, ssid, a `====` line after each
_MASK = 0x1 | 0x2 | 0x4 | 0x80 | 0x200 | 0x800 | 0x1000 | 0x20000
#: A reply has 4095 bytes at most. What does not fit is left out, in the last entry also pieces of
#: its flags; an entry is at most some 500 bytes long.
_NEARLY_FULL = 4096 - 512
_MOST_REPLIES = 1000  #: a bound for what never ends

_MAC = re.compile("(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_NUMBER = re.compile("-?[0-9]{1,9}")
_FLAG = re.compile(r"\[([^\[\]]*)\]")
_ESCAPE = re.compile(rb'\\(?:x([0-9a-fA-F]{2})|([nrte"\\]))')
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"e": b"\x1b", b'"': b'"', b"\\": b"\\"}
#: key management of the RSN element, longest first: `PSK` is the beginning of `PSK-SHA256`
_OFFERS = (
    ("EAP-SUITE-B-192", "eap-192"),
    ("EAP-SUITE-B", "eap"),
    ("EAP-SHA256", "eap"),
    ("EAP", "eap"),
    ("PSK-SHA256", "psk-sha256"),
    ("PSK", "psk"),
    ("SAE", "sae"),
    ("OWE", "owe"),
    ("DPP", "dpp"),
    ("FT/EAP", "ft-eap"),
    ("FT/PSK", "ft-psk"),
    ("FT/SAE", "ft-sae"),
)
#: dBm at and above which a signal has so many bars
_BARS = ((-55, 4), (-66, 3), (-77, 2), (-88, 1))


@dataclass(frozen=True, slots=True)
class Cell:
    """An access point on one channel, as the latest scan that heard it found it.

    `offers` are the ways to log in: `open`, `owe`, `wep`, `wpa1` (a key, by the old WPA only),
    `psk`, `psk-sha256`, `sae`, `eap`, `eap-192`, `ft-psk`, `ft-sae`, `ft-eap`, `dpp`. None of them:
    it wants something that is not known here, or it is no access point but a mesh or an ad-hoc
    network. `number` is wpa_supplicant's, -1 if it told none.
    """

    bssid: str  #: six lower-case pairs with colons
    ssid: bytes  #: empty: it hides its name
    frequency: int  #: MHz
    signal: int  #: dBm, -100..0
    offers: frozenset[str]
    number: int = -1
    age: int = 0  #: seconds since it was heard

    @property
    def name(self) -> str:
        """The SSID for people; empty if it is hidden."""
        return "".join(
            c if c.isprintable() else "\ufffd" for c in self.ssid.decode(errors="replace")
        )

    @property
    def channel(self) -> int:
        """The number of its channel; 0 for a frequency that is none."""
        return channel_of(self.frequency)

    @property
    def band(self) -> str:
        """`2.4 GHz`, `5 GHz`, `6 GHz`, `60 GHz`; empty for a frequency that is none."""
        return band_of(self.frequency)

    @property
    def bars(self) -> int:
        """How good its signal is, 0..4."""
        return next((bars for least, bars in _BARS if self.signal >= least), 0)

    @property
    def security(self) -> str:
        """How it is secured, for people."""
        return _security(self.offers)


def unescape(text: str) -> bytes:
    r"""Return the bytes behind wpa_supplicant's text: `\xNN`, `\n`, `\r`, `\t`, `\e`, `\"`, `\\`.

    Anything else stands for itself.
    """
    return _ESCAPE.sub(_unescaped, text.encode(errors="surrogatepass"))


def parse_cell(text: str) -> Cell | None:
    """Read one entry of the reply to `BSS`: `key=value` lines. None if it is none, or torn."""
    values: dict[str, str] = {}
    for line in text.split("\n"):
        key, separator, value = line.partition("=")
        if separator and key not in values:
            values[key] = value
    return _cell(
        values.get("bssid"),
        values.get("freq"),
        values.get("level"),
        values.get("flags"),
        values.get("ssid"),
        number=_number(values.get("id", "")),
        age=_number(values.get("age", "")),
    )


def parse_cells(text: str) -> list[Cell]:
    """Read the reply to `BSS RANGE=...` with a `====` or `####` line after each entry."""
    found = (parse_cell(entry) for entry in re.split("(?m)^(?:====|####)$", text))
    return [cell for cell in found if cell]


async def all_cells(request: Callable[[str], Awaitable[str]]) -> list[Cell]:
    """Ask for every access point that wpa_supplicant knows, some twenty at a time.

    `request` sends a command and returns the reply; what it raises comes through. Entries that
    expire in between do no harm, unlike with `BSS NEXT-n`, which ends at a number that is gone.
    """
    found: dict[int, Cell] = {}
    start = 0
    for _ in range(_MOST_REPLIES):
        reply = await request(f"BSS RANGE={start}- MASK={_MASK:x}")
        cells = parse_cells(reply)
        if len(reply) > _NEARLY_FULL and len(cells) > 1:
            cells.pop()  # it may be torn, and is the first of the next reply
        last = max((cell.number for cell in cells), default=-1)
        if last < start:
            break
        found.update((cell.number, cell) for cell in cells)
        start = last + 1
    return list(found.values())


def strongest_by_ssid(cells: Iterable[Cell]) -> list[Cell]:
    """Return the strongest access point of each SSID, best signal first, without hidden ones."""
    best: dict[bytes, Cell] = {}
    for cell in cells:
        if cell.ssid and (cell.ssid not in best or cell.signal > best[cell.ssid].signal):
            best[cell.ssid] = cell
    return sorted(best.values(), key=lambda cell: (-cell.signal, cell.ssid))


def _cell(
    bssid: str | None,
    frequency: str | None,
    level: str | None,
    flags: str | None,
    ssid: str | None,
    *,
    number: int | None = None,
    age: int | None = None,
) -> Cell | None:
    mhz, strength = _number(frequency or ""), _number(level or "")
    if bssid is None or not _MAC.fullmatch(bssid) or mhz is None or strength is None:
        return None
    if flags is None or ssid is None or mhz <= 0:
        return None
    name = unescape(ssid)
    if len(name) > _LONGEST_SSID:
        return None
    known = frozenset(_FLAG.findall(flags))
    return Cell(
        bssid=bssid,
        ssid=name if name.strip(b"\0") else b"",  # one hidden the other way: as long, but all zeros
        frequency=mhz,
        signal=_dbm(strength),
        offers=_offers(known),
        number=-1 if number is None else number,
        age=max(0, age or 0),
    )


def _offers(flags: frozenset[str]) -> frozenset[str]:
    """Translate `WPA2-PSK+SAE-CCMP`, `WPA-PSK-TKIP`, `WEP` and the like."""
    if flags & {"MESH", "IBSS"}:
        return frozenset()
    offers = set()
    secured = False
    for flag in flags:
        element, separator, rest = flag.partition("-")
        if flag == "WEP":
            offers.add("wep")
            secured = True
        elif separator and element in {"WPA", "WPA2", "RSN", "OSEN"}:
            secured = True
            offers |= _key_management(element, rest)
    return frozenset(offers) if secured else frozenset({"open"})


def _key_management(element: str, text: str) -> set[str]:
    """Read `PSK+SAE-CCMP+TKIP-preauth`; what is not known is left out."""
    found = set()
    for part in text.split("+"):
        name = next((n for t, n in _OFFERS if part == t or part.startswith(f"{t}-")), None)
        if name and element != "OSEN" and "SAE-EXT" not in part:
            found.add(name)
    if element == "WPA":
        # WPA1 knows only two of them
        return {"wpa1" if name == "psk" else name for name in found & {"psk", "eap"}}
    return found


def _security(offers: frozenset[str]) -> str:
    names = []
    if offers & {"eap", "eap-192", "ft-eap"}:
        names.append("Enterprise")
    if "wpa1" in offers:
        names.append("WPA")
    if offers & {"psk", "psk-sha256", "ft-psk"}:
        names.append("WPA2")
    if offers & {"sae", "ft-sae"}:
        names.append("WPA3")
    if "owe" in offers:
        names.append("encrypted, no key")
    if "wep" in offers:
        names.append("WEP")
    if "open" in offers:
        names.append("open")
    return "/".join(names) or "unknown"


def _dbm(level: int) -> int:
    """Read what a driver calls its signal level: dBm, dBm + 256, or a quality of 0..100."""
    if level > 110:
        level -= 256
    elif level > 0:
        level = level // 2 - 100
    return min(0, max(-100, level))


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _unescaped(match: re.Match[bytes]) -> bytes:
    code, letter = match.groups()
    return bytes([int(code, 16)]) if code else _PLAIN[letter]
