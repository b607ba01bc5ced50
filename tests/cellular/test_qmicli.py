"""qmicli as a child: what it says when it cannot, in words for whoever must act."""

from __future__ import annotations

import asyncio

import pytest

from conman_core import ConnectError, Reason, ToolMissing
from conman_core.testing import FakeContext
from conman_plugins.cellular.qmicli import Declined, Qmicli

ARGV = ["qmicli", "--device-open-proxy", "--device=/dev/cdc-wdm0", "--dms-get-ids"]
#: as qmicli 1.32 has it where a modem sends rubbish
BROKEN = """
[28 Nov 2026, 00:03:38] -Warning ** Cannot read from istream: connection broken
error: couldn't open the QmiDevice: endpoint hangup
"""


def ask(context: FakeContext) -> str:
    with context:
        return asyncio.run(Qmicli(context, "/dev/cdc-wdm0").ask("--dms-get-ids"))


def failure(**ends: object) -> ConnectError:
    context = FakeContext()
    context.expect(ARGV, **ends)  # type: ignore[arg-type]
    with pytest.raises(ConnectError) as caught:
        ask(context)
    return caught.value


def test_what_it_prints_is_the_answer() -> None:
    context = FakeContext()
    context.expect(ARGV, stdout="said")
    assert ask(context) == "said"


def test_a_modem_that_declines() -> None:
    said = "error: couldn't create client for the 'uim' service: QMI protocol error (31): 'InvalidServiceType'\n"  # noqa: E501
    found = failure(returncode=1, stderr=said)
    assert isinstance(found, Declined)
    assert found.unknown
    assert found.sentence == "the modem declines dms-get-ids: InvalidServiceType"
    other = failure(returncode=1, stderr="QMI protocol error (14): 'CallFailed'")
    assert isinstance(other, Declined)
    assert not other.unknown


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (BROKEN, "cannot ask /dev/cdc-wdm0: couldn't open the QmiDevice: endpoint hangup"),
        ("error: Transaction timed out\n", "does not answer (dms-get-ids, 10 s)"),
        ("cancelling the operation...\n", "cannot ask /dev/cdc-wdm0: cancelling the operation..."),
        ("", "no word why"),
    ],
)
def test_a_modem_that_cannot_be_asked(said: str, words: str) -> None:
    found = failure(returncode=1, stderr=said)
    assert found.reason is Reason.WEDGED
    assert words in found.sentence


def test_one_that_hangs_costs_its_limit() -> None:
    assert "does not answer (dms-get-ids, 10 s)" in failure(hangs=True).sentence


def test_a_program_that_is_missing_is_named() -> None:
    context = FakeContext()
    context.expect(ARGV, missing=True)
    with pytest.raises(ToolMissing):
        ask(context)


def test_questions_come_one_at_a_time() -> None:
    context = FakeContext()
    for _ in range(3):
        context.expect(ARGV)
    running: list[int] = []
    real = context.run

    async def run(*argv: object, **more: object) -> object:
        running.append(1)
        assert len(running) == 1
        try:
            return await real(*argv, **more)  # type: ignore[arg-type]
        finally:
            running.pop()

    context.run = run  # type: ignore[method-assign, assignment]

    async def all_at_once() -> None:
        qmicli = Qmicli(context, "/dev/cdc-wdm0")
        await asyncio.gather(*(qmicli.ask("--dms-get-ids") for _ in range(3)))

    asyncio.run(all_at_once())
