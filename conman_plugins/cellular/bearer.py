"""Sessions of a modem that speaks QMI: one for each address family, each with its own client."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass
from typing import Any

from conman_core import ConnectError, Family, Reason
from conman_plugins.cellular import endings
from conman_plugins.cellular.line import Line, Refused
from conman_plugins.cellular.plan import Plan
from conman_plugins.cellular.qmux import Message, QmuxError, Service

START_LIMIT = 30.0  #: seconds: a network may think that long
_STOP_LIMIT = 4.0
_START, _STOP, _STATUS, _FAMILY = 0x0020, 0x0021, 0x0022, 0x004D  #: messages of WDS
_DISCONNECTED, _CONNECTED = 1, 2
_AUTH = {"none": 0, "pap": 1, "chap": 2, "auto": 3}


@dataclass(frozen=True, slots=True)
class Bearer:
    """A session: the client that has it, and its handle."""

    family: Family
    client: int
    handle: int
    address: str = ""

    def noted(self) -> dict[str, Any]:
        """Return it for a file."""
        known = {"client": self.client, "handle": self.handle, "address": self.address}
        return known | {"family": int(self.family)}


def from_note(note: Any) -> Bearer | None:
    """Read what `noted` gave from a file that may hold anything."""
    match note:
        case {
            "client": int(client),
            "handle": int(handle),
            "address": str(address),
            "family": 4 | 6 as family,
        } if 0 < client < 256 and 0 <= handle < 1 << 32:
            return Bearer(Family(family), client, handle, address)
    return None


async def start(line: Line, client: int, family: Family, plan: Plan) -> Bearer:
    """Start a session. Raises ConnectError with the network's cause in words."""
    with contextlib.suppress(Refused):  # old modems have no such message, and take the TLV below
        await line.ask(Service.WDS, client, _FAMILY, {0x01: bytes([family])})
    tlvs: dict[int, bytes] = {}
    if plan.apn:
        tlvs[0x14] = plan.apn.encode()
    if plan.user or plan.password:
        tlvs[0x16] = bytes([_AUTH[plan.auth]])
        tlvs[0x17] = plan.user.encode()
        tlvs[0x18] = plan.password.encode()
    tlvs[0x19] = bytes([family])
    try:
        answer = await line.ask(Service.WDS, client, _START, tlvs, START_LIMIT)
        (handle,) = answer.value(0x01, "I")
    except Refused as refused:
        raise NoSession(plan, family, endings.cause(refused.answer)) from None
    except ConnectError as error:
        if error.reason is not Reason.WEDGED:
            raise
        what = f"the network does not answer within {START_LIMIT:g} s whether it gives a session"
        raise ConnectError(Reason.TIMEOUT, f"{what} with {plan.named}") from None
    except QmuxError as error:
        raise ConnectError(Reason.BROKEN, f"the modem's answer to a dial: {error}") from None
    return Bearer(family, client, handle)


async def stop(line: Line, bearer: Bearer) -> bool:
    """End a session and let its client go; False if the modem does not answer. Never raises."""
    try:
        if bearer.handle:
            handle = struct.pack("<I", bearer.handle)
            await line.ask(Service.WDS, bearer.client, _STOP, {0x01: handle}, _STOP_LIMIT)
    except Refused:
        pass  # it has ended by itself
    except ConnectError:
        return False
    return await line.release(Service.WDS, bearer.client)


async def runs(line: Line, bearer: Bearer) -> bool:
    """Ask whether a session is up; what happens to it comes over this line from now on.

    qmi-proxy tells of a client's session to whoever has asked something as that client. Raises
    ConnectError if the modem does not answer.
    """
    try:
        answer = await line.ask(Service.WDS, bearer.client, _STATUS, None, _STOP_LIMIT)
        return answer.value(0x01, "B")[0] == _CONNECTED
    except (Refused, QmuxError):
        return False


def ended(message: Message, bearers: tuple[Bearer, ...]) -> Bearer | None:
    """Return the session that an indication says has ended."""
    if message.service != Service.WDS or message.number != _STATUS:
        return None
    try:
        (status,) = message.value(0x01, "B")
    except QmuxError:
        return None
    if status != _DISCONNECTED:
        return None
    return next((each for each in bearers if message.client in {each.client, 0xFF}), None)


class NoSession(ConnectError):
    """The network gives no session; `cause` is (type, number)."""

    def __init__(self, plan: Plan, family: Family, cause: tuple[int, int] | None) -> None:
        self.plan = plan
        self.family = family
        self.cause = cause
        reason = endings.reason_of(cause)
        why = endings.words(cause)
        if reason is Reason.WRONG_APN:
            what = f"the operator refuses {plan.named} ({why})"
        elif reason is Reason.WRONG_KEY:
            what = f"the operator refuses user and password of {plan.named} ({why})"
        else:
            what = f"the operator gives no IPv{family:d} session with {plan.named} ({why})"
        super().__init__(reason, f"{what}{plan.cure(reason)}")
