"""A daemon that answers with what a test gives it: the real control socket, nothing behind it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from conman_core.control import ControlServer
from conman_core.errors import ConmanError

SINCE = (datetime.now(UTC) - timedelta(days=2, hours=5, seconds=1)).isoformat()
ETHERNET: dict[str, Any] = {
    "name": "ethernet:eth0", "driver": "ethernet", "interface": "eth0", "rank": 0,
    "role": "uplink", "state": "connected", "verdict": "online", "reason": None,
    "sentence": "ethernet:eth0 carries the traffic.", "metered": False,
    "addresses": ["192.168.100.200/24", "2001:db8::1234/64"], "gateway": "192.168.100.1",
    "dns": ["192.168.100.1"], "since": SINCE, "rx_bytes": 123_456_789, "tx_bytes": 98_765,
    "recovery": None,
}  # fmt: skip
WWAN: dict[str, Any] = {
    "name": "wwan:cdc-wdm0", "driver": "wwan", "interface": None, "rank": 3, "role": "none",
    "state": "failed", "verdict": None, "reason": "NO_SIM",
    "sentence": "there is no SIM card in the modem at cdc-wdm0; insert a SIM card", "metered": True,
    "addresses": [], "gateway": None, "dns": [], "since": SINCE, "rx_bytes": None,
    "tx_bytes": None, "recovery": None,
}  # fmt: skip
STATUS: dict[str, Any] = {
    "state": "online", "uplink": "ethernet:eth0", "since": SINCE, "links": [ETHERNET, WWAN],
    "drivers": [
        {"name": "ethernet", "distribution": "conman-ethernet", "version": "0.1.0",
         "api_version": 1, "state": "ok", "sentence": ""},
        {"name": "acme", "distribution": "acme-link", "version": "3", "api_version": 1,
         "state": "broken", "sentence": "ImportError: no module named frobnicate"},
    ],
    "config": {"path": "/etc/conman/setup.cfg", "problem": None},
    "notes": ["resolver settings are left alone"], "version": "0.1.0",
}  # fmt: skip
DRIVERS: dict[str, Any] = {
    "drivers": STATUS["drivers"], "plugins": [], "config": STATUS["config"],
}  # fmt: skip
EXPLAIN: dict[str, Any] = {
    "uplink": "ethernet:eth0",
    "sentence": "ethernet:eth0 is the uplink: it is first in priority and reaches the internet.",
    "links": [{"name": "wwan:cdc-wdm0", "sentence": "There is no SIM card."}],
    "recent": [{"time": SINCE, "sentence": "the uplink is ethernet:eth0"}],
    "config": STATUS["config"],
}


class CannedDaemon:
    """Answers on a thread of its own. `answers` may be changed while it runs."""

    def __init__(self, path: Path) -> None:
        self.answers: dict[str, Any] = {
            "status": STATUS, "explain": EXPLAIN, "rescan": {"sentence": "looked at 2 drivers"},
            "drivers": DRIVERS,
        }  # fmt: skip
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._server = ControlServer(path, {name: self._handler(name) for name in self.answers})
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(10)

    def publish(self, event: dict[str, Any]) -> None:
        self._loop.call_soon_threadsafe(self._server.publish, event)

    def publish_to_watcher(self, event: dict[str, Any]) -> None:
        """Publish once somebody watches."""

        async def wait() -> None:
            while not self._server._watchers:
                await asyncio.sleep(0.005)
            self._server.publish(event)

        asyncio.run_coroutine_threadsafe(wait(), self._loop).result(10)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(10)

    async def _run(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        await self._server.start()
        self._ready.set()
        await self._end.wait()
        await self._server.stop()

    def _handler(self, name: str) -> Callable[[dict[str, Any]], Any]:
        async def answer(arguments: dict[str, Any]) -> Any:
            self.asked.append((name, arguments))
            value = self.answers[name]
            if isinstance(value, ConmanError):
                raise value
            return value

        return answer
