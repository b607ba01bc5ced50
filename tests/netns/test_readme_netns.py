"""Every conman command of the README does what a reader expects, on a device that is online."""

from __future__ import annotations

import shlex

import pytest

from tests.documents import commands
from tests.netns.internet import internet
from tests.netns.test_story import both_verified

pytestmark = pytest.mark.netns

ENDLESS = {"run", "watch"}  # tested elsewhere: they go on until they are ended
AFTERWARDS = {"release"}
IN_THE_LAB = {
    "wifi",
    "provision",
}  # need a radio: tests/lab/test_wifi_command.py, test_provisioning.py


def test_every_command_works_on_a_device_that_is_online() -> None:
    lines = [line.partition(" | ")[0] for line in commands("README.md")]
    found = [shlex.split(line)[1:] for line in lines if line[:7] == "conman "]
    assert len(found) >= 12
    with internet() as net:
        daemon = net.device.run_conman()
        daemon.wait(both_verified)
        for words in found:
            if words[0] not in ENDLESS | AFTERWARDS | IN_THE_LAB:
                done = net.device.conman(*words)
                assert done.returncode == 0, (words, done.stdout, done.stderr)
                assert done.stdout.strip()
        daemon.stop()
        for words in found:
            if words[0] in AFTERWARDS:
                assert net.device.conman(*words).returncode == 0
