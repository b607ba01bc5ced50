"""One time of asking: the access point with its page, until settings work or nobody comes.

Everything that moves the radio is done one after the other, by `run`; what comes in from the page,
the air and the core waits in a queue for its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from conman_core import Form, Outcome, PluginContext, Reason, Verdict
from conman_core.errors import ConmanError
from conman_plugins.accesspoint import attempts
from conman_plugins.accesspoint.agenda import Agenda
from conman_plugins.accesspoint.berth import Berth
from conman_plugins.accesspoint.door import Submission
from conman_plugins.accesspoint.options import Settings
from conman_plugins.accesspoint.page.state import Attempt, State
from conman_plugins.accesspoint.pages import Pages
from conman_plugins.accesspoint.room import lists, make_room
from conman_plugins.accesspoint.shown import Shown
from conman_plugins.accesspoint.wanted import Wanted

REFRESH = 3.0  #: seconds between looks at what the drivers' forms offer, and at who is there
FRESH = 30.0  #: seconds that a list is left as it is, by a radio that can look beside its duty
FAREWELL = 5.0  #: seconds that a page which can still be seen says that it worked
_BUSY = "error.busy"  #: the page has the sentence


class Session:
    """`run` it in a task, `close` it at the end. `attempt` is what failed before, or None."""

    def __init__(
        self,
        context: PluginContext,
        settings: Settings,
        wanted: Callable[[str], Wanted],
        *,
        by_hand: bool = False,
        attempt: Attempt | None = None,
        pages: Pages | None = None,
    ) -> None:
        self.attempt = attempt
        self._by_hand = by_hand  # a person wants it: what is known is not tried meanwhile
        self._context = context
        self._settings = settings
        self._agenda = Agenda()
        self._forms: tuple[Form, ...] = ()
        self._shown = Shown(context, settings)
        self._berth = Berth(
            context,
            settings,
            wanted,
            shown=self._shown,
            guests=self,
            state=self._state,
            in_sight=self._in_sight,
            pages=pages,
        )
        self._settled = asyncio.Event()  #: nothing is being tried
        self._settled.set()
        self._sight_at = float("-inf")  #: what comes in sight is not tried again before that
        self._look_at = context.now() + settings.look_every  #: the radio looks for itself then

    async def run(self) -> None:
        """Open, and do what comes in until cancelled; `gave_up` is told if that cannot be."""
        await self._look_before()
        refreshing = asyncio.create_task(self._refresh_forever())
        try:
            await self._berth.open_any()
            await self._agenda.run()
        except ConmanError as error:
            await self.close()
            self._context.gave_up(str(error))
        finally:
            refreshing.cancel()

    async def _look_before(self) -> None:
        """Have something to choose from: a radio that is access point alone hears no more."""
        self._forms = await self._context.forms()
        if not lists(self._forms) and await self._berth.will_leave():
            await self._context.look()
            self._forms = await self._context.forms()

    async def settled(self, limit: float = 2.0) -> None:
        """Wait until it is known what came of a try: the core may know it a moment before."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), limit)

    async def close(self, *, farewell: bool = False) -> None:
        """Take all down, after a `farewell` of the page that it worked. Never raises."""
        try:
            worked = self.attempt is not None and self.attempt.phase == "online"
            if farewell and worked and self._berth.opening:
                self._show()
                await self._context.sleep(FAREWELL)
        finally:  # also if conman ends meanwhile
            await self._berth.give_back()
            self._context.on_air(None)

    # -- what people see

    def _state(self, *, looking: bool = False, leaves: bool | None = None) -> State:
        leaves = self._berth.leaves if leaves is None else leaves
        return self._shown.state(self._forms, self.attempt, looking=looking, leaves=leaves)

    def _show(self) -> None:
        if self._berth.opening:
            self._berth.opening.show(self._state())

    async def _refresh_forever(self) -> None:
        fresh_until = float("-inf")
        while True:
            await self._context.sleep(REFRESH)
            idle = self._berth.opening and not self._berth.leaves and self._settled.is_set()
            wanted = self._shown.attended or not lists(self._forms)
            if idle and wanted and self._context.now() >= fresh_until:
                fresh_until = self._context.now() + FRESH
                await self._context.look()  # costs nobody anything
            if self._agenda.empty:
                self._agenda.put(self._refresh)

    async def _refresh(self) -> None:
        self._forms = await self._context.forms()
        self._show()
        if self._berth.opening:
            self._shown.count(await self._berth.clients())
        alone = self._berth.leaves and not self._by_hand and not self._shown.attended
        if alone and self._context.now() >= self._look_at:
            await self._try_known()  # nobody is there, and the radio cannot look meanwhile

    # -- guests (opening.Guests)

    def came(self, mac: str) -> None:
        """Take a phone that joined; one that comes back again and again is nobody."""
        self._shown.came(mac)
        self._agenda.put(self._refresh)

    def went(self, mac: str) -> None:
        """Take a phone that left."""
        self._shown.went(mac)
        self._agenda.put(self._refresh)

    def seen(self) -> None:
        """Take that a person did something, as the page says."""
        self._agenda.put_once(self._heed)

    async def _heed(self) -> None:
        if self._shown.likely(await self._berth.clients()):
            self._shown.tell(attended=True)

    def fell(self, sentence: str) -> None:
        """Take that the access point, or its page, is gone."""
        self._agenda.put(lambda: self._berth.reopen(sentence))

    def look(self) -> None:
        """Take that a person wants a fresh list."""
        self._agenda.put_once(self._look)

    async def _look(self) -> None:
        await self._berth.look(self._state(looking=True))
        await self._refresh()

    def submitted(self, submission: Submission) -> None:
        """Take what a person entered: the one thing that does not wait for its turn."""
        if self.attempt and self.attempt.phase == "trying":
            if self._berth.opening:
                self._berth.opening.answer(submission.id, ValueError(_BUSY))
            return
        before = self.attempt
        self.attempt = attempts.describe(
            before.number + 1 if before else 1, submission.driver, submission.values, self._forms
        )
        self._agenda.put(lambda: self._take(submission, before))

    async def _take(self, submission: Submission, before: Attempt | None) -> None:
        """Answer at once whether the values can be tried at all; then try them."""
        problem: ValueError | None = None
        try:
            await self._context.validate(submission.driver, submission.values)
        except ValueError as error:
            problem = error
        except ConmanError as error:
            problem = ValueError(str(error))
        if problem or self._berth.opening is None:
            self.attempt = before
            if self._berth.opening:
                self._berth.opening.answer(submission.id, problem)
            return
        likely = self._shown.likely(await self._berth.clients())
        leaves, frequency = make_room(
            self._berth.plan, self._forms, submission, leaves=self._berth.leaves
        )
        self._berth.opening.show(self._state(leaves=leaves))
        self._berth.opening.answer(submission.id, None)
        await self._berth.opening.told(submission.id)
        await self._try(submission, leaves=leaves, frequency=frequency, likely=likely)

    async def _try(
        self, submission: Submission, *, leaves: bool, frequency: int | None, likely: bool
    ) -> None:
        assert self.attempt  # noqa: S101 - for mypy: `submitted` set it
        self._settled.clear()
        attempts.tell(self._context, self.attempt)
        if not leaves and frequency and self._berth.opening:
            leaves = not await self._berth.opening.move(frequency)
        if leaves:
            await self._berth.shut()
        try:
            outcome = await self._context.try_out(submission.driver, submission.values)
        except (ConmanError, ValueError) as error:
            outcome = Outcome(None, Reason.MISCONFIGURED, str(error))
        self.attempt = attempts.concluded(self.attempt, outcome)
        self._settled.set()
        attempts.tell(self._context, self.attempt)
        if outcome.verdict is Verdict.ONLINE:
            self._show()
            return  # the core ends this session: a link is online
        self._failed()
        if leaves:
            await self._berth.open()
        else:
            await self._berth.borrow()
        self._show()
        self._shown.tell(attended=likely)

    # -- what is known already

    def _in_sight(self, sentence: str) -> None:
        if self._settled.is_set() and not self._by_hand:  # else it is about what is being tried
            self._context.log.info("%s", sentence)
            self._agenda.put(self._try_seen)

    async def _try_seen(self) -> None:
        """Try what the driver has just seen: at once, but after a failure only now and then."""
        first = self._sight_at == float("-inf")
        if first or (self._context.now() >= self._sight_at and not self._shown.attended):
            await self._try_known()

    async def _try_known(self) -> None:
        if await self._context.try_known(await self._berth.give_back()):
            return  # the core ends this session
        self._failed()
        await self._berth.open()

    def _failed(self) -> None:
        """Leave what is known in peace for a while."""
        self._sight_at = self._look_at = self._context.now() + self._settings.look_every
