"""One time of asking: the access point with its page, until settings work or nobody comes.

Everything that moves the radio is done one after the other, by `run`; what comes in from the page,
the air and the core waits in a queue for its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from conman_core import ConnectError, Form, Outcome, PluginContext, Reason, Verdict
from conman_core.errors import ConmanError
from conman_core.paths import Paths
from conman_core.plugin import Loan, OnAir
from conman_plugins.accesspoint import attempts
from conman_plugins.accesspoint.air import Air, Apart, Wanted
from conman_plugins.accesspoint.credentials import expand_ssid, passphrase
from conman_plugins.accesspoint.door import Door, Submission
from conman_plugins.accesspoint.options import Settings
from conman_plugins.accesspoint.page.state import Attempt, State
from conman_plugins.accesspoint.plan import Plan

REFRESH = 3.0  #: seconds between looks at what the drivers' forms offer, and at who is there
MOST_FALLS = 5  #: in a row, of an access point that does not stay on the air
FAREWELL = 5.0  #: seconds that a page which can still be seen says that it worked
_BUSY = "the settings entered before are still being tried; wait for what comes of them"

Work = Callable[[], Awaitable[None]]


class Lamp(Protocol):
    """Shows that somebody is waited for."""

    def waiting(self) -> None: ...


class Session:
    """`run` it in a task, `close` it at the end. `attempt` is what was tried before, or None."""

    def __init__(
        self,
        context: PluginContext,
        settings: Settings,
        wanted: Callable[[str], Wanted],
        *,
        lamp: Lamp,
        attempt: Attempt | None = None,
    ) -> None:
        self.attempt = attempt
        self._context = context
        self._settings = settings
        self._wanted = wanted  # for a radio: its own address may be part of the name
        self._lamp = lamp
        self._queue: asyncio.Queue[Work] = asyncio.Queue()
        self._forms: tuple[Form, ...] = ()
        self._loan: Loan | None = None
        self._plan: Plan | None = None
        self._air: Air | None = None
        self._door: Door | None = None
        self._shown: State | None = None
        self._looking = False
        self._leaves = False
        self._clients = 0
        self._falls = 0
        self._attended = float("-inf")
        self._sight_at = float("-inf")  #: what comes in sight is not tried again before that
        self._look_at = context.now() + settings.look_every  #: the radio looks for itself then

    # -- from begin to end

    async def run(self) -> None:
        """Open, and do what comes in until cancelled; `gave_up` is told if that cannot be."""
        self._forms = await self._context.forms()
        try:
            await self._open_any()
        except ConmanError as error:
            await self.close()
            self._context.gave_up(str(error))
            return
        refreshing = asyncio.create_task(self._refresh_forever())
        try:
            while True:
                await (await self._queue.get())()
        except ConmanError as error:
            await self.close()
            self._context.gave_up(str(error))
        finally:
            refreshing.cancel()

    async def close(self) -> None:
        """Take everything down and give the radio back. Never raises."""
        if self.attempt and self.attempt.phase == "online" and self._door:
            self._show()
            await self._context.sleep(FAREWELL)
        await self._shut()
        if self._loan:
            await self._context.give_back(self._loan.interface)
        self._context.on_air(None)

    # -- opening and shutting

    async def _open_any(self) -> None:
        """Open on the first radio that can. Raises ConnectError with what is wrong with each."""
        loans = [loan for loan in await self._context.loans() if self._may_use(loan)]
        troubles = [loan.sentence for loan in loans if loan.sentence]
        for loan in loans:
            if loan.sentence:
                continue
            try:
                await self._open(loan)
            except ConmanError as error:
                troubles.append(str(error))
                await self._context.give_back(loan.interface)
            else:
                return
        missing = "there is no WiFi radio for an access point; see: conman probe"
        raise ConnectError(Reason.NO_DEVICE, "; ".join(dict.fromkeys(troubles)) or missing)

    def _may_use(self, loan: Loan) -> bool:
        return self._settings.interface in ("", loan.interface)

    async def _open(self, loan: Loan) -> None:
        air = self._make_air(loan.interface)
        plan = air.plan(loan.interface)
        self._loan, self._plan = loan, plan
        others = [each for each in await self._context.loans() if each.interface != loan.interface]
        self._leaves = not plan.together and not others
        try:
            await self._open_again()
        except Apart as error:
            self._context.log.info("%s; it goes when a network is tried", error)
            self._plan, self._leaves = plan.alone(), not others
            await self._open_again()

    async def _open_again(self) -> None:
        """Open on the radio that was chosen. Raises ConmanError."""
        assert self._loan  # noqa: S101 - for mypy: `_open` set them
        assert self._plan  # noqa: S101
        await self._context.borrow(
            self._loan.interface, share=self._plan.together, wanted=self._known_in_sight
        )
        air = self._air = self._make_air(self._loan.interface)
        try:
            await air.prepare(self._plan)
            door = self._door = self._make_door(air.page_port, self._plan.ap_interface)
            self._shown = self._state()
            opening = asyncio.create_task(door.open(self._shown))  # while the radio gets ready
            try:
                await air.start()
                await opening
            finally:
                opening.cancel()
                await asyncio.wait({opening})
        except BaseException:
            await self._shut()
            raise
        self._lamp.waiting()
        self._tell_on_air()

    def _make_door(self, port: int, interface: str) -> Door:
        portal = self._settings.portal
        return Door(
            self._context,
            addresses=[str(self._settings.address.ip), *([str(portal)] if portal else [])],
            port=port,
            interface=interface,
            submitted=self._submitted,
            look=lambda: self._put(self._look),
            seen=self._seen,
            lost=lambda sentence: self._put(lambda: self._fell(sentence)),
        )

    def _make_air(self, interface: str) -> Air:
        return Air(
            self._context,
            self._wanted(interface),
            joined=lambda _: self._came(),
            left=lambda _: self._put(self._refresh),
            lost=lambda sentence: self._put(lambda: self._fell(sentence)),
        )

    async def _shut(self) -> None:
        door, self._door = self._door, None
        air, self._air = self._air, None
        if door:
            await door.close()
        if air:
            await air.stop()

    async def _fell(self, sentence: str) -> None:
        """Open again what went off the air by itself. Raises ConmanError if it does not stay."""
        if self._air is None:
            return
        self._context.log.warning("%s; it is opened again", sentence)
        self._falls += 1
        await self._shut()
        if self._falls > MOST_FALLS:
            raise ConnectError(Reason.WEDGED, f"the access point does not stay up: {sentence}")
        await self._open_again()

    # -- what people see

    def _state(self) -> State:
        portal = self._settings.portal
        return State(
            device=self._name(),
            address=str(self._settings.address.ip),
            portal=str(portal) if portal else "",
            forms=self._forms,
            leaves=self._leaves,
            attempt=self.attempt,
            looking=self._looking,
        )

    def _name(self) -> str:
        ssid = self._wanted(self._loan.interface).ssid if self._loan else b""
        return ssid.decode(errors="replace")

    def _show(self) -> None:
        state = self._state()
        if self._door and state != self._shown:
            self._shown = state
            self._door.show(state)

    def _tell_on_air(self, *, attended: bool = False) -> None:
        if self._air and self._plan:
            what = OnAir(
                self._name(),
                self._plan.ap_interface,
                str(self._settings.address.ip),
                self._clients,
                self._settings.timeout,
            )
            self._context.on_air(what, attended=attended)

    async def _refresh_forever(self) -> None:
        while True:
            await self._context.sleep(REFRESH)
            if self._queue.empty():
                self._put(self._refresh)
                self._put(self._maybe_try_known)

    async def _refresh(self) -> None:
        self._forms = await self._context.forms()
        self._show()
        if self._air:
            clients = len(await self._air.clients())
            if clients != self._clients:
                self._clients = clients
                self._tell_on_air()

    def _put(self, work: Work) -> None:
        self._queue.put_nowait(work)

    # -- a person

    def _came(self) -> None:
        self._seen()
        self._put(self._refresh)

    def _seen(self) -> None:
        self._attended = self._context.now()
        self._tell_on_air(attended=True)

    @property
    def _attending(self) -> bool:
        """Somebody was there a moment ago, and is not interrupted without need."""
        return self._context.now() - self._attended < self._settings.attention

    async def _look(self) -> None:
        """Look around afresh because a person asked for it."""
        self._looking = True
        self._show()
        try:
            if self._leaves:
                await self._shut()
            await self._context.look()
        finally:
            self._looking = False
        if self._leaves:
            await self._open_again()
        await self._refresh()

    def _submitted(self, submission: Submission) -> None:
        if self.attempt and self.attempt.phase == "trying":
            if self._door:
                self._door.answer(submission.id, ValueError(_BUSY))
            return
        before, number = self.attempt, self.attempt.number + 1 if self.attempt else 1
        self.attempt = attempts.describe(number, submission.driver, submission.values, self._forms)
        self._put(lambda: self._check(submission, before))

    async def _check(self, submission: Submission, before: Attempt | None) -> None:
        """Answer at once whether the values can be tried at all; then try them."""
        door = self._door
        problem: ValueError | None = None
        try:
            await self._context.validate(submission.driver, submission.values)
        except ValueError as error:
            problem = error
        except ConmanError as error:
            problem = ValueError(str(error))
        if problem or door is None:
            self.attempt = before
            if door and problem:
                door.answer(submission.id, problem)
            return
        leaves, frequency = self._room(submission)
        self._shown = replace(self._state(), leaves=leaves)
        door.show(self._shown)
        door.answer(submission.id, None)
        await door.told(submission.id)
        await self._try(submission, leaves=leaves, frequency=frequency)

    def _room(self, submission: Submission) -> tuple[bool, int | None]:
        """Return whether the access point has to go for a try, and the channel to move it to."""
        plan = self._plan
        if not plan or not plan.together or not plan.one_channel:
            return self._leaves, None
        choices = (
            choice
            for form in self._forms
            for field in form.fields
            for choice in field.choices
            if form.driver == submission.driver
            and submission.values.get(field.name) == choice.value
        )
        frequency = next((choice.frequency for choice in choices if choice.frequency), None)
        return frequency is None or not plan.reaches(frequency), frequency

    async def _try(self, submission: Submission, *, leaves: bool, frequency: int | None) -> None:
        assert self.attempt  # noqa: S101 - for mypy: `_submitted` set it
        attempts.tell(self._context, self.attempt)
        if not leaves and frequency and self._air:
            leaves = not await self._air.move(frequency)
        if leaves:
            await self._shut()
        try:
            outcome = await self._context.try_out(submission.driver, submission.values)
        except (ConmanError, ValueError) as error:
            outcome = Outcome(None, Reason.MISCONFIGURED, str(error))
        self.attempt = attempts.concluded(self.attempt, outcome)
        attempts.tell(self._context, self.attempt)
        if outcome.verdict is Verdict.ONLINE:
            self._show()
            return  # the core ends this session: a link is online
        self._failed_known()
        if leaves:
            await self._open_again()
        elif self._loan and self._plan:
            await self._context.borrow(
                self._loan.interface, share=self._plan.together, wanted=self._known_in_sight
            )
        self._show()
        self._tell_on_air(attended=True)

    # -- what is known already

    def _known_in_sight(self, sentence: str) -> None:
        self._context.log.info("%s", sentence)
        self._put(self._try_known_seen)

    async def _try_known_seen(self) -> None:
        """Try what the driver has just seen: at once, but after a failure only now and then."""
        first = self._sight_at == float("-inf")
        if first or (self._context.now() >= self._sight_at and not self._attending):
            await self._try_known()

    async def _maybe_try_known(self) -> None:
        """Interrupt an access point that keeps its radio from looking, while nobody is there."""
        if self._leaves and not self._attending and self._context.now() >= self._look_at:
            await self._try_known()

    async def _try_known(self) -> None:
        assert self._loan  # noqa: S101 - for mypy: `_open` set it
        await self._shut()
        await self._context.give_back(self._loan.interface)
        if await self._context.try_known(self._loan.interface):
            return  # the core ends this session
        self._failed_known()
        await self._open_again()

    def _failed_known(self) -> None:
        self._sight_at = self._look_at = self._context.now() + self._settings.look_every


def wanted_of(settings: Settings) -> Callable[[str], Wanted]:
    """Return what the settings want of each radio. Raises SystemFault if the key cannot be had."""
    key = passphrase(settings, Paths.from_environment())

    def wanted(interface: str) -> Wanted:
        return Wanted(
            expand_ssid(settings.ssid, interface),
            key,
            settings.country,
            settings.address,
            settings.portal,
            settings.together,
        )

    return wanted
