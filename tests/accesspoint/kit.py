"""What the tests of the daemon's side share: settings, a plugin's context, an access point.

The context is made of memory and keeps account of what is on; time is that of a virtual loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conman_core import Choice, ConnectError, Form, FormField, Outcome, Reason, Verdict
from conman_core.errors import ToolMissing
from conman_core.plugin import Loan, OnAir
from conman_core.testing import FakeRunning, FakeStore
from conman_core.testing.fakes import FakeFinished
from conman_plugins.accesspoint.options import OPTIONS, Settings, read
from conman_plugins.accesspoint.page.messages import Submission
from conman_plugins.accesspoint.plan import OWN, Plan

ALONE = Plan("wlan0", 0, "wlan0", False, True, frozenset({2412, 2437, 2462}), True)
TOGETHER = Plan("wlan0", 0, OWN, True, True, frozenset({2412, 2437, 2462}), True)
WIFI = Form(
    "wifi",
    (
        FormField("ssid", "Network", choices=(Choice("HomeNet", 90, True, 2437),)),
        FormField("key", "Key", "secret"),
    ),
)
EMPTY = Form("wifi", (FormField("ssid", "Network"), FormField("key", "Key", "secret")))
WORKS = Outcome(Verdict.ONLINE, None, "1.1.1.1 answers")
WRONG_KEY = Outcome(None, Reason.WRONG_KEY, "wrong key for HomeNet")
NO_INTERNET = Outcome(Verdict.OFFLINE, None, "nothing answers")
ENTERED = {"ssid": "HomeNet", "key": "top-secret-key"}


def values(**texts: str) -> dict[str, Any]:
    """The parsed options of a section in which a user wrote `texts`."""
    given = {name.replace("_", "-"): text for name, text in texts.items()}
    return {each.name: each.parse(given.pop(each.name, each.default)) for each in OPTIONS} | given


def settings(**texts: str) -> Settings:
    return read(values(**texts))


def submission(number: int = 1, **entered: str) -> Submission:
    return Submission(number, "wifi", entered or ENTERED)


@dataclass
class Core:
    """A PluginContext. What the radio finds is set by the test; `happened` is all in order."""

    folder: Path
    settings: Mapping[str, Any] = field(default_factory=values)
    radios: tuple[Loan, ...] = (Loan("wlan0", "wifi:wlan0"),)
    offered: tuple[Form, ...] = (WIFI,)
    outcomes: list[Outcome | Exception] = field(default_factory=lambda: [WRONG_KEY])
    known: bool = False  #: what is known works
    busy: set[str] = field(default_factory=set)  #: radios that are not lent
    refuses: Exception | None = None  #: what `validate` raises

    happened: list[str] = field(default_factory=list)
    lent: dict[str, bool] = field(default_factory=dict)  #: interface to `share`
    wanted: Callable[[str], None] = lambda _: None
    shown: OnAir | None = None
    attended: int = 0
    given_up: list[str] = field(default_factory=list)
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = logging.getLogger("conman.driver.accesspoint")
        self.store = FakeStore()
        self.runtime = self.folder
        self.programs: dict[str, Callable[[FakeRunning], None]] = {}
        self.started: list[FakeRunning] = []
        self.ran: list[tuple[tuple[str, ...], str]] = []
        self.nft: Any = FakeFinished(0, "", "")  #: what comes of it; an exception is raised

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def run(self, argv: Any, *, stdin: str = "", **_: Any) -> FakeFinished:
        self.ran.append((tuple(argv), stdin))
        await asyncio.sleep(0.01)
        if isinstance(self.nft, Exception):
            raise self.nft
        return self.nft

    async def start(self, argv: Any, *, name: str, on_line: Any = None, **_: Any) -> FakeRunning:
        if argv[0] not in self.programs:
            raise ToolMissing(argv[0], f"{argv[0]}-base")
        program = FakeRunning(name, argv, on_line)
        self.started.append(program)
        self.programs[argv[0]](program)
        return program

    @property
    def running(self) -> list[str]:
        return [program.name for program in self.started if program.running]

    # -- asking

    async def forms(self) -> tuple[Form, ...]:
        await asyncio.sleep(0.01)
        return self.offered

    async def look(self) -> None:
        self.happened.append("look")
        await asyncio.sleep(5.0)

    async def validate(self, driver: str, values: Mapping[str, str]) -> None:
        await asyncio.sleep(0.01)
        if self.refuses:
            raise self.refuses

    async def try_out(self, driver: str, values: Mapping[str, str]) -> Outcome:
        self.happened.append(f"try {values.get('ssid')}")
        await asyncio.sleep(3.0)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        if outcome.verdict is not None:
            self.lent.clear()  # the link of the radio is connected
        return outcome

    async def loans(self) -> tuple[Loan, ...]:
        await asyncio.sleep(0.01)
        return self.radios

    async def borrow(self, interface: str, *, share: bool, wanted: Any = lambda _: None) -> None:
        await asyncio.sleep(0.1)
        if interface in self.busy:
            raise ConnectError(Reason.BUSY, f"driver wifi does not let go of {interface}")
        self.lent[interface], self.wanted = share, wanted
        self.happened.append(f"borrow {interface}")

    async def give_back(self, interface: str) -> None:
        await asyncio.sleep(0.01)
        if self.lent.pop(interface, None) is not None:
            self.happened.append(f"give back {interface}")

    async def try_known(self, interface: str) -> bool:
        assert interface not in self.lent
        self.happened.append("try known")
        await asyncio.sleep(10.0)
        return self.known

    def on_air(self, what: OnAir | None, *, attended: bool = False) -> None:
        self.shown = what
        self.attended += attended

    def gave_up(self, sentence: str) -> None:
        self.given_up.append(sentence)

    def say(self, sentence: str, **event: Any) -> None:
        self.said.append((sentence, event))


@contextlib.contextmanager
def a_core(**texts: str) -> Iterator[Core]:
    """Give a context whose folder has a short name: sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="ap-") as folder:
        yield Core(Path(folder), values(**texts))


async def turns(count: int) -> None:
    """Let the others go on."""
    for _ in range(count):
        await asyncio.sleep(0)
