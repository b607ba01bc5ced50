"""What AT answers say: card, registration, signal, operator (3GPP 27.007). Pure; never raises."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conman_plugins.cellular.at import Reply

#: AcT of +COPS
_TECHNOLOGIES = {
    **{0: "GSM", 1: "GSM", 2: "UMTS", 3: "EDGE", 4: "HSDPA", 5: "HSUPA", 6: "HSPA", 7: "LTE"},
    **{9: "NB-IoT", 10: "LTE", 11: "5G", 12: "5G", 13: "LTE"},
}
_CARDS = {"READY": "ready", "SIM PIN": "pin", "SIM PUK": "puk"}
#: +CME ERROR
_NO_CARD, _CARD_STATES = 10, {10: "absent", 11: "pin", 12: "puk", 14: "waiting", 515: "waiting"}
WRONG_PASSWORD = 16
#: answers that have the tries left in their first number after the name
_TRIES = ("CPINR", "CPIN", "QPINC")
_STATES = {0: "none", 1: "home", 2: "searching", 3: "denied", 4: "none", 5: "roaming"}
_BETTER = ("roaming", "home", "denied", "searching", "none")


@dataclass(frozen=True, slots=True)
class Standing:
    """How the modem stands with the networks: home roaming denied searching none."""

    state: str = "none"

    @property
    def registered(self) -> bool:
        return self.state in ("home", "roaming")

    @property
    def roaming(self) -> bool:
        return self.state == "roaming"

    @property
    def words(self) -> str:
        """For people."""
        return {
            "home": "registered",
            "roaming": "registered",
            "denied": "refused by the network",
            "searching": "searching for a network",
        }.get(self.state, "not registered")


def card(reply: Reply) -> str:
    """Return how the card is: ready pin puk absent waiting broken, from +CPIN?."""
    for value in reply.values("CPIN"):
        return _CARDS.get(value.strip('"'), "broken")
    if reply.code is not None:
        return _CARD_STATES.get(reply.code, "broken")
    return "broken"


def tries(reply: Reply) -> int | None:
    """Return the tries that are left for the PIN, from +CPINR, ^CPIN? or +QPINC."""
    for value in reply.values(*_TRIES):
        if found := re.match(r'"?(?:SIM PIN|SC)"? *, *([0-9]{1,2})\b', value):
            return int(found[1])
    return None


def iccid(reply: Reply) -> str:
    """Return the number of the card, empty if it is not told."""
    for line in reply.lines:
        if found := re.search(r"\b(89[0-9]{16,18}[0-9Ff]?)\b", line):
            return found[1].rstrip("Ff")
    return ""


def home(reply: Reply) -> str:
    """Return the operator of the card as MCC and the rest of the IMSI's head, from +CIMI."""
    for line in reply.lines:
        if found := re.fullmatch(r"(?:\+CIMI: *)?\"?([0-9]{14,15})\"?", line):
            return found[1]
    return ""


def standing(replies: Iterable[Reply]) -> Standing:
    """Return how the modem stands, from +CREG?, +CGREG? and +CEREG?: the best of them."""
    found = ["none"]
    for reply in replies:
        for value in reply.values("CREG", "CGREG", "CEREG"):
            if state := re.match(r"[0-9] *, *([0-9]{1,2})\b", value):
                found.append(_STATES.get(int(state[1]), "none"))
    return Standing(min(found, key=_BETTER.index))


def signal(reply: Reply) -> str:
    """Return the strength as dBm, from +CSQ: 0 is -113 dBm, 2 dB a step."""
    for value in reply.values("CSQ"):
        found = re.match(r"([0-9]{1,3})\b", value)
        if found and 0 <= int(found[1]) <= 31:
            return f"{2 * int(found[1]) - 113} dBm"
    return ""


def operator(reply: Reply) -> tuple[str, str]:
    """Return the network's name and its technology, from +COPS?; empty if there is none."""
    for value in reply.values("COPS"):
        if found := re.match(r'[0-9],[0-9],"([^"]{1,64})"(?:,([0-9]{1,2}))?', value):
            return found[1], _TECHNOLOGIES.get(int(found[2] or 99), "")
    return "", ""


def cause(reply: Reply) -> str:
    """Return why the last call ended, from +CEER; empty if the modem does not tell."""
    for value in reply.values("CEER"):
        text = value.strip('" ')
        if text and not re.match(r"(no |normal|.*\bunknown\b)", text, re.IGNORECASE):
            return text[:120]
    return ""
