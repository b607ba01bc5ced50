"""The pages of a router dongle that programs ask, as Huawei's HiLink dongles have them."""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lab.modems.loop import Loop
from tests.lab.modems.sim import CardError
from tests.lab.modems.state import Modem, Refused

ADDRESS, PORT = "192.168.8.1", 80
NO_RIGHTS, WRONG_TOKEN, UNKNOWN_PAGE, FAILED = 125002, 125003, 100002, 100004
CONNECTING, CONNECTED, DISCONNECTED = 900, 901, 902
TYPES = {"gsm": (3, 3), "umts": (9, 41), "lte": (19, 101)}
RATS = {"gsm": 0, "umts": 2, "lte": 7}
CARDS = {"ready": 257, "pin": 260, "puk": 261, "absent": 255, "blocked": 262}
Values = dict[str, object]


class PageError(Exception):
    """The answer is an error with a number."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Site:
    """Answers to requests; tokens are good once, as in a dongle."""

    modem: Modem
    redial: Callable[[], object] = lambda: None
    _session: str = ""
    _tokens: set[str] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def answer(self, request: bytes) -> bytes:
        """The response to an HTTP request."""
        head, _, body = request.partition(b"\r\n\r\n")
        line, _, headers = head.decode("latin-1").partition("\r\n")
        method, path, *_ = [*line.split(" "), "", ""]
        try:
            content = self._page(method, path.partition("?")[0], headers, body.decode("latin-1"))
        except PageError as error:
            content = f"<error>\n<code>{error.code}</code>\n<message></message>\n</error>"
        if not path.startswith("/api/"):
            content = "<html><body>HiLink</body></html>"
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n{content}\n'.encode()
        cookie = f"Set-Cookie: SessionID={self._session}; path=/\r\n" if self._session else ""
        return (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(text)}\r\n"
            f"{cookie}Connection: close\r\n\r\n"
        ).encode() + text

    def _page(self, method: str, path: str, headers: str, body: str) -> str:
        if not path.startswith("/api/"):
            return ""
        if path == "/api/webserver/SesTokInfo":
            self._session = self._session or f"s{time.monotonic_ns():x}"
            token = f"t{next(self._numbers)}"
            self._tokens.add(token)
            return _xml({"SesInfo": f"SessionID={self._session}", "TokInfo": token})
        if not self._session or f"SessionID={self._session}" not in headers:
            raise PageError(NO_RIGHTS)
        if method == "POST":
            found = re.search(r"__RequestVerificationToken: *(\S+)", headers, re.IGNORECASE)
            if not found or found[1] not in self._tokens:
                raise PageError(WRONG_TOKEN)
            self._tokens.remove(found[1])
        page = PAGES.get((method, path))
        if not page:
            raise PageError(UNKNOWN_PAGE)
        said = page(self, body)
        return _xml(said) if said else "<response>OK</response>"


def _xml(values: Values) -> str:
    lines = "\n".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f"<response>\n{lines}\n</response>"


def status(site: Site, body: str) -> Values:
    modem = site.modem
    kind, extended = TYPES[modem.settings.technology] if modem.registered else (0, 0)
    return {
        "ConnectionStatus": CONNECTED if modem.calls else DISCONNECTED,
        "SignalStrength": "",
        "SignalIcon": 0 if modem.registration == "none" else 4,
        "CurrentNetworkType": kind,
        "CurrentServiceDomain": 3 if modem.registered else 0,
        "RoamingStatus": int(modem.registration == "roaming"),
        "SimStatus": int(modem.sim.state == "ready"),
        "ServiceStatus": 2 if modem.registered else 0,
        "CurrentNetworkTypeEx": extended,
        "maxsignal": 5,
        "classify": "hilink",
    }


def signal(site: Site, body: str) -> Values:
    rssi = site.modem.settings.signal
    if site.modem.registration == "none":
        return dict.fromkeys(("rsrq", "rsrp", "rssi", "sinr", "mode"), "")
    return {
        **{"pci": 42, "cell_id": 27439873, "rsrq": "-10.0dB", "rsrp": f"{rssi - 30}dBm"},
        **{"rssi": f"{rssi}dBm", "sinr": "15dB", "mode": RATS[site.modem.settings.technology]},
    }


def plmn(site: Site, body: str) -> Values:
    modem = site.modem
    name = modem.settings.operator if modem.registered else ""
    return {
        **{"State": 0 if modem.registered else 1, "FullName": name, "ShortName": name},
        "Numeric": modem.network if modem.registered else "",
        "Rat": RATS[modem.settings.technology] if modem.registered else "",
    }


def pin_status(site: Site, body: str) -> Values:
    sim = site.modem.sim
    return {
        **{"SimState": CARDS[sim.state], "PinOptState": CARDS[sim.state]},
        **{"SimPinTimes": sim.retries, "SimPukTimes": sim.puk_retries},
    }


def pin_operate(site: Site, body: str) -> Values:
    """OperateType 0 enters a PIN, 4 a PUK with a new one."""
    kind, pin, puk, fresh = (
        (re.search(rf"<{name}>([^<]*)<", body) or ("", ""))[1]
        for name in ("OperateType", "CurrentPin", "PukCode", "NewPin")
    )
    try:
        if kind == "4":
            site.modem.card(lambda sim: sim.unblock(puk, fresh))
        else:
            site.modem.card(lambda sim: sim.verify(pin))
    except CardError as error:
        raise PageError(103002) from error
    return {}


def information(site: Site, body: str) -> Values:
    modem = site.modem
    return {
        **{"DeviceName": "E3372", "SerialNumber": f"LAB{modem.number}", "Imei": modem.imei},
        **{"Imsi": modem.sim.imsi, "Iccid": modem.sim.iccid, "SoftwareVersion": "22.200.09"},
    }


def dial(site: Site, body: str) -> Values:
    """Switch the session on or off."""
    if ">1<" in body:
        try:
            site.redial()
        except Refused as refused:
            raise PageError(FAILED) from refused
    else:
        site.modem.end_calls()
    return {}


PAGES: dict[tuple[str, str], Callable[[Site, str], Values]] = {
    ("GET", "/api/monitoring/status"): status,
    ("GET", "/api/device/signal"): signal,
    ("GET", "/api/net/current-plmn"): plmn,
    ("GET", "/api/pin/status"): pin_status,
    ("GET", "/api/device/information"): information,
    ("POST", "/api/pin/operate"): pin_operate,
    ("POST", "/api/dialup/mobile-dataswitch"): dial,
}


class Server:
    """Serves the site on a socket that listens in the dongle's namespace."""

    def __init__(self, loop: Loop, site: Site, listening: socket.socket) -> None:
        self._loop, self._site = loop, site
        self._listening = listening
        listening.setblocking(False)
        loop.watch(listening, self._accept)

    def _accept(self) -> None:
        asking, _ = self._listening.accept()
        asking.setblocking(False)
        buffer = bytearray()

        def readable() -> None:
            try:
                data = asking.recv(65536)
            except ConnectionError:
                data = b""
            buffer.extend(data)
            if data and not complete(bytes(buffer)):
                return
            self._loop.forget(asking)
            with asking:
                if data and self._site.modem.settings.control != "silent":
                    asking.send(self._site.answer(bytes(buffer)))

        self._loop.watch(asking, readable)


def complete(request: bytes) -> bool:
    """Whether a request has all of its body."""
    head, found, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return bool(found) and len(body) >= (int(length[1]) if length else 0)


def listen() -> socket.socket:
    """A socket for the pages; to be called in the dongle's namespace."""
    return socket.create_server((ADDRESS, PORT))
