"""Drivers that break the contract in one way each, and some that keep it; see test_testing_kit.

pytest does not collect this file by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conman_core import (
    ConnectError,
    Kind,
    Link,
    LinkDriver,
    Option,
    ProbeAgain,
    Reason,
    Unavailable,
)
from conman_core.model import Choice, FormField
from conman_core.testing import DriverContract, FakeContext, lease_on

LINK = Link("good", "g0", "g0")


class Good(LinkDriver):
    """DHCP on an interface that is always there, started by a tool."""

    api_version = 1
    breaks: str | None = None  #: the check that is to fail, and no other
    says = ""  #: a part of what pytest prints about it
    lease = None

    def probe(self):
        return [LINK]

    async def connect(self, link):
        try:
            done = await self.context.run(["tool", "up"])
        except TimeoutError:
            raise ConnectError(Reason.TIMEOUT, "the tool hangs") from None
        if done.returncode:
            raise ConnectError(Reason.REJECTED, f"the tool says {done.stderr}")
        self.lease = self.context.dhcp(link.interface)
        return await self.lease.acquire()

    async def disconnect(self, link):
        if self.lease:
            await self.lease.release()


class PlainMethods(LinkDriver):
    api_version = 1
    breaks = None
    says = ""

    def probe(self):
        return (LINK,)

    def connect(self, link):
        return lease_on(link.interface)

    def disconnect(self, link):
        pass


class AsyncMethods(Good):
    async def probe(self):
        await asyncio.sleep(0)
        return [LINK]

    async def events(self):
        yield ProbeAgain("something was plugged in")
        await asyncio.Event().wait()

    async def details(self, link):
        return {"signal": "-60 dBm"}

    async def recover(self, link, step):
        return step < 2

    async def form(self):
        kinds = (Choice("a"), Choice("b"))
        return [FormField("apn", "APN"), FormField("kind", "Kind", "choice", kinds)]


class OldVersion(Good):
    breaks = "test_the_core_can_load_it"
    says = "version 99"
    api_version = 99


class EndlessLimit(Good):
    breaks = "test_the_core_can_load_it"
    connect_limit = float("inf")


class UnreadableDefault(Good):
    breaks = "test_the_core_can_load_it"

    @classmethod
    def options(cls):
        # FakeContext would stumble over it first: it is made without the class here
        return (Option("wait", Kind.DURATION, "soon", "How long to wait."),)


class SameOptionTwice(Good):
    breaks = "test_the_core_can_load_it"

    @classmethod
    def options(cls):
        return (Option("wait", Kind.DURATION, "1s", "How long to wait."),) * 2


class ShoutingOption(Good):
    breaks = "test_options_explain_themselves"

    @classmethod
    def options(cls):
        return (Option("Wait_Time", Kind.DURATION, "1s", "How long to wait."),)


class SilentOption(Good):
    breaks = "test_options_explain_themselves"
    says = "help is no sentence"

    @classmethod
    def options(cls):
        return (Option("wait", Kind.DURATION, "1s", "wait"),)


class TakenOption(Good):
    breaks = "test_options_explain_themselves"

    @classmethod
    def options(cls):
        return (Option("metered", Kind.SWITCH, "no", "Whether it costs money."),)


class RefusesItself(Good):
    breaks = "test_it_has_nothing_against_settings_that_work"
    says = "no wait"

    @classmethod
    def options(cls):
        return (Option("wait", Kind.DURATION, "", "How long to wait."),)

    @classmethod
    def check_settings(cls, settings):
        if settings["wait"] is None:
            yield "wait", "there is no wait; write one such as wait = 1s"


class StumblesOverSettings(Good):
    breaks = "test_it_has_nothing_against_settings_that_work"
    says = "raised KeyError"

    @classmethod
    def check_settings(cls, settings):
        return settings["speed"]


class OddField(Good):
    breaks = "test_form_fields_are_valid"

    def form(self):
        return [FormField("apn", "APN", "textarea")]


class ProbeRaises(Good):
    breaks = "test_probe_tells_links_or_why_not"

    def probe(self):
        raise KeyError("eth0")


class ProbeSaysTrue(Good):
    breaks = "test_probe_tells_links_or_why_not"

    def probe(self):
        return True


class ProbeWithoutReason(Good):
    breaks = "test_probe_tells_links_or_why_not"

    def probe(self):
        return Unavailable(Reason.NO_DEVICE, "")


class SameLinkTwice(Good):
    breaks = "test_probe_tells_links_or_why_not"

    def probe(self):
        return [LINK, LINK]


class SlowProbe(Good):
    breaks = "test_probe_tells_links_or_why_not"
    says = "its limit"
    probe_limit = 0.2
    first = True

    def probe(self):
        if self.first:  # the fixture of every check makes a new driver
            self.first = "test_probe_tells" not in os.environ["PYTEST_CURRENT_TEST"]
            time.sleep(0.0 if self.first else 0.3)
        return [LINK]


class ProbeWritesFile(Good):
    breaks = "test_probe_changes_nothing"
    says = "for writing"

    def probe(self):
        with contextlib.suppress(OSError):
            Path("/proc/conman-does-not-exist").write_text("1")
        return [LINK]


class ProbeStartsProgram(Good):
    breaks = "test_probe_changes_nothing"
    says = "started a program"

    def probe(self):
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)
        return [LINK]


class ProbeRunsTool(Good):
    breaks = "test_probe_changes_nothing"
    says = "probe ran ('tool', 'up')"

    async def probe(self):
        await self.context.run(["tool", "up"])
        return [LINK]


class ProbeSaves(Good):
    breaks = "test_probe_changes_nothing"

    def probe(self):
        self.context.store.save({"seen": 1})
        return [LINK]


class ProbeClaims(Good):
    breaks = "test_probe_changes_nothing"

    def probe(self):
        self.context.claim("g0")
        return [LINK]


class ProbeSets(Good):
    breaks = "test_probe_changes_nothing"
    says = "probe changed its settings"

    def probe(self):
        self.context.settings["g0"] = 1
        return [LINK]


class FickleProbe(Good):
    breaks = "test_probe_gives_the_same_answer_twice"
    probes = 0

    def probe(self):
        self.probes += 1
        return [replace(LINK, preference=self.probes)]


class NoConnection(Good):
    breaks = "test_connect_describes_a_connection"

    async def connect(self, link):
        # under a fault the answer is right, or the checks of failures would speak, too
        return lease_on(link.interface) if self.context.fault else {"address": "192.0.2.2"}


class OtherInterface(Good):
    breaks = "test_connect_describes_a_connection"
    says = "the link's own"

    async def connect(self, link):
        return lease_on(link.interface if self.context.fault else "g1")


class KeepsLease(Good):
    breaks = "test_connect_and_disconnect_pair_up"
    says = "a DHCP client on g0 still runs"

    async def connect(self, link):
        self.lease = self.context.dhcp(f"g{len(self.context.leases)}")
        await self.lease.acquire()
        return lease_on(link.interface)

    async def disconnect(self, link):
        if sum(lease.running for lease in self.context.leases) > 1 and self.lease:
            await self.lease.release()


class KeepsTask(Good):
    breaks = "test_connect_and_disconnect_pair_up"
    says = "still runs"

    async def connect(self, link):
        connection = lease_on(link.interface)
        self.task = asyncio.create_task(asyncio.Event().wait())
        return connection

    async def disconnect(self, link):
        pass


class KeepsChild(Good):
    breaks = "test_connect_and_disconnect_pair_up"
    says = "the child process"
    child = None

    def connect(self, link):
        self.child = self.child or subprocess.Popen(["sleep", "20"])
        return lease_on(link.interface)

    def disconnect(self, link):
        pass

    def __del__(self):
        if self.child:
            self.child.kill()
            self.child.wait()


class ConnectsOnce(Good):
    breaks = "test_connect_and_disconnect_pair_up"
    says = "REJECTED"
    used = False

    async def connect(self, link):
        if self.used:
            raise ConnectError(Reason.REJECTED, "only once")
        self.used = not self.context.fault and "a_failed" not in os.environ["PYTEST_CURRENT_TEST"]
        return lease_on(link.interface)


class DisconnectsOnce(Good):
    breaks = "test_disconnect_may_come_twice"

    async def disconnect(self, link):
        if self.lease:
            if not self.lease.running:
                raise RuntimeError("not connected")
            await self.lease.release()


class WantsToBeConnected(Good):
    breaks = "test_disconnect_of_what_is_not_connected"

    async def disconnect(self, link):
        if not self.lease:
            raise RuntimeError("never connected")
        await self.lease.release()


class DisconnectNeedsTool(Good):
    breaks = "test_disconnect_never_raises"

    async def disconnect(self, link):
        if self.lease:
            await self.lease.release()
            await self.context.run(["tool", "down"])


class TextReason(Good):
    breaks = "test_a_failure_has_a_reason_and_a_sentence"
    says = "a Reason"

    async def connect(self, link):
        try:
            return await super().connect(link)
        except ConnectError:
            raise ConnectError("no", "it did not work") from None


class LeaksTimeout(Good):
    breaks = "test_a_failure_has_a_reason_and_a_sentence"
    says = "TimeoutError"

    async def connect(self, link):
        await self.context.run(["tool", "up"])
        self.lease = self.context.dhcp(link.interface)
        return await self.lease.acquire()


class FailsDirty(Good):
    breaks = "test_a_failed_connect_leaves_nothing_behind"
    task = None

    async def connect(self, link):
        try:
            return await super().connect(link)
        except ConnectError:
            self.task = asyncio.create_task(asyncio.Event().wait())
            raise


class StaysBroken(Good):
    breaks = "test_a_failed_connect_leaves_nothing_behind"
    broken = False

    async def connect(self, link):
        if self.broken:
            raise ConnectError(Reason.REJECTED, "I am offended")
        try:
            return await super().connect(link)
        except (ConnectError, OSError):
            self.broken = True
            raise


class CancelledDirty(Good):
    breaks = "test_a_cancelled_connect_leaves_nothing_behind"
    says = "still runs"

    async def connect(self, link):
        connection = await super().connect(link)
        try:
            await asyncio.sleep(0)  # cancelled here, the lease stays
        except asyncio.CancelledError:
            self.lease = None
            raise
        return connection


class CancelledTaskStays(Good):
    breaks = "test_a_cancelled_connect_leaves_nothing_behind"
    says = "the task"

    async def connect(self, link):
        waiter = asyncio.get_running_loop().create_future()
        helper = asyncio.create_task(asyncio.Event().wait())
        asyncio.get_running_loop().call_soon(lambda: waiter.done() or waiter.set_result(None))
        await waiter
        helper.cancel()
        return lease_on(link.interface)


class SwallowsCancel(Good):
    breaks = "test_a_cancelled_connect_leaves_nothing_behind"
    says = "all the same"

    async def connect(self, link):
        try:
            return await super().connect(link)
        except asyncio.CancelledError:
            return lease_on(link.interface)


class EventsAsCoroutine(Good):
    breaks = "test_events_can_be_listened_to_and_closed"
    says = "with `yield` in it"

    async def events(self):
        return []


class EventsOfText(Good):
    breaks = "test_events_can_be_listened_to_and_closed"

    async def events(self):
        yield "lost"


class EventsForEver(Good):
    breaks = "test_events_can_be_listened_to_and_closed"
    says = "does not let itself be cancelled"

    async def events(self):
        end = time.monotonic() + 2.2
        while time.monotonic() < end:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.1)
        yield ProbeAgain("at last")


class EventsLeaveTask(Good):
    breaks = "test_events_can_be_listened_to_and_closed"

    async def events(self):
        self.task = asyncio.create_task(asyncio.Event().wait())
        await asyncio.Event().wait()
        yield ProbeAgain("never")


class NumbersAsDetails(Good):
    breaks = "test_details_are_texts"

    def details(self, link):
        return {"signal": -60}


class EndlessRepairs(Good):
    breaks = "test_repairs_come_to_an_end"

    def recover(self, link, step):
        return True


class RepairNeedsConnection(Good):
    breaks = "test_repairs_may_come_at_any_time"
    says = "NoneType"

    def recover(self, link, step):
        return step == 0 and self.lease.interface == link.interface


class RepairLeavesTasks(Good):
    breaks = "test_a_repaired_link_connects_again"
    says = "after step 0"

    async def recover(self, link, step):
        self.tasks = [asyncio.create_task(asyncio.sleep(60)) for _ in range(2)]
        return step == 0


class RepairLeaksTimeout(Good):
    breaks = "test_a_repair_that_fails_says_why"
    says = "TimeoutError"

    async def recover(self, link, step):
        if step == 0:
            await self.context.run(["tool", "up"])
        return step == 0


def _children(cls):
    return [cls, *(below for child in cls.__subclasses__() for below in _children(child))]


GOOD = [Good, PlainMethods, AsyncMethods]
BAD = [cls for cls in _children(Good) if cls.breaks]


def contract(driver_class):
    class Case(DriverContract):
        @pytest.fixture
        def driver(self):
            context = FakeContext()
            context.expect(["tool", "up"], always=True)
            context.expect(["tool", "down"], always=True)
            return driver_class(context)

    return Case


for _class in BAD:
    globals()[f"Test{_class.__name__}"] = contract(_class)
