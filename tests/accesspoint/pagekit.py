"""The real page behind a real door, without a radio: on 127.0.0.1, at a port that is free."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conman_core import Choice, Form, FormField, Outcome
from conman_core.children import Children
from conman_plugins.accesspoint import attempts
from conman_plugins.accesspoint.door import Door, Submission
from conman_plugins.accesspoint.page.respond import unsent
from conman_plugins.accesspoint.page.state import Attempt, State

WIFI = Form(
    "wifi",
    (
        FormField(
            "ssid",
            "Network",
            choices=(
                Choice("HomeNet", 90, True, 2412),
                Choice("Café Größe", 60, True, 2437),
                Choice("Guests", 30, False, 2462),
                Choice("Far away", 5, True, 5180),
            ),
        ),
        FormField("key", "Key", "secret", required=False),
        FormField("hidden", "The network is hidden", "switch", required=False),
    ),
)
CELLULAR = Form(
    "wwan",
    (
        FormField("apn", "APN"),
        FormField("user", "User", required=False),
        FormField("password", "Password", "secret", required=False),
        FormField("pin", "PIN", "secret", required=False),
    ),
)
STATE = State(
    device="ContinuumBridge",
    address="127.0.0.1",
    portal="",
    forms=(WIFI,),
    leaves=True,
    attempt=None,
    looking=False,
)


def attempt(phase: str = "failed", reason: str | None = "WRONG_KEY", **more: Any) -> Attempt:
    """A try of HomeNet that ended so."""
    made = Attempt(1, "wifi", "HomeNet", {"ssid": "HomeNet", "hidden": "no"}, phase, reason, "")
    return replace(made, **more)


class Context:
    """As much of a plugin's context as the door needs."""

    def __init__(self, folder: Path) -> None:
        self.runtime = folder
        self.log = logging.getLogger("page")
        self.children = Children(None)

    def now(self) -> float:
        return time.monotonic()

    async def start(self, argv: Any, **named: Any) -> Any:
        return await self.children.start(argv, **named)


@dataclass
class Site:
    """A page that is served; `verdict` says what the daemon answers to what is submitted."""

    loop: asyncio.AbstractEventLoop
    door: Door
    submissions: list[Submission] = field(default_factory=list)
    looks: int = 0
    seen: int = 0
    lost: list[str] = field(default_factory=list)
    verdict: Callable[[Submission], ValueError | None] = lambda _: None
    after: Callable[[Submission], None] = lambda _: None  #: when it was taken
    state: State = STATE

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    @property
    def pid(self) -> int:
        return int(self.door._child.pid)  # type: ignore[union-attr]

    def show(self, state: State) -> None:
        """Let the page show another state."""
        self.state = state
        asyncio.run_coroutine_threadsafe(self._show(state), self.loop).result(5)

    def show_now(self, state: State) -> None:
        """Let the page show another state; returns when its process has taken it."""
        self.show(state)
        end = time.monotonic() + 5
        while (link := self.door._link) and link.fileno() >= 0 and unsent(link.fileno()):
            assert time.monotonic() < end, "the page does not read"
            time.sleep(0.001)

    async def _show(self, state: State) -> None:
        self.door.show(state)

    def submitted(self, submission: Submission) -> None:
        self.submissions.append(submission)
        problem = self.verdict(submission)
        if problem is None:
            self.after(submission)
        self.door.answer(submission.id, problem)

    def begins(self, submission: Submission) -> None:
        """Say that it is being tried, as the daemon does; to be used as `after`."""
        before = self.state.attempt
        number = before.number + 1 if before else 1
        made = attempts.describe(number, submission.driver, submission.values, self.state.forms)
        self.state = replace(self.state, attempt=made)
        self.door.show(self.state)

    def ends(self, outcome: Outcome) -> None:
        """Say what came of what is being tried."""
        assert self.state.attempt, "nothing is being tried"
        self.show_now(replace(self.state, attempt=attempts.concluded(self.state.attempt, outcome)))

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request; return status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.door.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


@contextlib.contextmanager
def serving(folder: Path, state: State = STATE) -> Iterator[Site]:
    """Serve the page until the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> Site:
        site: Site

        def look() -> None:
            site.looks += 1

        def seen() -> None:
            site.seen += 1

        door = Door(
            Context(folder),  # type: ignore[arg-type]
            addresses=["127.0.0.1"],
            port=0,
            submitted=lambda submission: site.submitted(submission),  # noqa: PLW0108 - made below
            look=look,
            seen=seen,
            lost=lambda sentence: site.lost.append(sentence),  # noqa: PLW0108
        )
        site = Site(loop, door, state=state)
        await door.open(state)
        return site

    try:
        site = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
        try:
            yield site
        finally:
            asyncio.run_coroutine_threadsafe(site.door.close(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
