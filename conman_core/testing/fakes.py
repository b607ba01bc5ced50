"""What a driver gets from the core, made of memory and of what the test says. Needs no pytest."""

from __future__ import annotations

import contextlib
import enum
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from conman_core.driver import LinkDriver
from conman_core.errors import ConnectError, ToolMissing
from conman_core.model import Reason
from conman_core.testing.clock import FakeClock
from conman_core.testing.dhcp import DhcpStep, FakeLease, lease_on
from conman_core.testing.programs import FakeRunning, temporary_folder


class Unexpected(AssertionError):
    """The driver did something that the test did not foresee."""


class Fault(enum.Enum):
    """What is wrong with the machine at once, whatever was scripted."""

    TOOL_MISSING = "no program is installed"
    TOOL_HANGS = "every program hangs until its time limit"
    TOOL_FAILS = "every program ends with an error"
    TOOL_BABBLES = "every program succeeds and prints rubbish"
    DHCP_REFUSES = "DHCP gives no address"
    BUSY = "every interface is another program's"


@dataclass(frozen=True, slots=True)
class FakeFinished:
    """How a scripted program ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Call:
    """A program that the driver ran."""

    argv: tuple[str, ...]
    stdin: str | None
    secrets: tuple[str, ...]


@dataclass(slots=True)
class _Expected:
    argv: list[Any]
    finished: FakeFinished
    hangs: bool
    missing: bool
    always: bool


class FakeStore:
    """A driver's memory; `saves` are all that it saved, oldest first."""

    def __init__(self) -> None:
        self.saves: list[dict[str, Any]] = []

    def load(self) -> dict[str, Any]:
        return dict(self.saves[-1]) if self.saves else {}

    def save(self, values: Mapping[str, Any]) -> None:
        self.saves.append(json.loads(json.dumps(dict(values))))


class FakeSharedStore(FakeStore):
    """A memory that several drivers have."""

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        values = json.loads(json.dumps(self.load()))
        yield values
        self.save(values)


