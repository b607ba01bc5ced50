"""A plugin's end of its conversation with the core: what it asks is done on the core's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from conman_core.child import Child
from conman_core.children import Children
from conman_core.context import Claims, Context
from conman_core.errors import SystemFault
from conman_core.lane import hand_over
from conman_core.model import Form, Outcome
from conman_core.paths import Paths
from conman_core.plugin import Loan, OnAir

T = TypeVar("T")
_RETIRED = "is used no more"


class CoreSide(Protocol):
    """What the core does for plugins; each method is called on its loop."""

    async def look(self) -> None: ...
    async def forms(self) -> tuple[Form, ...]: ...
    async def validate(self, driver: str, values: Mapping[str, str]) -> None: ...
    async def try_out(self, driver: str, values: Mapping[str, str]) -> Outcome: ...
    def loans(self) -> tuple[Loan, ...]: ...
    async def borrow(
        self, plugin: str, interface: str, *, share: bool, wanted: Callable[[str], None]
    ) -> None: ...
    async def give_back(self, interface: str) -> None: ...
    async def try_known(self, interface: str) -> bool: ...
    def on_air(self, what: OnAir | None, *, attended: bool) -> None: ...
    def gave_up(self, sentence: str) -> None: ...
    def say(self, sentence: str, **event: Any) -> None: ...


class CorePluginContext(Context):
    """The PluginContext of one plugin; to be used on that plugin's thread."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        *,
        paths: Paths,
        children: Children,
        claims: Claims,
        core: CoreSide,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(name, settings, paths=paths, children=children, claims=claims)
        self._core = core
        self._loop = loop
        self._started: set[Child] = set()
        self._retired = False

    def retire(self) -> None:
        """Do nothing for it any more: another object has its place, or none. From any thread."""
        self._retired = True

    def started(self) -> frozenset[int]:
        """Return the process ids of the programs that run on. May be called from any thread."""
        return frozenset(child.pid for child in tuple(self._started) if child.running)

    async def start(
        self,
        argv: Sequence[str],
        *,
        name: str,
        on_line: Callable[[str], None] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start a program that runs until it is stopped. Raises ToolMissing, SystemFault."""
        if self._retired:
            raise SystemFault(f"{argv[0]} is not started: plugin {self._name} {_RETIRED}")
        child = await self._children.start(argv, name=name, on_line=on_line, pass_fds=pass_fds)
        self._started = {*(each for each in self._started if each.running), child}
        return child

    async def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        if self._retired:
            work.close()
            raise SystemFault(f"plugin {self._name} {_RETIRED}")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def look(self) -> None:
        """Let the drivers look around."""
        await self._ask(self._core.look())

    async def forms(self) -> tuple[Form, ...]:
        """Return what the drivers ask a person for."""
        return await self._ask(self._core.forms())

    async def validate(self, driver: str, values: Mapping[str, str]) -> None:
        """Check what a person entered. Raises ValueError, ConmanError."""
        await self._ask(self._core.validate(driver, values))

    async def try_out(self, driver: str, values: Mapping[str, str]) -> Outcome:
        """Try what a person entered. Raises ValueError, ConmanError."""
        return await self._ask(self._core.try_out(driver, values))

    async def loans(self) -> tuple[Loan, ...]:
        """Return the radios of the machine, the one whose loss is felt least first."""

        async def loans() -> tuple[Loan, ...]:
            return self._core.loans()

        return await self._ask(loans())

    async def borrow(
        self, interface: str, *, share: bool, wanted: Callable[[str], None] = lambda _: None
    ) -> None:
        """Have the interface of a link. Raises ConnectError(BUSY)."""
        here = asyncio.get_running_loop()
        await self._ask(
            self._core.borrow(
                self._name,
                interface,
                share=share,
                wanted=lambda sentence: hand_over(here, wanted, sentence),
            )
        )

    async def give_back(self, interface: str) -> None:
        """Let the link of an interface be used again."""
        if not self._retired:  # it is not its own any more
            await self._ask(self._core.give_back(interface))

    async def try_known(self, interface: str) -> bool:
        """Let a link connect with what is known; return whether the internet is reached."""
        return await self._ask(self._core.try_known(interface))

    def on_air(self, what: OnAir | None, *, attended: bool = False) -> None:
        """Tell what a person finds now."""
        self._tell(lambda: self._core.on_air(what, attended=attended))

    def gave_up(self, sentence: str) -> None:
        """Tell that nobody can be asked, and why."""
        self._tell(lambda: self._core.gave_up(sentence))

    def say(self, sentence: str, **event: Any) -> None:
        """Tell an event to people."""
        self._tell(lambda: self._core.say(sentence, **event))

    def _tell(self, work: Callable[[], None]) -> None:
        if not self._retired:
            hand_over(self._loop, work)
