"""Which access points a serial modem is dialled with, and what is remembered of that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conman_core.errors import SystemFault
from conman_core.testing import run
from conman_plugins.cellular import apns, dialler, pppd
from tests.cellular.serialkit import Desk, failure, link_of


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pppd, "find_tool", lambda name: f"/usr/sbin/{name}")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A modem whose operator is known to have two access points."""
    database = tmp_path / "providers.xml"
    database.write_text(
        '<serviceproviders><country code="gr"><provider><gsm><network-id mcc="202" mnc="01"/>'
        '<apn value="first"/><apn value="second"/></gsm></provider></country></serviceproviders>'
    )

    def here(plmn: str, iccid: str, memory: Any) -> Any:
        return apns.candidates(plmn, iccid, memory, database)

    monkeypatch.setattr(dialler, "candidates", here)
    return Desk(tmp_path, apn="auto")


def test_what_worked_last_comes_first(desk: Desk) -> None:
    desk.modem.apns = {"first": ("Failed (NO CARRIER)",)}
    run(desk.driver.connect(link_of(desk)))
    assert desk.modem.apn == "second"
    desk.modem.said.clear()
    desk.driver = desk.make()
    run(desk.driver.connect(link_of(desk)))
    assert [word for word in desk.modem.said if "CGDCONT" in word] == ['AT+CGDCONT=1,"IP","second"']


@pytest.mark.parametrize(
    "said",
    [
        "LCP: timeout sending Config-Requests",
        "PAP authentication failed",
        "Failed (BUSY)",
        "",
    ],
)
def test_in_whatever_way_a_network_refuses_an_access_point_the_next_one_is_tried(
    desk: Desk, said: str
) -> None:
    desk.modem.apns = {"first": (said,)}
    run(desk.driver.connect(link_of(desk)))

    assert desk.modem.apn == "second"


def test_a_modem_that_does_not_answer_is_not_asked_with_another_one(desk: Desk) -> None:
    desk.modem.apns = {"first": ("alarm",)}
    failure(desk)

    assert desk.modem.apn == "first"


def test_a_connect_that_ran_out_of_time_goes_on_behind_what_it_tried(desk: Desk) -> None:
    async def check() -> None:
        attempt = asyncio.create_task(desk.driver.connect(link_of(desk)))
        desk.context.programs["pppd"] = lambda program: attempt.cancel()
        await asyncio.wait({attempt})
        assert attempt.cancelled()
        assert desk.modem.apn == "first"
        desk.context.programs["pppd"] = desk.pppd
        await desk.driver.connect(link_of(desk))
        assert desk.modem.apn == "second"
        await desk.driver.disconnect(link_of(desk))

    run(check())


def test_a_disk_that_is_full_keeps_nobody_offline(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(values: Any) -> None:
        raise SystemFault("no space left on device")

    monkeypatch.setattr(desk.context.store, "save", full)
    assert run(desk.driver.connect(link_of(desk))).interface == "ppp10"
    assert "is not kept for the next time: no space left" in caplog.text