class FakeContext:
    """A DriverContext for tests.

    `settings` are texts as in the user's file; what they leave out has its default. The driver's
    class is needed for that if it has options: `AcmeDriver(FakeContext(AcmeDriver))`.
    """

    def __init__(
        self,
        driver: type[LinkDriver] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        options = driver.options() if driver else ()
        texts = {option.name: option.default for option in options}
        if unknown := sorted(set(settings or {}) - set(texts)):
            raise Unexpected(f"no option is named {unknown[0]!r}; there are {sorted(texts)}")
        texts |= settings or {}
        self.settings: Mapping[str, Any] = {
            option.name: option.parse(texts[option.name]) for option in options
        }
        self.log = logging.getLogger("conman.driver.fake")
        self.clock = FakeClock()
        self.store = FakeStore()
        #: by name; contexts that are to share a memory get the same one here
        self.memories: dict[str, FakeSharedStore] = {}
        self.fault: Fault | None = None
        self.calls: list[Call] = []  #: programs run, oldest first
        self.claims: list[str] = []
        self.leases: list[FakeLease] = []  #: all that `dhcp` gave, oldest first
        self.complaints: list[str] = []
        self.started: list[FakeRunning] = []  #: programs that run on, oldest first
        #: what a started program does, called with it; for instance makes a control socket
        self.programs: dict[str, Callable[[FakeRunning], None]] = {}
        self.runtime = temporary_folder(self)
        self._running: list[Call] = []
        self._expected: list[_Expected] = []
        self._dhcp: dict[str | None, list[DhcpStep]] = {}

    # -- for the test -------------------------------------------------------------------------

    def expect(
        self,
        argv: Sequence[Any],
        *,
        stdout: str = "",
        stderr: str = "",
        returncode: int = 0,
        hangs: bool = False,
        missing: bool = False,
        always: bool = False,
    ) -> None:
        """Say that the driver will run a program, and how that ends.

        Calls must come in the order in which they were foreseen, each once. One with `always` may
        come at any time, any number of times. `unittest.mock.ANY` stands for any argument.
        `hangs`: until its time limit, on the fake clock. `missing`: it is not installed.
        """
        finished = FakeFinished(returncode, stdout, stderr)
        self._expected.append(_Expected(list(argv), finished, hangs, missing, always))

    def script_dhcp(self, *steps: DhcpStep, interface: str | None = None) -> None:
        """Say what each DHCP client finds in turn: a lease, a ConnectError to raise, or SILENCE.

        The last step repeats. Without a script each gets `lease_on` its interface.
        """
        self._dhcp[interface] = list(steps)

    def leases_on(self, interface: str) -> list[FakeLease]:
        """Return the DHCP clients of an interface, oldest first."""
        return [lease for lease in self.leases if lease.interface == interface]

    def leftovers(self) -> list[str]:
        """Return a sentence for each DHCP client and program that still runs.

        One that was started may outlive its link, as long as it is not started a second time.
        """
        clients = [f"a DHCP client on {e.interface} still runs" for e in self.leases if e.running]
        programs = [f"{' '.join(call.argv)} still runs" for call in self._running]
        started = Counter(program.name for program in self.started if program.running)
        twice = [f"{name} runs {count} times" for name, count in started.items() if count > 1]
        return clients + programs + twice

    def verify(self) -> None:
        """Raise Unexpected if the driver did what was not foreseen, or did not do what was.

        `with FakeContext(...) as context:` does it at the end of the block.
        """
        missed = [f"never ran {expected.argv}" for expected in self._once()]
        if wrong := self.complaints + missed:
            raise Unexpected("; ".join(wrong))

    def __enter__(self) -> FakeContext:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.verify()

    # -- for the driver -----------------------------------------------------------------------

    def shared(self, name: str) -> FakeSharedStore:
        return self.memories.setdefault(name, FakeSharedStore())

    def now(self) -> float:
        return self.clock.now

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - the signature of DriverContext
        stdin: str | None = None,
        secrets: Sequence[str] = (),
    ) -> FakeFinished:
        call = Call(tuple(argv), stdin, tuple(secrets))
        self.calls.append(call)
        expected = self._foreseen(list(argv))
        if expected.missing:
            raise ToolMissing(argv[0], argv[0])
        self._running.append(call)
        try:
            await self.clock.sleep(timeout if expected.hangs else 0.0)
        finally:
            self._running.remove(call)
        if expected.hangs:
            raise TimeoutError(f"{argv[0]} did not end within {timeout:g} s")
        return expected.finished

    async def start(
        self,
        argv: Sequence[str],
        *,
        name: str,
        on_line: Callable[[str], None] | None = None,
    ) -> FakeRunning:
        if self.fault is Fault.TOOL_MISSING or argv[0] not in self.programs:
            raise ToolMissing(argv[0], argv[0])
        program = FakeRunning(name, argv, on_line)
        self.started.append(program)
        if self.fault is Fault.TOOL_FAILS:
            program.end(1)
        elif self.fault is not Fault.TOOL_HANGS:
            self.programs[argv[0]](program)
        return program

    def dhcp(self, interface: str) -> FakeLease:
        lease = FakeLease(self, interface)
        self.leases.append(lease)
        return lease

    def claim(self, interface: str) -> None:
        if self.fault is Fault.BUSY:
            raise ConnectError(Reason.BUSY, f"{interface} is managed by another program")
        self.claims.append(interface)

    # -- for the fakes ------------------------------------------------------------------------

    def complain(self, what: str) -> NoReturn:
        """Note what must not happen, even if the driver swallows the exception."""
        self.complaints.append(what)
        raise Unexpected(what)

    def next_dhcp_step(self, interface: str) -> DhcpStep:
        """Return what a client on an interface finds now."""
        if self.fault is Fault.DHCP_REFUSES:
            return ConnectError(Reason.NO_ADDRESS, f"no DHCP server answers on {interface}")
        steps = self._dhcp.get(interface, self._dhcp.get(None))
        if not steps:
            return lease_on(interface)
        return steps.pop(0) if len(steps) > 1 else steps[0]

    def _once(self) -> list[_Expected]:
        return [expected for expected in self._expected if not expected.always]

    def _foreseen(self, argv: list[str]) -> _Expected:
        if tool_fault := _TOOL_FAULTS.get(self.fault) if self.fault else None:
            return tool_fault
        once = self._once()
        if once and once[0].argv == argv:
            self._expected.remove(once[0])
            return once[0]
        always = [e for e in self._expected if e.always and e.argv == argv]
        if not always:
            wanted = f"expected {once[0].argv}" if once else "expected no further program"
            self.complain(f"{wanted}, but the driver ran {argv}")
        return always[0]


_TOOL_FAULTS: Mapping[Fault, _Expected] = {
    Fault.TOOL_MISSING: _Expected([], FakeFinished(0, "", ""), False, True, True),
    Fault.TOOL_HANGS: _Expected([], FakeFinished(0, "", ""), True, False, True),
    Fault.TOOL_FAILS: _Expected([], FakeFinished(1, "", "it failed"), False, False, True),
    Fault.TOOL_BABBLES: _Expected([], FakeFinished(0, "\0{]\udcff=:\n", ""), False, False, True),
}
