"""Lab tests on the host's side: each is sent into the machine, and its reports come back.

pytest collects a test marked `lab` here like any other. In place of being run here it is run by
pytest inside, with its fixtures; the reports of its phases are passed on as they are, so skips,
expected failures, captured output and durations look as if it had run here. One boot serves all
tests of a session; after a crash of the machine the next test gets a new one.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.lab.cache import ROOT, LabError
from tests.lab.machine import Answer, Machine, MachineDied

LIMIT = 300.0  # seconds; a test's own `timeout` mark is for emulation already
OWN_LIMIT = pytest.StashKey[float]()
INSIDE = os.environ.get("CONMAN_LAB_GUEST") == "1"


def belongs_inside(item: pytest.Item) -> bool:
    """Whether a test is one of the lab's, but for those that start machines themselves."""
    marker = item.get_closest_marker("lab")
    return marker is not None and not marker.kwargs.get("host")


class Lab:
    """The machine of a session, started when the first test needs it."""

    def __init__(self) -> None:
        self.machine: Machine | None = None
        self.broken: str | None = None  #: why no machine can be had

    def ready(self) -> Machine:
        """The running machine. Raises LabError; a machine that cannot start is tried once."""
        if self.broken:
            raise LabError(self.broken)
        if not self.machine:
            try:
                self.machine = Machine()
                self.machine.wait_ready()
                self.machine.request(do="preload", limit=120)
            except LabError as error:
                self.broken = str(error)
                self.close()
                raise
        return self.machine

    def run(self, nodeid: str, limit: float) -> Answer:
        """Run a test inside. Raises LabError."""
        machine = self.ready()
        try:
            return machine.request(
                do="test", nodeid=nodeid, limit=limit + 30, arguments=[f"--timeout={limit:g}"]
            )
        except MachineDied:
            self.close()
            raise

    def close(self) -> None:
        """Switch the machine off."""
        if self.machine:
            self.machine.close()
            self.machine = None


lab = Lab()


def run_inside(item: pytest.Item, missing: str) -> list[pytest.TestReport]:
    """Run a test in the machine, unless one is `missing`; return the reports of its phases."""
    if why := missing:
        everything = os.environ.get("CONMAN_TEST_ALL") == "1"
        return [_failure(item, why) if everything else _skip(item, why)]
    limit = item.stash.get(OWN_LIMIT, LIMIT)
    try:
        answer = lab.run(item.nodeid, limit)
    except LabError as error:
        return [_failure(item, str(error))]
    return judge(item, answer, limit)


def judge(item: pytest.Item, answer: Answer, limit: float) -> list[pytest.TestReport]:
    """Make reports of what came back; what pytest inside did not report is a failure."""
    reports = [_report(item, data) for data in answer.reports]
    if answer.timed_out:
        reports.append(_failure(item, f"not done within {limit:g} s\n{answer.output}"))
    elif not reports or reports[-1].when != "teardown":
        why = f"pytest inside ended with {answer.code}\n{answer.output}"
        reports.append(_failure(item, why))
    elif answer.leaked:
        left = "\n".join(answer.leaked)
        reports.append(_failure(item, f"left processes behind:\n{left}", when="teardown"))
        del reports[-2]  # one report for each phase: the machine's is the worse one
    return reports


def _report(item: pytest.Item, data: dict[str, Any]) -> pytest.TestReport:
    if isinstance(data["longrepr"], list):  # of a skip: JSON has no tuples
        path, line, why = data["longrepr"]
        data["longrepr"] = (str(path).replace("/checkout/", f"{ROOT}/"), line, why)
    report = item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
    assert isinstance(report, pytest.TestReport)
    return report


def _failure(item: pytest.Item, text: str, when: str = "call") -> pytest.TestReport:
    return _made(item, "failed", text, when)


def _skip(item: pytest.Item, why: str) -> pytest.TestReport:
    path, line, _ = item.location
    return _made(item, "skipped", (path, line or 0, f"Skipped: {why}"), "setup")


def _made(item: pytest.Item, outcome: Any, text: Any, when: Any) -> pytest.TestReport:
    keywords: dict[str, Any] = dict.fromkeys(item.keywords, 1)
    return pytest.TestReport(item.nodeid, item.location, keywords, outcome, text, when)
