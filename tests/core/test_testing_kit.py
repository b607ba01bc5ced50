"""The kit that strangers test their drivers with: it fails bad drivers, and only those."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import ANY
from xml.etree import ElementTree

import pytest

from conman_core import ConnectError, Kind, LinkDriver, Option, Reason, Unavailable
from conman_core.errors import ToolMissing
from conman_core.testing import (
    SILENCE,
    DriverContract,
    FakeClock,
    FakeContext,
    FakeSysfs,
    Unexpected,
    lease_on,
    run,
)
from tests.core import bad_drivers

ROOT = Path(__file__).parents[2]


def pytest_in(folder: Path, *arguments: str) -> dict[str, dict[str, str]]:
    """Run pytest as a stranger would, and return class -> failed check -> what was printed."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    report = folder / "report.xml"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-c", str(folder / "pytest.ini"), f"--rootdir={folder}"),
            *(f"--junitxml={report}", *arguments),
        ],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    failed: dict[str, dict[str, str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kind = str(case.get("classname")).rpartition(".")[2]
        checks = failed.setdefault(kind, {})
        for trouble in (*case.iter("failure"), *case.iter("error")):
            name = str(case.get("name")).partition("[")[0]
            checks[name] = checks.get(name, "") + str(trouble.text) + str(trouble.get("message"))
    return failed


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    others = ("tool_missing", "tool_fails", "tool_babbles", "dhcp_refuses", "busy")
    some_faults = " and ".join(f"not {fault}" for fault in others)  # it takes long enough
    file = str(ROOT / "tests/core/bad_drivers.py")
    return pytest_in(tmp_path_factory.mktemp("kit"), file, "-k", some_faults)


class TestBadDrivers:
    @pytest.mark.parametrize("bad", bad_drivers.BAD, ids=lambda bad: bad.__name__)
    def test_each_fails_the_one_check_that_is_meant_for_it(self, verdicts, bad):
        failed = verdicts[f"Test{bad.__name__}"]

        assert set(failed) == {bad.breaks}
        assert bad.says in failed[bad.breaks]

    def test_every_check_fails_some_driver(self):
        checks = {name for name in dir(DriverContract) if name.startswith("test_")}

        assert checks == {bad.breaks for bad in bad_drivers.BAD}

    def test_what_was_found_is_printed_though_the_check_is_not_the_strangers_own_code(
        self, verdicts
    ):
        """Only with assertion rewriting, which has to be asked for before the import."""
        said = verdicts["TestFickleProbe"]["test_probe_gives_the_same_answer_twice"]

        assert "preference=1" in said
        assert "preference=2" in said


class TestGoodDriver(bad_drivers.contract(bad_drivers.Good)):
    """It passes."""


class TestPlainMethods(bad_drivers.contract(bad_drivers.PlainMethods)):
    """A driver need not be async."""


class TestAsyncMethods(bad_drivers.contract(bad_drivers.AsyncMethods)):
    """Nor plain."""


def test_a_stranger_who_gives_nothing_is_told_what_to_give(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "from conman_core.testing import DriverContract\nclass TestIt(DriverContract):\n    pass\n"
    )

    said = pytest_in(tmp_path, "test_it.py", "-k", "load_it")["TestIt"]

    assert "fixture `driver`" in said["test_the_core_can_load_it"]


def test_a_driver_that_finds_no_link_is_not_passed_for_lack_of_one():
    class Nowhere(bad_drivers.Good):
        def probe(self):
            return Unavailable(Reason.NO_DEVICE, "plug it in")

    contract = DriverContract()

    with pytest.raises(pytest.fail.Exception, match=r"plug it in.*fixture `link`"):
        contract.test_connect_describes_a_connection(Nowhere(FakeContext()), None)


def test_a_driver_that_hangs_fails_and_the_place_is_named():
    async def hang():
        time.sleep(1.0)

    with pytest.raises(AssertionError, match=r"no end after 0\.1 s(.|\n)*in hang"):
        run(hang(), limit=0.1)


class Slow(LinkDriver):
    api_version = 1

    @classmethod
    def options(cls):
        return (
            Option("wait", Kind.DURATION, "10s", "How long to wait."),
            Option("names", Kind.LIST, "", "What to look for."),
        )

    probe = connect = disconnect = None  # type: ignore[assignment]


class TestFakeContext:
    def test_settings_are_texts_as_the_user_writes_them_and_have_defaults(self):
        context = FakeContext(Slow, {"names": "a, b"})

        assert context.settings == {"wait": 10.0, "names": ("a", "b")}

    def test_a_setting_that_is_no_option_is_refused(self):
        with pytest.raises(Unexpected, match="no option is named 'nmaes'"):
            FakeContext(Slow, {"nmaes": "a"})

    def test_programs_answer_as_scripted_and_in_order(self):
        async def driver(context):
            first = await context.run(["iw", "list"])
            second = await context.run(["iw", "scan", "wlan7"], stdin="x", secrets=["key"])
            return first, second

        with FakeContext() as context:
            context.expect(["iw", "list"], stdout="phy0\n")
            context.expect(["iw", "scan", ANY], returncode=3, stderr="busy")
            first, second = asyncio.run(driver(context))

        assert (first.returncode, first.stdout) == (0, "phy0\n")
        assert (second.returncode, second.stderr) == (3, "busy")
        assert context.calls[1].stdin == "x"
        assert context.calls[1].secrets == ("key",)

    def test_an_unforeseen_program_is_named_beside_the_one_expected(self):
        context = FakeContext()
        context.expect(["iw", "list"])

        with pytest.raises(Unexpected, match=r"expected \['iw', 'list'\].*ran \['iw', 'dev'\]"):
            asyncio.run(context.run(["iw", "dev"]))

    def test_it_is_not_forgotten_when_the_driver_swallows_the_exception(self):
        async def driver(context):
            try:
                await context.run(["iw", "dev"])
            except Exception:  # noqa: BLE001 - this is what is tested
                return

        with pytest.raises(Unexpected, match="expected no further program"), FakeContext() as fake:
            asyncio.run(driver(fake))

    def test_a_program_that_was_never_run_is_named_at_the_end(self):
        context = FakeContext()
        context.expect(["iw", "list"])
        context.expect(["iw", "dev"], always=True)

        with pytest.raises(Unexpected, match=r"^never ran \['iw', 'list'\]$"), context:
            pass

    def test_a_missing_program_and_one_that_hangs_take_no_real_time(self):
        context = FakeContext()
        context.expect(["qmicli"], missing=True)
        context.expect(["qmicli"], hangs=True)
        began = context.now()

        with pytest.raises(ToolMissing, match="qmicli"):
            asyncio.run(context.run(["qmicli"]))
        with pytest.raises(TimeoutError):
            asyncio.run(context.run(["qmicli"], timeout=90))

        assert context.now() - began == 90
        assert context.leftovers() == []

    def test_what_is_stored_comes_back_as_json_would_bring_it(self):
        context = FakeContext()
        context.store.save({"tried": [1, 2]})

        assert context.store.load() == {"tried": [1, 2]}
        with pytest.raises(TypeError):
            context.store.save({"tried": {1, 2}})


class TestFakeDhcp:
    def test_without_a_script_there_is_a_lease_and_the_client_runs_until_released(self):
        async def check():
            context = FakeContext()
            lease = context.dhcp("eth0")
            assert context.leftovers() == []

            assert await lease.acquire() == lease_on("eth0")
            assert context.leftovers() == ["a DHCP client on eth0 still runs"]

            await lease.release()
            assert context.leftovers() == []

        asyncio.run(check())

    def test_each_client_finds_the_next_step_and_the_last_one_repeats(self):
        async def check():
            context = FakeContext()
            context.script_dhcp(ConnectError(Reason.NO_TOOL, "no dhcpcd"), lease_on("eth0", 7))
            with pytest.raises(ConnectError, match="no dhcpcd"):
                await context.dhcp("eth0").acquire()
            for _ in range(2):
                lease = context.dhcp("eth0")
                assert await lease.acquire() == lease_on("eth0", 7)
                await lease.release()
            context.script_dhcp(SILENCE, interface="eth1")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(context.dhcp("eth1").acquire(), 0.02)
            assert context.leftovers() == []

        asyncio.run(check())

    def test_changes_come_as_the_test_makes_them_and_end_with_the_client(self):
        async def check():
            lease = FakeContext().dhcp("eth0")
            await lease.acquire()
            lease.renew(lease_on("eth0", 8))
            lease.lose()
            changes = lease.changes()
            assert [await anext(changes), await anext(changes)] == [lease_on("eth0", 8), None]
            last = asyncio.ensure_future(anext(changes, "end"))
            await lease.release()
            assert await last == "end"

        asyncio.run(check())

    def test_two_clients_on_one_interface_are_a_fault_of_the_driver(self):
        async def check():
            context = FakeContext()
            await context.dhcp("eth0").acquire()
            await context.dhcp("eth0").acquire()

        with pytest.raises(Unexpected, match="second DHCP client"):
            asyncio.run(check())


def test_the_clock_wakes_sleepers_in_the_order_of_their_times():
    async def check():
        clock, woken = FakeClock(0.0), []

        async def sleeper(seconds, times):
            for _ in range(times):
                await clock.sleep(seconds)
                await asyncio.sleep(0)  # some work between
                woken.append((clock.now, seconds))

        await asyncio.gather(sleeper(10, 1), sleeper(3, 4))
        return woken

    assert asyncio.run(check()) == [(3, 3), (6, 3), (9, 3), (10, 10), (12, 3)]


def test_interfaces_can_be_made_changed_and_taken_away(tmp_path):
    machine = FakeSysfs(tmp_path / "net")
    machine.add("eth0", carrier=False)
    assert machine.inventory.names() == ["eth0"]

    machine.set_carrier("eth0", True)
    assert machine.inventory.describe("eth0").carrier is True
    machine.set_carrier("eth0", None)
    assert machine.inventory.describe("eth0").carrier is None

    machine.remove("eth0")
    assert machine.inventory.interfaces() == []
