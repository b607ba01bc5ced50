"""The pages of a HiLink dongle that programs ask: signal, operator, registration, PIN.

Facts: Huawei's HiLink firmware as the lab's dongle has it (/api/...). What it says is a stranger's:
values are found by a pattern, so there is no XML parser that could be made to swell.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping

from conman_core import ConnectError, Reason
from conman_core.model import IPAddress

LIMIT = 2.0  #: seconds for one page

_PORT = 80
_TRIES = 5  #: to switch mobile data on again
_LARGEST = 1 << 15  #: bytes of an answer
_MOST = 100  #: values of a page
_VALUE = re.compile(r"<([A-Za-z][A-Za-z0-9_]{0,40})>([^<>]{0,120})</\1>")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_DONE = (b"</response>", b"</error>")
_COOKIE = re.compile(r"[!-:<-~]{1,300}")  # printable, no blanks and no `;`

_SESSION = "/api/webserver/SesTokInfo"
_STATUS, _SIGNAL = "/api/monitoring/status", "/api/device/signal"
_OPERATOR, _PIN = "/api/net/current-plmn", "/api/pin/status"
_SWITCH = "/api/dialup/mobile-dataswitch"
#: CurrentNetworkType and CurrentNetworkTypeEx
_TECHNOLOGIES = {
    **{"1": "GSM", "2": "GPRS", "3": "EDGE", "4": "UMTS", "5": "HSDPA", "6": "HSUPA", "7": "HSPA"},
    **{"9": "HSPA+", "19": "LTE", "41": "UMTS", "42": "HSDPA", "45": "HSPA+", "46": "DC-HSPA+"},
    **{"101": "LTE", "1011": "LTE+", "111": "5G"},
}
_CARDS = {
    "255": "no SIM card",
    "256": "SIM card failed",
    "258": "ready",
    "257": "ready",
    "260": "PIN wanted",
    "261": "PUK wanted",
    "262": "blocked",
}


class StillOff(ConnectError):
    """conman switched mobile data off, and could not switch it on again."""


class WebApi:
    """The pages at a dongle's address, asked over its own interface."""

    def __init__(self, interface: str, host: IPAddress) -> None:
        self._interface = interface
        self._host = host

    async def facts(self) -> dict[str, str]:
        """Return what people want to know. Raises ConnectError if it does not answer."""
        cookie, _ = await self._session()
        pages = [await self._get(page, cookie) for page in (_STATUS, _SIGNAL, _OPERATOR, _PIN)]
        return facts(*pages)

    async def redial(self, *, ours: bool = False) -> None:
        """Have the dongle end its session and begin a new one. Raises ConnectError, StillOff.

        One whose data a person has switched off is left so, if it was not conman (`ours`).
        """
        cookie, _ = await self._session()
        if (await self._get(_SWITCH, cookie)).get("dataswitch") == "0" and not ours:
            raise ConnectError(
                Reason.MISCONFIGURED,
                f"mobile data is switched off; switch it on at http://{self._host}",
            )
        try:
            await self._switch("0")
        except ConnectError as error:
            if error.reason is Reason.REJECTED and not ours:
                raise  # nothing has changed
            await self._switch_on()
            raise
        except asyncio.CancelledError:
            await self._switch_on()
            raise
        await self._switch_on()

    async def _switch_on(self) -> None:
        """Try until it is accepted, for it would stay off for good. Raises StillOff."""
        for tries_left in reversed(range(_TRIES)):
            try:
                await self._switch("1")
            except ConnectError as error:
                if not tries_left:
                    sentence = f"mobile data may be off now; switch it on at http://{self._host}"
                    raise StillOff(error.reason, sentence) from error
            else:
                return

    async def _switch(self, wanted: str) -> None:
        """Switch mobile data on or off. Raises ConnectError."""
        cookie, token = await self._session()
        body = f"<request><dataswitch>{wanted}</dataswitch></request>"
        said = parse(await self._ask("POST", _SWITCH, cookie, token, body))
        if said.get("response") != "OK":
            code = said.get("code", "no word")
            raise ConnectError(Reason.REJECTED, f"{self._host} refused with {code}")

    async def _session(self) -> tuple[str, str]:
        """Return cookie and token; both empty with old firmware, which wants none."""
        said = parse(await self._ask("GET", _SESSION))
        cookie, token = said.get("SesInfo", ""), said.get("TokInfo", "")
        if not _COOKIE.fullmatch(cookie):
            return "", ""
        if "=" not in cookie:
            cookie = f"SessionID={cookie}"
        return cookie, token if _COOKIE.fullmatch(token) else ""

    async def _get(self, page: str, cookie: str) -> Mapping[str, str]:
        return parse(await self._ask("GET", page, cookie))

    async def _ask(
        self, method: str, page: str, cookie: str = "", token: str = "", body: str = ""
    ) -> str:
        """Ask for a page and return its body. Raises ConnectError."""
        host = f"[{self._host}]" if self._host.version == 6 else f"{self._host}"
        lines = [f"{method} {page} HTTP/1.1", f"Host: {host}", "Connection: close"]
        if cookie:
            lines.append(f"Cookie: {cookie}")
        if token:
            lines.append(f"__RequestVerificationToken: {token}")
        if body:
            lines += ["Content-Type: text/xml", f"Content-Length: {len(body)}"]
        request = "\r\n".join((*lines, "", body)).encode()
        try:
            async with asyncio.timeout(LIMIT):
                data = await self._exchange(request)
        except (ConnectionRefusedError, ConnectionResetError):
            sentence = f"{host} has no pages for programs"
            raise ConnectError(Reason.REJECTED, sentence) from None
        except (OSError, TimeoutError):
            sentence = f"http://{host}{page} does not answer"
            raise ConnectError(Reason.TIMEOUT, sentence) from None
        head, _, rest = data.partition(b"\r\n\r\n")
        if not re.match(rb"HTTP/1\.[01] 200\b", head):
            return ""
        return rest.decode(errors="replace")

    async def _exchange(self, request: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        family = socket.AF_INET if self._host.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode())
            await loop.sock_connect(sock, (str(self._host), _PORT))
            await loop.sock_sendall(sock, request)
            data = b""
            while len(data) < _LARGEST and not any(end in data for end in _DONE):
                chunk = await loop.sock_recv(sock, 4096)
                if not chunk:
                    break
                data += chunk
            return data[:_LARGEST]


