"""What `conman provision` talks to: a daemon that answers what the test says, and a terminal."""

from __future__ import annotations

import asyncio
import io
import threading
from pathlib import Path
from typing import Any

from conman_core.control import ControlServer
from conman_core.errors import ConmanError
from tests.core.cli.canned import CannedDaemon

KEY = "abcd-efgh-jkmn-pqrs"
ON_AIR: dict[str, Any] = {
    "ssid": "ContinuumBridge", "interface": "wlan0", "address": "10.0.0.1", "clients": 2,
    "since": "2026-11-27T10:00:00+00:00", "ends": None,
    "sentence": "ContinuumBridge is on the air; its page is http://10.0.0.1/",
}  # fmt: skip
NOBODY = {"sentence": "nobody is asked for settings"}


class Daemon(CannedDaemon):
    """Answers `provision` alone; `asked` has what came."""

    def __init__(self, path: Path) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Any = ON_AIR
        self._server = ControlServer(path, {"provision": self._provision})
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(10)

    async def _provision(self, request: dict[str, Any]) -> Any:
        self.asked.append(request)
        if isinstance(self.answer, ConmanError):
            raise self.answer
        return self.answer


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True
