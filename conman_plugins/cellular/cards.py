"""SIM cards that cannot be used: what a person has to do. The same whatever the modem speaks."""

from __future__ import annotations

from conman_core import ConnectError, Reason


def unusable(state: str) -> ConnectError:
    """Return the error for a card that is `absent`, wants its `puk` or `pin`, or is broken."""
    match state:
        case "absent":
            return ConnectError(
                Reason.NO_SIM, "there is no SIM card in the modem; insert one, contacts down"
            )
        case "puk":
            return ConnectError(
                Reason.PIN_WRONG,
                "the SIM card is blocked and asks for its PUK, which came with it; enter that in a"
                " phone, with a new PIN, and set pin to the new one",
            )
        case "pin":
            return ConnectError(Reason.PIN_REQUIRED, "the SIM card asks for its PIN again")
    return ConnectError(
        Reason.NO_SIM,
        "the modem cannot use the SIM card; take it out, clean its contacts and insert it again",
    )
