"""Who writes down when something happened: on the air, and in conman."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from conman_core.client import Channel
from conman_core.errors import ConmanError
from conman_core.paths import Paths

EVERYTHING = 0x0003  # ETH_P_ALL, linux/if_ether.h
MONITOR = "hwsim0"  #: hears every frame of every simulated radio, on all channels
BEACON = 0x80  # IEEE 802.11-2020, 9.2.4.1.3
_FIXED = 24 + 12  #: bytes of a beacon before its first element, the name
_LOOK = 0.02


class Air:
    """Listens to beacons."""

    def __init__(self) -> None:
        subprocess.run(["ip", "link", "set", MONITOR, "up"], check=True)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
        self._socket.bind((MONITOR, 0))
        self._socket.settimeout(0.2)
        self._heard: list[tuple[float, bytes]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def __enter__(self) -> Air:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def beacon(self, ssid: bytes, since: float, limit: float = 60.0) -> float:
        """Return when the first beacon of a network after a moment was heard."""
        return _wait(
            lambda: next((at for at, name in self._heard if name == ssid and at >= since), None),
            f"no beacon of {ssid!r}",
            limit,
        )

    def _listen(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                frame = self._socket.recv(4096)
                ssid = beacon_of(frame)
                if ssid is not None:
                    self._heard.append((time.monotonic(), ssid))


def beacon_of(frame: bytes) -> bytes | None:
    """Return the name in a beacon that a monitor gives (radiotap), None if it is none."""
    frame = frame[int.from_bytes(frame[2:4], "little") :]
    if len(frame) < _FIXED + 2 or frame[0] != BEACON or frame[_FIXED] != 0:
        return None
    return frame[_FIXED + 2 : _FIXED + 2 + frame[_FIXED + 1]]


class Events:
    """Follows the events of a conman that may not have started yet, to its end."""

    def __init__(self, paths: Paths) -> None:
        self._path = paths.socket
        self._seen: list[tuple[float, dict[str, Any]]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def first(self, since: float = 0.0, limit: float = 90.0, **wanted: str) -> float:
        """Return when the first event after a moment came that is as wanted."""

        def found() -> float | None:
            for at, event in self._seen:
                if at >= since and wanted.items() <= event.items():
                    return at
            return None

        return _wait(found, f"no event {wanted}", limit)

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                with Channel(self._path) as channel:
                    channel.ask("watch", {}, 5.0)
                    self._read(channel)
            except ConmanError:  # not there yet
                self._ended.wait(_LOOK)

    def _read(self, channel: Channel) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                message = channel.receive(time.monotonic() + 0.2)
                if message is None:
                    return
                if isinstance(event := message.get("event"), dict):
                    self._seen.append((time.monotonic(), event))


def _wait(found: Callable[[], float | None], what: str, limit: float) -> float:
    deadline = time.monotonic() + limit
    while (at := found()) is None:
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} within {limit:g} s")
        time.sleep(_LOOK)
    return at
