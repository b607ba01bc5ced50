"""Has a person asked for settings when nothing works: plugins do the asking, the core decides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conman_core import explain, provisioning
from conman_core.control import Handler
from conman_core.engine import Engine
from conman_core.entry import Entry, wall_clock
from conman_core.errors import ConmanError, ConnectError, DriverBug
from conman_core.events import Announcer
from conman_core.forms import Forms
from conman_core.ladder import NEVER
from conman_core.lender import Lender
from conman_core.model import Form, Outcome, Reason, Verdict
from conman_core.plugin import Loan, OnAir
from conman_core.provisioning import Course, Facts, Move, Rules
from conman_core.trials import Trials

log = logging.getLogger(__name__)

START_LIMIT = 30.0  #: seconds that who asks by hand waits for something to be shown


class Provisioner:
    """To be used from the core's loop. `firewalled` tells of a link that a cable gives what it can.

    `been_online` is a file that exists once the machine has been online since boot.
    """

    def __init__(
        self,
        engine: Engine,
        announcer: Announcer,
        forms: Forms,
        lender: Lender,
        *,
        rules: Callable[[], Rules],
        firewalled: Callable[[Entry], bool],
        been_online: Path,
    ) -> None:
        self.showing: OnAir | None = None
        self._since = ""
        self._engine = engine
        self._announcer = announcer
        self._forms = forms
        self._lender = lender
        self._trials = Trials(engine)
        self._rules = rules
        self._firewalled = firewalled
        self._mark = been_online
        self._been_online = been_online.exists()
        self._course = Course(waiting=engine.clock())
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._trouble = ""  #: why nobody could be asked when it was last tried
        engine.after_step.append(self.look_at_links)

    def close(self) -> None:
        """Decide nothing any more."""
        if self._timer:
            self._timer.cancel()

    # -- deciding

    def look_at_links(self) -> None:
        """Decide again: links, settings or the time have changed."""
        if self._engine.starting:
            return
        now = self._engine.clock()
        self._take(provisioning.decide(self._course, self._facts(), self._rules(), now))

    def _facts(self) -> Facts:
        entries = self._engine.roster.in_use()
        online = frozenset(entry.link.name for entry in entries if entry.track.verified)
        if online and not self._been_online:
            self._been_online = True
            try:
                self._mark.touch()
            except OSError as error:
                log.warning("%s cannot be written: %s", self._mark, error.strerror)
        return Facts(
            online=online,
            wired=any(map(self._firewalled, entries)),
            been_online=self._been_online,
            able=self._announcer.has("conman_provision"),
        )

    def _take(self, move: Move) -> None:
        before, self._course = self._course, move.course
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if move.start is True:
            self._trouble = ""
            self.say(f"settings are asked for: {move.sentence}", event="provision", state="asking")
            self._ask(move.sentence)
        elif move.start is False:
            self.say(
                f"settings are not asked for any more: {move.sentence}",
                event="provision",
                state="ended",
            )
            self._announcer.tell("conman_provision_end", sentence=move.sentence)
        elif self._course.soon and not before.soon:
            self._announcer.tell("conman_provision_soon")
        elif before.soon and not self._course.soon:
            self._announcer.tell("conman_provision_end", sentence="there is no need any more")
        if move.wake_at < NEVER:
            delay = max(move.wake_at - self._engine.clock(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay, self.look_at_links)
        self._changed.set()

    def _ask(self, sentence: str, to: str | None = None) -> None:
        moment = self._engine.moment()
        failures = {link.name: explain.why_not(link, moment) for link in moment.links}
        asking = self._course.asking
        self._announcer.tell(
            "conman_provision",
            to=to,
            sentence=sentence,
            by_hand=asking is not None and asking.by_hand,
            failures=failures,
        )

    # -- what plugins tell

    def ask_again(self, plugin: str) -> None:
        """Take that a plugin is gone, or was made anew: while people are asked, it is told that."""
        if self._course.asking is not None and self.showing is None:
            self._course = provisioning.again(self._course, self._engine.clock())
            self._ask(f"plugin {plugin} has begun anew", to=plugin)
            self._engine.poke()

    def on_air(self, what: OnAir | None, *, attended: bool) -> None:
        """Take what a person finds now."""
        if what is not None and (self.showing is None or what.ssid != self.showing.ssid):
            self._since = wall_clock()
        self.showing = what
        self._engine.herald.asking = what is not None
        if what is not None:
            now = self._engine.clock()
            self._course = provisioning.shown(
                self._course, now, timeout=what.timeout, attended=attended
            )
        self._changed.set()
        self._engine.poke()

    def gave_up(self, sentence: str) -> None:
        """Take that nobody can be asked, and why."""
        self._trouble = sentence
        self._take(provisioning.failed(self._course, self._engine.clock(), sentence))
        self._engine.poke()

    def say(self, sentence: str, **event: Any) -> None:
        """Tell an event."""
        self._engine.herald.say(sentence, **event)

    # -- what plugins ask

    async def look(self) -> None:
        """Let the drivers look around."""
        await self._forms.look()

    async def forms(self) -> tuple[Form, ...]:
        """Return the drivers' forms."""
        return await self._forms.all()

    async def validate(self, driver: str, values: Mapping[str, str]) -> None:
        """Let a driver check values. Raises ValueError, ConmanError."""
        await self._forms.validate(driver, values)

    async def try_out(self, driver: str, values: Mapping[str, str]) -> Outcome:
        """Let a driver try values, and see whether the internet is reached with them.

        Raises ValueError, ConmanError.
        """
        try:
            await self._forms.try_out(driver, values)
        except ConnectError as error:
            return Outcome(None, error.reason, error.sentence)
        except DriverBug as error:
            return Outcome(None, Reason.BROKEN, str(error))
        await self._lender.give_back_all(driver=driver)
        return await self._trials.outcome(lambda entry: entry.link.driver == driver)

    def loans(self) -> tuple[Loan, ...]:
        """Return the radios of the machine."""
        return self._lender.loans()

    async def borrow(
        self, plugin: str, interface: str, *, share: bool, wanted: Callable[[str], None]
    ) -> None:
        """Give a radio to a plugin. Raises ConnectError(BUSY)."""
        await self._lender.borrow(plugin, interface, share=share, wanted=wanted)

    async def give_back(self, interface: str) -> None:
        """Let a radio's link be used again."""
        await self._lender.give_back(interface)

    async def try_known(self, interface: str) -> bool:
        """Let a link connect with what is known; return whether the internet is reached."""
        outcome = await self._trials.outcome(lambda entry: entry.link.interface == interface)
        return outcome.verdict is Verdict.ONLINE

    # -- what the command line asks

    def requests(self) -> dict[str, Handler]:
        """Return the commands that are answered here."""
        return {
            "forms": self._forms.forms,
            "apply": self._forms.apply,
            "provision": self.request,
        }

    def status(self) -> dict[str, Any] | None:
        """Return what `conman status` shows; None while nobody is asked."""
        what, asking = self.showing, self._course.asking
        if what is None or asking is None:
            return None
        ends = None
        if asking.attended is not None and asking.timeout is not None:
            ends = wall_clock(asking.attended + asking.timeout - self._engine.clock())
        return {
            "ssid": what.ssid,
            "interface": what.interface,
            "address": what.address,
            "clients": what.clients,
            "since": self._since,
            "ends": ends,
        }

    async def request(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `provision`: `action` is start, stop or status. Raises ConmanError.

        To start there may be `lasting`, seconds without anybody there, and `force`.
        """
        action = request.get("action", "status")
        if action == "start":
            return await self._start(
                provisioning.lasting(request.get("lasting")), bool(request.get("force"))
            )
        if action == "stop":
            return await self._stop()
        if action == "status":
            return {**(self.status() or {}), "sentence": self._sentence()}
        raise ConmanError("the action is start, stop or status")

    async def _start(self, timeout: float | None, force: bool) -> dict[str, Any]:  # noqa: ASYNC109
        if not self._announcer.has("conman_provision"):
            raise ConmanError(
                "nothing is installed that could ask: the plugin accesspoint is of"
                " conman-accesspoint; see: conman drivers"
            )
        now = self._engine.clock()
        radios = self.loans()
        if self._course.asking is None and len(radios) == 1 and radios[0].carries and not force:
            raise ConmanError(
                f"{radios[0].link} carries the traffic, and there is no other radio: it may be"
                " interrupted; to do it all the same: sudo conman provision --yes"
            )
        self._take(provisioning.by_hand(self._course, self._facts(), now, timeout))
        await self._until(lambda: self.status() is not None or self._course.asking is None)
        if self._trouble and self._course.asking is None:
            raise ConmanError(self._trouble)
        return {**(self.status() or {}), "sentence": self._sentence()}

    async def _stop(self) -> dict[str, Any]:
        if self._course.asking is not None:
            now = self._engine.clock()
            self._take(Move(Course(waiting=now), False, "a person wants it no longer"))
            await self._until(lambda: self.showing is None)
        return {"sentence": "nobody is asked for settings"}

    async def _until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(START_LIMIT):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise ConmanError(
                f"it is not done after {START_LIMIT:g} s; see: journalctl -u conman -n 50"
            ) from None

    def _sentence(self) -> str:
        what = self.showing
        if what is None or self._course.asking is None:
            trouble = f"; the last time it failed: {self._trouble}" if self._trouble else ""
            return f"nobody is asked for settings{trouble}"
        return f"{what.ssid} is on the air; its page is http://{what.address}/"
