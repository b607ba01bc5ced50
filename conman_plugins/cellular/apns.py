"""`apn = auto`: the operator's access points from mobile-broadband-provider-info.

Facts: serviceproviders.2.dtd and serviceproviders.xml of that package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conman_core import ConnectError, Reason
from conman_core.driver import Store
from conman_plugins.cellular.plan import Plan

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

DATABASE = Path("/usr/share/mobile-broadband-provider-info/serviceproviders.xml")
MOST = 8  #: tried of one operator, before the network's own choice
_PACKAGE = "mobile-broadband-provider-info"
_KEY = "apns"
_MOST_CARDS = 32
_APN = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LONGEST = 100


def candidates(plmn: str, iccid: str, memory: ApnMemory, database: Path = DATABASE) -> list[Plan]:
    """Return what to try for an operator (MCC-MNC), the likeliest first.

    First what worked last for this card, last the network's own choice. Raises ConnectError if
    there is nothing to go by.
    """
    last = memory.last(iccid)
    listed: list[Plan] = []
    try:
        listed = plans(database, plmn) if plmn else []
    except (OSError, SyntaxError) as error:  # ParseError is one
        if not last:
            raise _no_database(database, error) from error
    found = [last, *listed[:MOST]] if last else listed[:MOST]
    return list(dict.fromkeys([*found, Plan()]))


def plans(database: Path, plmn: str) -> list[Plan]:
    """Return the operator's access points for the internet. Raises OSError, SyntaxError."""
    country, _, network = plmn.partition("-")
    wanted = (_number(country), _number(network))
    if None in wanted:
        return []
    found: list[Plan] = []
    for gsm in _networks(database):
        ids = [
            (_number(each.get("mcc")), _number(each.get("mnc")))
            for each in gsm.iterfind("network-id")
        ]
        if wanted in ids:
            found += filter(None, map(_plan, gsm.iterfind("apn")))
    return list(dict.fromkeys(found))


def _networks(database: Path) -> Iterator[ET.Element]:
    """Yield each operator's network, freeing it afterwards: the whole file is large."""
    import xml.etree.ElementTree as ET  # a megabyte that most devices never need

    for _, element in ET.iterparse(database, events=("end",)):  # noqa: S314 - of the system's own
        if element.tag == "gsm":
            yield element
        if element.tag in {"provider", "country"}:
            element.clear()


def _plan(apn: ET.Element) -> Plan | None:
    value = apn.get("value") or ""
    usage = [each.get("type") for each in apn.iterfind("usage")]
    if not _APN.fullmatch(value) or (usage and "internet" not in usage):
        return None
    user, password = ((apn.findtext(name) or "").strip() for name in ("username", "password"))
    if max(len(user.encode()), len(password.encode())) > _LONGEST:
        return None
    auth = next((each.get("method") or "" for each in apn.iterfind("authentication")), "")
    return Plan(value, user, password, auth if auth in {"pap", "chap"} else "auto")


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch("[0-9]{1,3}", text) else None


def _no_database(database: Path, error: Exception) -> ConnectError:
    why = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
    return ConnectError(
        Reason.NO_TOOL,
        f"apn = auto needs the list of operators, but {database} {why}; set apn, or: apt install"
        f" {_PACKAGE}",
    )


class ApnMemory:
    """What worked last, by SIM card, in the driver's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self, iccid: str) -> Plan | None:
        """Return what worked last with a card."""
        return _from_note(self._cards().get(iccid)) if iccid else None

    def worked(self, iccid: str, plan: Plan) -> None:
        """Note what works; the store is written only if that is news."""
        if not iccid or self.last(iccid) == replace(plan, section=""):
            return
        cards = {key: value for key, value in self._cards().items() if key != iccid}
        note = [plan.apn, plan.user, plan.password, plan.auth]
        kept = dict(list(cards.items())[-(_MOST_CARDS - 1) :]) | {iccid: note}
        self._store.save(self._store.load() | {_KEY: kept})

    def _cards(self) -> dict[str, Any]:
        cards = self._store.load().get(_KEY)
        return cards if isinstance(cards, dict) else {}


def _from_note(note: Any) -> Plan | None:
    match note:
        case [str(apn), str(user), str(password), "auto" | "pap" | "chap" | "none" as auth]:
            return Plan(apn, user, password, auth)
    return None


def tried(plans_: Sequence[Plan]) -> str:
    """Return what was tried, for a sentence."""
    names = [each.apn or "the network's own choice" for each in plans_]
    return ", ".join(names)
