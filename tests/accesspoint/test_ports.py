"""Ports: the usual ones where they are free, others where another program has them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from conman_core.errors import SystemFault
from conman_plugins.accesspoint import ports
from conman_plugins.accesspoint.ports import free_port, listen

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
HERE, NOT_YET = "127.0.0.1", "192.0.2.1"  # the second is no address of this machine
both = pytest.mark.parametrize("kind", [TCP, UDP], ids=["tcp", "udp"])


@pytest.fixture
def taken() -> Iterator[object]:
    """Another program: `taken(kind, address)` has a port and returns its number."""
    made: list[socket.socket] = []

    def take(kind: int, address: str, port: int = 0) -> int:
        one = socket.socket(socket.AF_INET, kind)
        made.append(one)
        one.bind((address, port))
        if kind == TCP:
            one.listen()
        return int(one.getsockname()[1])

    yield take
    for one in made:
        one.close()


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


@both
def test_the_usual_port_is_taken_where_nobody_has_it(kind: int) -> None:
    usual = a_free_port()
    assert free_port([kind], [HERE, NOT_YET], usual) == usual


@both
@pytest.mark.parametrize("holder", [HERE, "0.0.0.0"], ids=["one address", "all addresses"])
def test_another_one_is_found_where_somebody_has_it(taken, kind: int, holder: str) -> None:
    usual = taken(kind, holder)
    found = free_port([kind], [HERE, NOT_YET], usual)
    assert found not in {0, usual}


@both
def test_somebody_on_another_address_is_in_nobodys_way(taken, kind: int) -> None:
    """As systemd-resolved is, on 127.0.0.53."""
    usual = taken(kind, "127.0.0.53")
    assert free_port([kind], [HERE, NOT_YET], usual) == usual


@both
def test_a_port_that_is_found_is_free_on_all_addresses(taken, kind: int) -> None:
    usual = taken(kind, "127.0.0.9")
    assert free_port([kind], [HERE, "127.0.0.9"], usual) != usual


def test_a_server_of_names_needs_the_port_for_both_kinds(taken) -> None:
    usual = taken(TCP, HERE)
    assert free_port([UDP], [HERE], usual) == usual
    assert free_port([UDP, TCP], [HERE], usual) != usual


def test_a_machine_with_no_port_left_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_binds", lambda *_: False)
    with pytest.raises(SystemFault, match=r"no port is free on 127\.0\.0\.1"):
        free_port([TCP], [HERE], 80)


def test_an_address_that_does_not_exist_yet_can_be_listened_on() -> None:
    with listen(NOT_YET, a_free_port()) as made:
        assert made.getsockname()[0] == NOT_YET
        assert not made.get_inheritable()


def test_after_the_end_the_same_port_can_be_had_at_once() -> None:
    port = a_free_port()
    with listen(HERE, port), socket.create_connection((HERE, port)):
        pass
    listen(HERE, port).close()


def test_a_port_that_another_program_has_is_told_with_how_to_find_it(taken) -> None:
    port = taken(TCP, HERE)
    with pytest.raises(SystemFault) as caught:
        listen(HERE, port)
    assert str(caught.value) == (
        f"the page cannot be served on 127.0.0.1 port {port}: another program has it; "
        f"find it with: ss -ltnp sport = :{port}"
    )


def test_any_other_refusal_is_told_as_the_kernel_says_it() -> None:
    with pytest.raises(SystemFault, match=r"cannot be served on 127\.0\.0\.1 port \d+: [A-Z]"):
        listen(HERE, a_free_port(), "no-such-if0")


def test_a_port_that_is_for_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(ports, "_socket", lambda kind: Refused(socket.AF_INET, kind))
    with pytest.raises(SystemFault, match="port 80 cannot be used: Permission denied"):
        free_port([TCP], [HERE], 80)
