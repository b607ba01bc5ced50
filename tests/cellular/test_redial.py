"""A HiLink dongle is asked to dial anew: what a person switched off stays, all else comes on."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from conman_core import ConnectError, Reason
from conman_core.testing import run
from conman_plugins.cellular.webapi import StillOff, WebApi

OK = "<response>OK</response>"
BUSY = "<error><code>100004</code><message></message></error>"


class Dongle(WebApi):
    """One whose mobile data is on; it refuses to switch it on `refusals` times."""

    def __init__(self, state: str = "1", refusals: int = 0) -> None:
        super().__init__("usb1", IPv4Address("192.168.8.1"))
        self.state = state
        self.refusals = refusals
        self.switched: list[str] = []

    async def _ask(
        self, method: str, page: str, cookie: str = "", token: str = "", body: str = ""
    ) -> str:
        if method == "GET":
            return f"<response><dataswitch>{self.state}</dataswitch></response>"
        wanted = "1" if ">1<" in body else "0"
        if wanted == "1" and self.refusals:
            self.refusals -= 1
            return BUSY
        self.switched.append(wanted)
        self.state = wanted
        return OK


def test_one_that_is_on_is_switched_off_and_on() -> None:
    dongle = Dongle()
    run(dongle.redial())

    assert dongle.switched == ["0", "1"]


def test_one_that_a_person_has_switched_off_stays_so() -> None:
    dongle = Dongle("0")
    with pytest.raises(ConnectError, match="switch it on at http://192") as raised:
        run(dongle.redial())

    assert raised.value.reason is Reason.MISCONFIGURED
    assert dongle.switched == []


def test_one_that_conman_has_left_off_is_switched_on() -> None:
    dongle = Dongle("0")
    run(dongle.redial(ours=True))

    assert dongle.state == "1"


def test_switching_it_on_is_tried_until_it_is_accepted() -> None:
    dongle = Dongle(refusals=4)
    run(dongle.redial())

    assert dongle.state == "1"


def test_one_that_does_not_come_on_again_is_told() -> None:
    with pytest.raises(StillOff, match="mobile data may be off now"):
        run(Dongle(refusals=5).redial())
