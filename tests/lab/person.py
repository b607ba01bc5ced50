"""Somebody with a phone at the device's access point: joins it, reads the page, fills it in."""

from __future__ import annotations

import http.client
import re
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.lab.station import Station

PAGE = "10.0.0.1"


class Person:
    """Acts like a phone without scripts; all requests go out of the phone's namespace."""

    def __init__(self, phone: Station) -> None:
        self.phone = phone

    def joins(self, ssid: bytes, key: str | None, limit: float = 60.0) -> None:
        """Join the access point and get an address; it may not be there yet."""
        self.phone.join(ssid, key, limit=limit)
        assert self.phone.address().startswith("10.0.0."), "no address of the access point's"

    def asks(
        self,
        path: str = "/",
        *,
        host: str = PAGE,
        address: str = PAGE,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        limit: float = 10.0,
    ) -> tuple[int, dict[str, str], str]:
        """Send one request; return status, headers and body."""

        def ask() -> tuple[int, dict[str, str], str]:
            connection = http.client.HTTPConnection(address, 80, timeout=limit)
            try:
                sent = {"Host": host, **(headers or {})}
                if body is not None:
                    sent["Content-Type"] = "application/x-www-form-urlencoded"
                connection.request("GET" if body is None else "POST", path, body, sent)
                answer = connection.getresponse()
                return answer.status, dict(answer.getheaders()), answer.read().decode()
            finally:
                connection.close()

        return self.phone.call(ask)

    def reads(self, *wanted: str, limit: float = 40.0) -> str:
        """Read the page until all that is wanted stands there; return it."""
        deadline = time.monotonic() + limit
        page = ""
        while time.monotonic() < deadline:
            try:
                page = self.asks()[2]
            except OSError as error:
                page = str(error)
            if all(each in page for each in wanted):
                return page
            time.sleep(0.2)
        text = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
        raise AssertionError(f"{wanted} not on the page within {limit:g} s:\n{text[-6000:]}")

    def enters(self, ssid: str, key: str = "", **more: str) -> str:
        """Fill the WiFi form in and press Connect; return the page that comes back."""
        page = self.reads("Connect")
        form = page[page.index('name="driver" value="wifi"') :]
        token = re.search(r'name="token" value="([^"]+)"', form)
        assert token, page
        values: dict[str, Any] = {"token": token[1], "driver": "wifi", "f.key": key, **more}
        typed = f'value="{ssid}"' not in page and "f.ssid.typed" in page
        values["f.ssid.typed" if typed else "f.ssid"] = ssid
        return self.asks(body=urlencode(values))[2]

    def connects(self, port: int) -> bool:
        """Open a TCP connection to the page's address. Raises OSError."""

        def connect() -> bool:
            with socket.create_connection((PAGE, port), 5.0):
                return True

        return self.phone.call(connect)