def parse(body: str) -> dict[str, str]:
    """Return the values of a page by their names. Never raises."""
    found: dict[str, str] = {}
    for match in _VALUE.finditer(body[:_LARGEST]):
        if len(found) >= _MOST:
            break
        text = match[2]
        for entity, letter in _ENTITIES.items():
            text = text.replace(entity, letter)
        found.setdefault(match[1], "".join(c for c in text if c.isprintable()).strip())
    return found


def facts(
    status: Mapping[str, str],
    signal: Mapping[str, str],
    operator: Mapping[str, str],
    card: Mapping[str, str],
) -> dict[str, str]:
    """Return what people want to know of what the pages say; what they leave out is left out."""
    name, number = operator.get("FullName") or operator.get("ShortName"), operator.get("Numeric")
    kind = status.get("CurrentNetworkTypeEx") or status.get("CurrentNetworkType") or ""
    service = status.get("ServiceStatus")
    found = {
        "signal": _signal(status, signal),
        "operator": f"{name} ({number})" if name and number else name or number or "",
        "technology": _TECHNOLOGIES.get(kind, ""),
        "registration": {"2": "registered", None: ""}.get(service, "not registered"),
        "roaming": {"0": "no", "1": "yes"}.get(status.get("RoamingStatus", ""), ""),
        "SIM": _card(card),
    }
    return {key: text for key, text in found.items() if text}


def _signal(status: Mapping[str, str], signal: Mapping[str, str]) -> str:
    named = [f"{name} {signal[name]}" for name in ("rsrp", "sinr") if signal.get(name)]
    if levels := [text for text in (signal.get("rssi", ""), *named) if text]:
        return re.sub(r"(?<=[0-9])(?=dB)", " ", ", ".join(levels))
    bars, most = status.get("SignalIcon", ""), status.get("maxsignal") or "5"
    return f"{bars} of {most}" if bars.isdecimal() and most.isdecimal() else ""


def _card(card: Mapping[str, str]) -> str:
    state = _CARDS.get(card.get("SimState", ""), "")
    tries = card.get("SimPinTimes", "")
    return f"{state}, {tries} tries left" if state == "PIN wanted" and tries.isdecimal() else state
