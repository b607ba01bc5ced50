"""hostapd's part played by the test: its process, and the other end of its control socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conman_core import ConnectError
from conman_core.testing import FakeRunning
from conman_plugins.accesspoint.hostapd import Hostapd, configuration
from tests.accesspoint.kit import Core, turns
from tests.core.machine import run_virtual
from tests.core.net.ctrlserver import Server

KEY = "a-key-of-the-test"


def text(**changes: object) -> str:
    usual: dict[str, object] = {
        **{"ssid": b"Box", "passphrase": KEY, "channel": 6, "country": "GB", "throughput": True},
        "folder": Path("/run/x"),
    }
    return configuration("ap0", **usual | changes)  # type: ignore[arg-type]


def lines(**changes: object) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text(**changes).splitlines())


class Air:
    """One hostapd, and the other end of its control socket: `server`."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.heard: list[str] = []
        self.status = b"state=ENABLED\nfreq=2437\nieee80211n=1\n"
        core.programs["hostapd"] = self.begin
        self.server: Server | None = None
        self.one = Hostapd(
            core,  # type: ignore[arg-type]
            "ap0",
            joined=lambda mac: self.heard.append(f"+{mac}"),
            left=lambda mac: self.heard.append(f"-{mac}"),
            ended=self.heard.append,
        )

    def begin(self, program: FakeRunning) -> None:
        self.server = Server(self.one.folder / "ap0")
        self.server.replies["STATUS"] = self.status

    def end(self) -> None:
        if self.server:
            self.server.close()

    async def tell(self, event: str) -> None:
        assert self.server
        self.server.tell(f"<3>{event}".encode())
        await turns(5)


def story(core: Core, tale: Callable[[Air], object], **before: object) -> Air:
    async def run() -> Air:
        air = Air(core)
        for name, value in before.items():
            setattr(air, name, value)
        try:
            await tale(air)  # type: ignore[misc]
        finally:
            await air.one.stop()
            air.end()
        return air

    return run_virtual(run())


def failure(core: Core, program: Callable[[FakeRunning], None]) -> ConnectError:
    async def tale(air: Air) -> None:
        core.programs["hostapd"] = program
        await air.one.start(text())

    with pytest.raises(ConnectError) as caught:
        story(core, tale)
    assert core.running == []
    assert KEY not in str(caught.value)
    return caught.value
