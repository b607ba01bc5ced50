"""The checks that every driver must pass, whoever wrote it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from conman_core.contract import check_driver_class, declared_by
from conman_core.driver import LinkDriver
from conman_core.errors import ConnectError, DriverLoadError, ToolMissing
from conman_core.model import Link
from conman_core.objections import objections
from conman_core.options import Kind, defaults
from conman_core.results import (
    check_connection,
    check_details,
    check_event,
    check_failure,
    check_form,
    check_probe,
)
from conman_core.settings import DRIVER_OPTIONS
from conman_core.testing.fakes import FakeContext, Fault
from conman_core.testing.harness import Leftovers, and_close, call, cancelled_connects, run
from conman_core.testing.offers import connect, link_of, name_of, probe
from conman_core.testing.repairs import RepairContract
from conman_core.testing.witness import witness

_OPTION_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FIELD_KINDS = {"text", "secret", "choice", "switch"}
_EVENTS_END = 2.0  #: seconds
_every_fault = pytest.mark.parametrize("fault", list(Fault), ids=[f.name.lower() for f in Fault])


def _context(driver: LinkDriver) -> FakeContext:
    context: Any = driver.context
    assert isinstance(context, FakeContext), "make the driver with a FakeContext"
    return context


class DriverContract(RepairContract):
    """Inherit it in a class named `Test...` and give it a fixture `driver`.

    The fixture returns the driver, made with a `FakeContext` and able to connect: what `connect`
    and `recover` ask of the context must be scripted, programs with `always=True`, as they are
    called many times.
    The fixture `link` may return the link to try; without it that is the first one probed.
    """

    @pytest.fixture
    def driver(self) -> LinkDriver:
        """Return a new driver."""
        raise NotImplementedError("give the class a fixture `driver` that returns your driver")

    @pytest.fixture
    def link(self) -> Link | None:
        """Return the link to try; None for the first one that `probe` offers."""
        return None

    @pytest.fixture(autouse=True)
    def _nothing_unforeseen(self, driver: LinkDriver) -> Iterator[None]:
        yield
        assert not _context(driver).complaints

    # -- the class ----------------------------------------------------------------------------

    def test_the_core_can_load_it(self, driver: LinkDriver) -> None:
        """Version, methods, time limits, and options whose defaults can be read."""
        check_driver_class(type(driver))

    def test_options_explain_themselves(self, driver: LinkDriver) -> None:
        """Names are lower-case-with-dashes and not the core's; help is a sentence."""
        taken = {option.name for option in DRIVER_OPTIONS}
        for option in driver.options():
            assert _OPTION_NAME.fullmatch(option.name), f"{option.name}: lower-case-with-dashes"
            assert option.name not in taken, f"the core has an option {option.name} already"
            assert re.fullmatch(r"\S+ .+\.", option.help), f"{option.name}: help is no sentence"
            has_choices, is_choice = bool(option.choices), option.kind is Kind.CHOICE
            assert has_choices == is_choice, f"{option.name}: CHOICE has choices, others have not"

    def test_it_has_nothing_against_settings_that_work(self, driver: LinkDriver) -> None:
        """`check_settings` takes the defaults, and those that the fixture gives the driver."""
        with contextlib.suppress(DriverLoadError):  # another check has found it already
            declared = declared_by(type(driver))
            for values in (defaults(declared.options), _context(driver).settings):
                assert not objections("the driver", declared, values)

    def test_form_fields_are_valid(self, driver: LinkDriver) -> None:
        """`form` returns fields of known kinds with names that differ."""
        fields = check_form(run(call(driver, "form")))
        assert len({field.name for field in fields}) == len(fields), "two fields have one name"
        for field in fields:
            assert field.kind in _FIELD_KINDS, f"{field.name} is of unknown kind {field.kind}"
            assert field.kind != "choice" or field.choices, f"{field.name}: no choices"
            assert not field.choices or field.kind in {"choice", "text"}, f"{field.name}: choices"

    # -- probe --------------------------------------------------------------------------------

    def test_probe_tells_links_or_why_not(self, driver: LinkDriver) -> None:
        """`probe` ends in time with valid links of this driver, or with Unavailable."""
        probed = run(call(driver, "probe"))
        check_probe(name_of(driver, probed), probed)

    def test_probe_changes_nothing(self, driver: LinkDriver) -> None:
        """No file is written, no program run, nothing stored, claimed or set."""
        context = _context(driver)
        before = dict(context.settings)
        with witness() as seen, contextlib.suppress(Exception):
            run(call(driver, "probe"))
        assert not seen, f"probe {seen[0]}"
        assert not context.calls, f"probe ran {context.calls[0].argv}"
        assert not context.store.saves, "probe wrote into its store"
        shared = [name for name, memory in context.memories.items() if memory.saves]
        assert not shared, f"probe wrote into the shared memory {shared}"
        assert not context.claims, "probe claimed an interface"
        assert not context.leases, "probe asked for a DHCP client"
        assert before == context.settings, "probe changed its settings"

    def test_probe_gives_the_same_answer_twice(self, driver: LinkDriver) -> None:
        """On an unchanged machine."""

        async def check() -> None:
            assert await probe(driver) == await probe(driver)

        run(and_close(driver, check()))

    # -- connect and disconnect ---------------------------------------------------------------

    def test_connect_describes_a_connection(self, driver: LinkDriver, link: Link | None) -> None:
        """`connect` ends in time with a valid Connection of the link's interface."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            check_connection(await connect(driver, chosen), chosen.interface)

        run(and_close(driver, check()))

    def test_connect_and_disconnect_pair_up(self, driver: LinkDriver, link: Link | None) -> None:
        """Any number of times, and nothing is left behind."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            before = Leftovers(driver)
            for _ in range(3):
                await connect(driver, chosen)
                await call(driver, "disconnect", chosen)
                assert not await before.found()

        run(and_close(driver, check()))

    def test_disconnect_may_come_twice(self, driver: LinkDriver, link: Link | None) -> None:
        """The second one finds nothing to do."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            await connect(driver, chosen)
            for _ in range(2):
                assert await call(driver, "disconnect", chosen) is None

        run(and_close(driver, check()))

    def test_disconnect_of_what_is_not_connected(
        self, driver: LinkDriver, link: Link | None
    ) -> None:
        """A link that never was connected, and one that does not exist."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            gone = replace(chosen, device="gone0", interface="gone0")
            assert await call(driver, "disconnect", chosen) is None
            assert await call(driver, "disconnect", gone) is None

        run(and_close(driver, check()))

    @_every_fault
    def test_disconnect_never_raises(
        self, driver: LinkDriver, link: Link | None, fault: Fault
    ) -> None:
        """Not even when everything that it uses has failed since it connected."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            await connect(driver, chosen)
            _context(driver).fault = fault
            await call(driver, "disconnect", chosen)

        run(and_close(driver, check()))

    @_every_fault
    def test_a_failure_has_a_reason_and_a_sentence(
        self, driver: LinkDriver, link: Link | None, fault: Fault
    ) -> None:
        """`connect` raises ConnectError (or lets ToolMissing through) and nothing else."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            _context(driver).fault = fault
            try:
                connection = await call(driver, "connect", chosen)
            except ConnectError as error:
                check_failure(error.reason, error.sentence)
            except ToolMissing:
                return
            else:
                check_connection(connection, chosen.interface)

        run(and_close(driver, check()))

    @_every_fault
    def test_a_failed_connect_leaves_nothing_behind(
        self, driver: LinkDriver, link: Link | None, fault: Fault
    ) -> None:
        """And once the machine is well again, the same driver connects."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            before = Leftovers(driver)
            _context(driver).fault = fault
            try:
                await call(driver, "connect", chosen)
            except Exception:  # noqa: BLE001 - whether it is one of those allowed: see above
                assert not await before.found()
            else:
                await call(driver, "disconnect", chosen)
            _context(driver).fault = None
            await connect(driver, chosen)

        run(and_close(driver, check()))

    def test_a_cancelled_connect_leaves_nothing_behind(
        self, driver: LinkDriver, link: Link | None
    ) -> None:
        """Wherever it waits when it is cancelled; it must let the cancellation through."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            async for where, task, before in cancelled_connects(driver, chosen):
                if not task.cancelled():
                    how = task.exception() or "a connection"
                    pytest.fail(f"connect, cancelled {where}, ended with {how!r} all the same")
                assert not await before.found(), f"connect was cancelled {where}"

        run(and_close(driver, check()))

    # -- the rest -----------------------------------------------------------------------------

    def test_events_can_be_listened_to_and_closed(self, driver: LinkDriver) -> None:
        """`events` is an async generator of valid events that ends when it is cancelled."""

        async def check() -> None:
            events: Any = driver.events()
            if asyncio.iscoroutine(events):
                events.close()
            assert hasattr(events, "__anext__"), "events: write `async def` with `yield` in it"
            before = Leftovers(driver)
            following = asyncio.ensure_future(anext(events, None))
            await asyncio.wait({following}, timeout=0.05)
            following.cancel()
            await asyncio.wait({following}, timeout=_EVENTS_END)
            assert following.done(), "events does not let itself be cancelled"
            if not following.cancelled() and (event := following.result()) is not None:
                check_event(event.link.partition(":")[0] if hasattr(event, "link") else "", event)
            if hasattr(events, "aclose"):
                await asyncio.wait_for(events.aclose(), _EVENTS_END)
            assert not await before.found()

        run(and_close(driver, check()))

    def test_details_are_texts(self, driver: LinkDriver, link: Link | None) -> None:
        """In time, also for a link that is not connected."""

        async def check() -> None:
            check_details(await call(driver, "details", await link_of(driver, link)))

        run(and_close(driver, check()))
