"""What the page's process has, and that opening, showing and closing leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conman_core import Choice, Form, FormField
from conman_core.errors import SystemFault
from conman_plugins.accesspoint.door import Submission
from tests.accesspoint import actors
from tests.accesspoint.clients import ENTERED, SECRET, Phone
from tests.accesspoint.pagekit import STATE, WIFI, serving
from tests.accesspoint.stage import Company, a_door, descriptors, gone, played, until

# -- what it has


def test_it_has_nothing_of_the_daemons_but_its_sockets(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    with secret.open("w") as file, socket.socket() as other:
        os.set_inheritable(file.fileno(), True)
        other.set_inheritable(True)
        with serving(tmp_path) as site:
            theirs = {str(each.readlink()) for each in Path(f"/proc/{site.pid}/fd").iterdir()}
            ours = {line.partition(" ")[2] for line in descriptors()}
            shared = {each for each in theirs & ours if "anon_inode" not in each}
            listening = {
                f"socket:[{os.fstat(each.fileno()).st_ino}]" for each in site.door._listening
            }
            rest = shared - listening - {"/dev/null"}
            assert listening <= shared
            assert not rest or (os.geteuid() and all(each.startswith("pipe:") for each in rest))


def test_what_it_is_started_with_says_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        phone = Phone(site)
        phone.submit(phone.sheet() | ENTERED)
        assert site.submissions[0].values["key"] == SECRET
        words = Path(f"/proc/{site.pid}/cmdline").read_text().split("\0")
        folder = str(tmp_path / "nothing") if os.geteuid() == 0 else "-"
        assert words[1:3] == ["-m", "conman_plugins.accesspoint.page"]
        assert words[4] == folder
        assert all(word.isdecimal() for word in [words[3], *words[5:-1]])


def test_the_daemon_logs_nothing_of_what_is_entered(tmp_path: Path) -> None:
    company = Company(tmp_path)
    with played(company) as site:
        phone = Phone(site)
        site.verdict = lambda _: ValueError("no")
        phone.submit(phone.sheet() | ENTERED)
        phone.connect_to({"ssid": "HomeNet", "key": SECRET})
        assert len(site.submissions) == 2
        os.kill(site.pid, signal.SIGTERM)
        until(lambda: len(company.started) == 2)
        assert company.said
        assert SECRET not in company.said


# -- what is opened and closed


def test_opening_and_closing_leaves_nothing_behind(tmp_path: Path) -> None:
    async def twice_ten() -> list[int]:
        counts = []
        for _ in range(20):
            company = Company(tmp_path, actors.behaves)
            made = a_door(company)
            await made.open(STATE)
            made.show(replace(STATE, looking=True))
            await made.close()
            counts.append(len(descriptors()))
            assert gone(company.started[0])
        return counts

    counts = asyncio.run(twice_ten())
    assert len(set(counts)) == 1


def test_it_can_be_closed_while_it_opens(tmp_path: Path) -> None:
    async def begin_and_close() -> None:
        company = Company(tmp_path, actors.never_begins)
        made = a_door(company)
        before = descriptors()
        opening = asyncio.create_task(made.open(STATE))
        while not company.started:
            await asyncio.sleep(0.001)
        opening.cancel()
        await asyncio.wait({opening})
        assert opening.cancelled()
        assert gone(company.started[0])
        assert descriptors() <= before
        await made.close()  # once more does no harm

    asyncio.run(begin_and_close())


def test_it_can_be_closed_while_the_page_is_started_again(tmp_path: Path) -> None:
    async def begin_and_close() -> None:
        company = Company(tmp_path, actors.dies, actors.never_begins)
        made = a_door(company)
        before = descriptors()
        await made.open(STATE)
        while len(company.started) < 2:
            await asyncio.sleep(0.001)
        await made.close()
        assert all(map(gone, company.started))
        assert descriptors() <= before

    asyncio.run(begin_and_close())


def test_a_port_that_somebody_has_is_told(tmp_path: Path) -> None:
    async def open_twice() -> None:
        first = a_door(Company(tmp_path, actors.behaves))
        await first.open(STATE)
        before = descriptors()
        second = a_door(Company(tmp_path, actors.behaves), port=first.port)
        with pytest.raises(SystemFault, match="another program has it"):
            await second.open(STATE)
        assert descriptors() == before
        await first.close()

    asyncio.run(open_twice())


# -- what it shows and answers


def test_a_form_that_cannot_be_shown_costs_the_others_nothing(tmp_path: Path) -> None:
    strange = Form("acme", (FormField("mode", "Mode", choices=(Choice("x", strength=-5),)),))
    many = tuple(Choice(f"Network {number} \N{GRINNING FACE}", 50) for number in range(5000))
    endless = Form("endless", (FormField("ssid", "Network", choices=many),))
    company = Company(tmp_path)
    with played(company) as site:
        site.show(replace(STATE, forms=(strange, WIFI, endless)))
        drivers = [form["driver"] for form in Phone(site).get("/api/networks").json["forms"]]
        assert drivers == ["wifi", "endless"]
        assert company.said.count("the form of acme is not one that can be shown") == 1
        site.show(replace(STATE, forms=(strange, WIFI)))
        assert company.said.count("acme") == 1
        assert b"Network" in Phone(site).get().body


def test_the_daemon_knows_when_the_answer_has_arrived(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        waiting: list[asyncio.Task[None]] = []

        def wait(number: int) -> None:
            waiting.append(site.loop.create_task(site.door.told(number, limit=60)))

        def after(submission: Submission) -> None:
            site.loop.call_soon(wait, submission.id)  # right after its answer, as the session does

        site.after = after
        phone = Phone(site)
        phone.submit(phone.sheet() | ENTERED)
        until(lambda: bool(waiting) and waiting[0].done(), limit=20)


def test_who_cannot_be_told_is_not_waited_for(tmp_path: Path) -> None:
    async def wait() -> float:
        made = a_door(Company(tmp_path, actors.behaves))
        await made.open(STATE)
        made.answer(1, None)
        begin = time.monotonic()
        await made.told(1, limit=0.05)
        await made.told(2)
        await made.close()
        return time.monotonic() - begin

    assert asyncio.run(wait()) < 3


def test_a_site_is_reached_at_each_of_its_addresses(tmp_path: Path) -> None:
    async def ask() -> None:
        made = a_door(Company(tmp_path))
        made._addresses = ["127.0.0.1", "127.0.0.3"]
        await made.open(STATE)
        for host in ("127.0.0.1", "127.0.0.3"):
            reader, writer = await asyncio.open_connection(host, made.port)
            writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()
            await writer.wait_closed()
        await made.close()

    asyncio.run(ask())
