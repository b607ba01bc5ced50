"""The air as a program: how strongly each radio hears each other, and what gets lost.

While it runs, the kernel gives it every frame that a simulated radio sends, and it hands the frame
to the radios that hear it (HWSIM_CMD_REGISTER, drivers/net/wireless/mac80211_hwsim.c). When it ends
the kernel's own air is back, in which everybody hears everybody equally well.

Run by `Medium` as a process. It reads JSON lines, answers each with `ok`, and says `ready` first:

    {"pair": [MAC, MAC], "signal": DBM or null, "loss": 0.0 to 1.0}     null: out of range
"""

from __future__ import annotations

import errno
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.lab.genl import Attributes, Family, messages
from tests.lab.hwsim import FAMILY

CMD_REGISTER, CMD_FRAME, CMD_TX_INFO_FRAME = 1, 2, 3
ATTR_RECEIVER, ATTR_TRANSMITTER, ATTR_FRAME, ATTR_FLAGS, ATTR_RX_RATE, ATTR_SIGNAL = range(1, 7)
ATTR_TX_INFO, ATTR_COOKIE, ATTR_FREQ = 7, 8, 19
TX_NO_ACK, TX_ACKNOWLEDGED = 2, 4
NEAR = -50  # dBm, as in the kernel's own air
FAINTEST = -95  # dBm; what is below is noise
GROUP_BIT = 1  # of a MAC's first byte: for many receivers


class Link(NamedTuple):
    """How two radios hear each other."""

    signal: int | None = NEAR
    loss: float = 0.0


@dataclass
class Rules:
    """Who hears what."""

    links: dict[frozenset[bytes], Link] = field(default_factory=dict)
    radios: set[bytes] = field(default_factory=set)  #: hardware addresses

    def obey(self, line: str) -> None:
        """Take a command. Raises ValueError."""
        command = json.loads(line)
        left, right = (bytes.fromhex(mac.replace(":", "")) for mac in command["pair"])
        self.radios |= {left, right}
        self.links[frozenset((left, right))] = Link(command["signal"], command.get("loss", 0.0))

    def hearers(self, sender: bytes) -> Iterator[tuple[bytes, int]]:
        """The radios that hear this frame of a sender, and how strongly, in dBm."""
        for radio in self.radios - {sender}:
            link = self.links.get(frozenset((sender, radio)), Link())
            if link.signal is None or link.signal < FAINTEST:
                continue
            if link.loss and random.random() < link.loss:
                continue
            yield radio, link.signal


def deliver(rules: Rules, sent: Attributes) -> Iterator[tuple[int, dict[int, bytes]]]:
    """Give the commands that a sent frame leads to: one for each hearer, then the sender's news."""
    sender, frame = sent[ATTR_TRANSMITTER], sent[ATTR_FRAME]
    receiver = frame[4:10]  # IEEE 802.11: addr1 after frame control and duration
    rules.radios.add(sender)
    flags = struct.unpack("=I", sent[ATTR_FLAGS])[0]
    strength = NEAR
    acknowledged = bool(receiver) and bool(receiver[0] & GROUP_BIT)
    for radio, signal in rules.hearers(sender):
        if radio == receiver:
            acknowledged, strength = True, signal
        yield (
            CMD_FRAME,
            {
                ATTR_RECEIVER: radio,
                ATTR_FRAME: frame,
                ATTR_RX_RATE: struct.pack("=I", 0),
                ATTR_SIGNAL: struct.pack("=i", signal),
                ATTR_FREQ: sent[ATTR_FREQ],
            },
        )
    if acknowledged and not flags & TX_NO_ACK:
        flags |= TX_ACKNOWLEDGED
    yield (
        CMD_TX_INFO_FRAME,
        {
            ATTR_TRANSMITTER: sent[ATTR_TRANSMITTER],
            ATTR_FLAGS: struct.pack("=I", flags),
            ATTR_SIGNAL: struct.pack("=i", strength),
            ATTR_TX_INFO: sent[ATTR_TX_INFO],
            ATTR_COOKIE: sent[ATTR_COOKIE],
        },
    )


def main() -> None:
    """Be the air until stdin ends."""
    rules = Rules()
    commands = b""
    with Family(FAMILY) as kernel:
        stdin = sys.stdin.fileno()
        kernel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        kernel.call(CMD_REGISTER, {})
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([kernel.socket.fileno(), stdin], [], [])
            if stdin in ready:
                data = os.read(stdin, 65536)
                if not data:
                    return
                *lines, commands = (commands + data).split(b"\n")
                for line in lines:
                    rules.obey(line.decode())
                    print("ok", flush=True)
            if kernel.socket.fileno() in ready:
                try:
                    received = kernel.socket.recv(1 << 16)
                except OSError as error:
                    if error.errno != errno.ENOBUFS:  # more than can be heard: lost, as in the air
                        raise
                    continue
                for message in messages(received):
                    if message.command == CMD_FRAME and ATTR_FREQ in message.attributes:
                        for command, attributes in deliver(rules, message.attributes):
                            kernel.send(command, attributes, 0)


class Medium:
    """The running air of a test: started after the radios are there, ended by the bench."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._expect(b"ready\n")

    def set(self, left: str, right: str, signal: int | None, loss: float = 0.0) -> None:
        """Let two radios, by their MACs, hear each other with a signal in dBm; None: not at all."""
        command = {"pair": [left, right], "signal": signal, "loss": loss}
        assert self.process.stdin
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        self._expect(b"ok\n")

    def _expect(self, line: bytes, limit: float = 20.0) -> None:
        assert self.process.stdout
        readable, _, _ = select.select([self.process.stdout], [], [], limit)
        said = self.process.stdout.readline() if readable else b""
        if said != line:
            raise RuntimeError(f"medium.py: no {line.decode().strip()!r} but {said!r}")


if __name__ == "__main__":
    main()
