"""Who takes the page over can submit forms, and do nothing else: the real sandbox, from within."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conman_plugins.accesspoint.page.sandbox import _MEMORY, _USERS
from tests.accesspoint.clients import Phone
from tests.accesspoint.compromised import ATTACKS, FACTS
from tests.accesspoint.pagekit import Site, serving
from tests.accesspoint.stage import Company, gone, played, until

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: sudo script/test netns"),
]

TAKEN_OVER = """
import sys
from conman_plugins.accesspoint.page import __main__, serving
from tests.accesspoint import compromised
serving.serve = compromised.{}
sys.exit(__main__.main(sys.argv[1:]))
"""
NAMESPACES = ("mnt", "net", "ipc", "uts")


class TakenOver(Company):
    """The real page's process, in which a function of ours is called instead of `serving.serve`."""

    def __init__(self, folder: Path, function: str) -> None:
        super().__init__(folder)
        self.function = function

    async def start(self, argv: Any, **named: Any) -> Any:
        code = TAKEN_OVER.format(self.function)
        return await super().start([argv[0], "-c", code, *argv[3:]], **named)


@dataclass
class Victims:
    """What there is on the machine to be reached."""

    listening: socket.socket
    named: socket.socket
    filed: socket.socket
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    folder = tmp_path_factory.mktemp("victims")
    with (
        socket.socket() as listening,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as filed,
        subprocess.Popen(["sleep", "600"]) as process,
    ):
        listening.bind(("127.0.0.1", 0))
        named.bind(f"\0conman-test-{os.getpid()}")
        filed.bind(str(folder / "socket"))
        for each in (listening, named, filed):
            each.listen()
            each.setblocking(False)
        yield Victims(listening, named, filed, process)
        process.kill()


@pytest.fixture(scope="module")
def outcomes(
    victims: Victims, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What came of each attack."""
    facts = {
        "port": victims.listening.getsockname()[1],
        "abstract": "\0" + victims.named.getsockname()[1:].decode(),
        "path": victims.filed.getsockname(),
        "pid": victims.process.pid,
    }
    company = TakenOver(tmp_path_factory.mktemp("page"), "serve")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FACTS, json.dumps(facts))
        with played(company) as site, Phone(site).connect():
            until(lambda: sum(len(each.values) for each in site.submissions) == len(ATTACKS), 30)
            found: dict[str, str] = {}
            for submission in site.submissions:
                found |= submission.values
            yield found


@pytest.mark.parametrize("name", ATTACKS)
def test_who_takes_the_page_over_cannot(outcomes: dict[str, str], name: str) -> None:
    assert not outcomes[name].startswith("done"), outcomes[name]
    assert outcomes[name].partition(":")[0] in {
        "BlockingIOError",
        "ConnectionRefusedError",
        "FileNotFoundError",
        "MemoryError",
        "ModuleNotFoundError",
        "OSError",
        "PermissionError",
        "RuntimeError",
        "TimeoutError",
        "ValueError",
    }


def reached(listening: socket.socket) -> bool:
    try:
        connection, _ = listening.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


def test_nobody_was_reached(outcomes: dict[str, str], victims: Victims) -> None:
    assert len(outcomes) == len(ATTACKS)
    assert not reached(victims.listening)
    assert not reached(victims.named)
    assert not reached(victims.filed)
    assert victims.process.poll() is None


# -- the same, seen from outside


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("page")) as site:
        yield site


def status(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}


def test_its_user_is_nobody_else(served: Site) -> None:
    said = status(served.pid)
    (user,) = set(said["Uid"])
    assert set(said["Gid"]) == {user}
    assert not said["Groups"]
    assert int(user) in _USERS
    known = {line.split(":")[2] for line in Path("/etc/passwd").read_text().splitlines()}
    assert user not in known
    others = [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    for each in others:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            assert str(each.stat().st_uid) != user or each.name == str(served.pid)


class InGroups(Company):
    """Starts the page from a daemon that is in groups."""

    async def start(self, argv: Any, **named: Any) -> Any:
        return await super().start(["setpriv", "--groups", "4,27", *argv], **named)


def test_the_daemons_groups_are_not_its_own(tmp_path: Path) -> None:
    with played(InGroups(tmp_path)) as site:
        assert not status(site.pid)["Groups"]


def test_two_pages_are_strangers(served: Site, tmp_path: Path) -> None:
    with serving(tmp_path) as other:
        assert status(other.pid)["Uid"] != status(served.pid)["Uid"]


def test_it_has_no_rights_and_gets_none(served: Site) -> None:
    said = status(served.pid)
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(said[kind][0], 16) == 0
    assert said["NoNewPrivs"] == ["1"]


def test_its_world_is_an_empty_folder(served: Site) -> None:
    root = Path(f"/proc/{served.pid}/root")
    assert root.readlink().name == "nothing"
    assert not list(root.iterdir())
    assert root.stat().st_mode & 0o777 == 0o555
    assert root.stat().st_uid == 0


def test_it_shares_no_namespace_that_matters(served: Site) -> None:
    for kind in NAMESPACES:
        theirs, ours = (Path(f"/proc/{pid}/ns/{kind}").readlink() for pid in (served.pid, "self"))
        assert theirs != ours


def test_it_is_the_first_to_go_where_memory_is_short(served: Site) -> None:
    assert Path(f"/proc/{served.pid}/oom_score_adj").read_text().strip() == "1000"
    limits = Path(f"/proc/{served.pid}/limits").read_text()
    address_space = next(line for line in limits.splitlines() if "address space" in line)
    assert address_space.split()[3:5] == [str(_MEMORY)] * 2
    size = int(status(served.pid)["VmPeak"][0]) << 10
    assert size < _MEMORY / 3, "the page itself has room enough"


def test_a_full_house_fits_in_its_limits(served: Site) -> None:
    """As many as are let in, each with half a body; then a person."""
    with contextlib.ExitStack() as stack:
        for _ in range(17):
            phone = Phone(served)
            for _ in range(16):
                link = stack.enter_context(phone.connect())
                head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 8000\r\n\r\n"
                link.sendall(head + b"x" * 7000)
        pid = served.pid
        assert Phone(served).get().status == 200
        assert served.pid == pid


# -- its end


def test_what_it_prints_is_heard_by_nobody(tmp_path: Path) -> None:
    company = TakenOver(tmp_path, "noisy")
    with played(company) as site:
        until(lambda: site.seen == 1)
    assert company.lines == []


def test_it_does_not_outlive_the_daemon(tmp_path: Path) -> None:
    daemon = f"""
import os, pathlib, time
from tests.accesspoint.stage import played
from tests.accesspoint.test_sandbox import TakenOver
with played(TakenOver(pathlib.Path({str(tmp_path)!r}), "heedless")) as site:
    print(site.pid, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", daemon], stdout=subprocess.PIPE) as process:
        assert process.stdout
        page = int(process.stdout.readline())
        assert not gone(page)
        process.send_signal(signal.SIGKILL)
    until(lambda: gone(page))


def test_it_is_not_served_if_the_sandbox_cannot_be_closed(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        for folder in ("-", str(tmp_path / "missing")):
            ours.send(bytes(32))
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "conman_plugins.accesspoint.page",
                    str(theirs.fileno()),
                    folder,
                ],
                check=False,
                capture_output=True,
                text=True,
                pass_fds=[theirs.fileno()],
            )
            assert done.returncode == 1
            assert done.stdout.startswith("it is not served: its sandbox cannot be closed: ")
            assert not done.stderr
