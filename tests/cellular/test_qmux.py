"""QMI as bytes: what is sent is what was meant, and what comes may be anything."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import ConnectError, Reason
from conman_plugins.cellular import line as line_module
from conman_plugins.cellular.line import Line, Refused, open_line
from conman_plugins.cellular.qmux import Kind, Message, QmuxError, Service, Splitter, pack
from tests.lab.modems import qmux as lab

TLVS = st.dictionaries(st.integers(0, 255), st.binary(max_size=60), max_size=6)
SERVICES = st.sampled_from(list(Service))


@given(SERVICES, st.integers(0, 255), st.integers(0, 255), st.integers(0, 0xFFFF), TLVS)
def test_a_modem_reads_what_is_sent(
    service: Service, client: int, transaction: int, number: int, tlvs: dict[int, bytes]
) -> None:
    read = lab.unpack(pack(Message(service, client, transaction, number, tlvs)))
    assert (read.service, read.client, read.transaction) == (service, client, transaction)
    assert (read.number, dict(read.tlvs), read.kind) == (number, tlvs, lab.REQUEST)


@given(st.lists(st.tuples(SERVICES, st.integers(0, 255), TLVS), max_size=4), st.integers(1, 9))
def test_messages_are_cut_out_of_a_stream_however_it_comes(
    sent: list[tuple[Service, int, dict[int, bytes]]], size: int
) -> None:
    wanted = [
        lab.Message(service, client, 5, 0x22, tlvs, lab.INDICATION)
        for service, client, tlvs in sent
    ]
    data = b"".join(message.pack() for message in wanted)
    splitter, found = Splitter(), list[Message]()
    for at in range(0, len(data), size):
        found += splitter.feed(data[at : at + size])
    assert [(m.service, m.client, dict(m.tlvs)) for m in found] == [
        (m.service, m.client, dict(m.tlvs)) for m in wanted
    ]
    assert all(message.kind == Kind.INDICATION for message in found)


@given(st.lists(st.binary(max_size=90), max_size=5))
def test_rubbish_is_refused_and_nothing_worse(chunks: list[bytes]) -> None:
    splitter = Splitter()
    for chunk in chunks:
        framed = b"\x01" + (len(chunk) + 2).to_bytes(2, "little") + chunk
        for data in (chunk, framed):
            try:
                for message in splitter.feed(data):
                    assert message.error >= 0
            except QmuxError:
                return


class Proxy:
    """The other end of a line."""

    def __init__(self) -> None:
        self.ours, theirs = socket.socketpair()
        self.ours.setblocking(False)
        self._theirs = theirs

    async def line(self) -> Line:
        return Line("/dev/cdc-wdm0", *await asyncio.open_connection(sock=self._theirs))

    async def hear(self) -> lab.Message:
        loop = asyncio.get_running_loop()
        return lab.unpack(await loop.sock_recv(self.ours, 4096))

    def say(self, message: lab.Message) -> None:
        self.ours.send(message.pack())

    def answer(self, asked: lab.Message, tlvs: dict[int, bytes], error: int = 0) -> None:
        result = bytes([bool(error), 0, error, 0])
        head = asked.service, asked.client, asked.transaction, asked.number
        self.say(lab.Message(*head, {2: result} | tlvs, lab.RESPONSE))


def talk(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


def test_an_answer_is_for_who_asked_and_an_indication_for_who_listens() -> None:
    async def check() -> None:
        proxy = Proxy()
        line = await proxy.line()
        heard: list[Message] = []
        line.heard.append(heard.append)
        first = asyncio.create_task(line.ask(Service.WDS, 4, 0x22))
        asked = await proxy.hear()
        second = asyncio.create_task(line.ask(Service.WDS, 4, 0x22))
        also = await proxy.hear()
        proxy.say(lab.Message(1, 4, 0, 0x22, {1: b"\1\0"}, lab.INDICATION))
        proxy.answer(also, {1: b"\2"})
        proxy.answer(asked, {1: b"\1"})
        assert (await first).value(1, "B") == (1,)
        assert (await second).value(1, "B") == (2,)
        assert [message.number for message in heard] == [0x22]
        line.close()
        proxy.ours.close()

    talk(check())


def test_a_modem_that_says_no_or_nothing() -> None:
    async def check() -> None:
        proxy = Proxy()
        line = await proxy.line()
        asking = asyncio.create_task(line.ask(Service.WDS, 4, 0x20))
        proxy.answer(await proxy.hear(), {0x10: b"\3\0"}, error=14)
        with pytest.raises(Refused) as refused:
            await asking
        assert (refused.value.code, refused.value.answer.value(0x10, "H")) == (14, (3,))
        with pytest.raises(ConnectError, match=r"does not answer within 0\.01 s") as silent:
            await line.ask(Service.WDS, 4, 0x20, limit=0.01)
        assert silent.value.reason is Reason.WEDGED
        line.close()
        proxy.ours.close()

    talk(check())


@pytest.mark.parametrize("last", [b"", b"AT+CSQ\r\n"], ids=["an end", "rubbish"])
def test_a_line_that_breaks_is_told_once_and_all_who_wait_hear_of_it(last: bytes) -> None:
    async def check() -> None:
        proxy = Proxy()
        line = await proxy.line()
        ended = asyncio.Event()
        line.ended.append(ended.set)
        asking = asyncio.create_task(line.ask(Service.WDS, 4, 0x20))
        await proxy.hear()
        if last:
            proxy.ours.send(last)
        else:
            proxy.ours.close()
        with pytest.raises(ConnectError, match="broke"):
            await asking
        await ended.wait()
        assert not line.alive
        with pytest.raises(ConnectError, match="broke"):
            await line.ask(Service.WDS, 4, 0x20)
        proxy.ours.close()

    talk(check())


def test_without_a_proxy_it_says_so() -> None:
    async def check() -> None:
        with pytest.raises(ConnectError, match="qmi-proxy, which qmicli starts, cannot be reached"):
            await open_line("/dev/cdc-wdm0", "\0conman-test-no-such-proxy")

    talk(check())


@pytest.mark.parametrize("stranger", [False, True], ids=["conman's user", "a stranger"])
def test_only_a_proxy_of_root_or_conman_s_own_user_is_told_anything(
    stranger: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stranger:
        monkeypatch.setattr(line_module, "_uid_behind", lambda _: 65_000)
    name = f"\0conman-test-proxy-{os.getpid()}"
    heard: list[bytes] = []

    async def check() -> None:
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read())
            writer.close()
            ended.set()

        server = await asyncio.start_unix_server(serve, name)
        async with server:
            with pytest.raises(ConnectError) as caught:
                await open_line("/dev/cdc-wdm0", name, 0.05)
            await ended.wait()
        assert caught.value.reason is (Reason.DENIED if stranger else Reason.WEDGED)

    talk(check())
    assert [b"/dev/cdc-wdm0" in each for each in heard] == [not stranger]
