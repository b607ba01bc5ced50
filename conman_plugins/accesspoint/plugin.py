"""The plugin: its settings, and what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conman_core import Option, Plugin, PluginContext
from conman_core.errors import ConmanError
from conman_core.hookspecs import hookimpl
from conman_core.plugin import UndoContext
from conman_plugins.accesspoint.options import OPTIONS, Settings, faults, read

if TYPE_CHECKING:
    from conman_plugins.accesspoint.page.state import Attempt
    from conman_plugins.accesspoint.pages import Pages
    from conman_plugins.accesspoint.session import Session

# What a session needs is imported when one begins: most devices never have one.


class AccessPoint(Plugin):
    """Opens an access point with a page when conman asks for settings."""

    def __init__(self, context: PluginContext) -> None:
        super().__init__(context)
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._pages: Pages | None = None  #: with what was started before it is wanted
        self._attempt: Attempt | None = None  #: of the session before
        self._online = False

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Return the settings."""
        return OPTIONS

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Tell what cannot be used."""
        return faults(settings)

    def _settings(self) -> Settings:
        """Return the settings, checked. Raises ConfigError."""
        return read(self.context.settings)

    @classmethod
    async def undo(cls, context: UndoContext) -> str:
        """Take away what an access point has left that could not be closed."""
        from conman_plugins.accesspoint.air import Air

        return await Air.tidy(context)

    @hookimpl
    async def conman_started(self) -> None:
        """Tidy up after a conman that was killed, and leave the note for who holds the card."""
        from conman_plugins.accesspoint.bootnote import keep_note

        try:
            if self.context.store.load() and (done := await self.undo(self.context)):
                self.context.log.info("%s", done)
            keep_note(self._settings(), self.context.log)
        except (ConmanError, OSError) as error:
            self.context.log.warning("%s", error)

    @hookimpl
    async def conman_provision_soon(self) -> None:
        """Start the page, and load what takes long the first time: programs, kernel modules."""
        if self._session is None:
            await self._ready()
            from conman_plugins.accesspoint import session, wall

            del session  # it is only loaded
            await wall.tear_down(self.context)

    async def _ready(self) -> Pages:
        """Return the page's processes, one of them started."""
        from conman_plugins.accesspoint.pages import Pages

        self._pages = self._pages or Pages(self.context)
        await self._pages.ahead()  # before all else is imported, too: it takes longest
        return self._pages

    @hookimpl
    async def conman_provision(self, by_hand: bool) -> None:
        """Open the access point; how that went is told by the session itself."""
        await self._end_session()
        try:
            settings = self._settings()
            pages = await self._ready()
            from conman_plugins.accesspoint.credentials import wanted_of
            from conman_plugins.accesspoint.session import Session

            wanted = wanted_of(settings)
        except ConmanError as error:
            await self._end()
            self.context.gave_up(str(error))
            return
        self._session = Session(
            self.context, settings, wanted, by_hand=by_hand, attempt=self._attempt, pages=pages
        )
        self._task = asyncio.create_task(self._run(self._session), name="access point")

    async def _run(self, session: Session) -> None:
        try:
            await session.run()
        except Exception as error:
            self.context.log.exception("a fault of the access point, please report it")
            self.context.gave_up(f"the access point failed: {type(error).__name__}: {error}")
            await session.close()

    @hookimpl
    async def conman_provision_end(self) -> None:
        """Close the access point."""
        if self._session:
            await self._session.settled()
        await self._end(farewell=True)

    @hookimpl
    def conman_online(self) -> None:
        """Let the lamp shine."""
        self._online = True
        self._shine()

    @hookimpl
    def conman_no_uplink(self) -> None:
        """Put the lamp out, unless it blinks for somebody."""
        self._online = False
        if self._session is None:
            self._shine()

    @hookimpl
    async def conman_stopping(self) -> None:
        """Close the access point, if conman gives the time for that."""
        await self._end()

    async def _end(self, *, farewell: bool = False) -> None:
        await self._end_session(farewell=farewell)
        pages, self._pages = self._pages, None
        if pages:
            await pages.close()

    async def _end_session(self, *, farewell: bool = False) -> None:
        task, self._task = self._task, None
        session, self._session = self._session, None
        if task:
            task.cancel()
            await asyncio.wait({task})
        if session:
            from conman_plugins.accesspoint.attempts import to_remember

            self._attempt = to_remember(session.attempt)
            await session.close(farewell=farewell)
            self._shine()

    def _shine(self) -> None:
        """Let the lamp do what it does while nobody is waited for."""
        try:
            lamp = self._settings().lamp(self.context.log)
        except ConmanError:  # said at the start
            return
        if self._online:
            lamp.steady()
        else:
            lamp.restore()
