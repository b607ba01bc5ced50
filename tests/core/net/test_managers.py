from __future__ import annotations

import shlex
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.net import bus, ifupdown
from conman_core.net.managers import Managers, Owner
from conman_core.net.processes import Processes

OURS, FOREIGN = "ours", "foreign"


class FakeMachine:
    """Folders that look like /run, /etc and /proc of a machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("run", "etc", "proc/thread-self/net"):
            (folder / name).mkdir(parents=True)
        for namespace in (OURS, FOREIGN):
            (folder / namespace).touch()
        (folder / "proc/thread-self/net/dev").hardlink_to(folder / OURS)
        self.process(1, "init")

    def process(self, pid: int, comm: str, namespace: str = OURS, group: int = 1) -> None:
        process = self.folder / f"proc/{pid}"
        (process / "net").mkdir(parents=True)
        (process / "net/dev").hardlink_to(self.folder / namespace)
        (process / "comm").write_text(f"{comm[:15]}\n")
        (process / "stat").write_text(f"{pid} (a) b) S 1 {group} {group} 0 -1")

    def file(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def owner(self, interface: str = "eth0", groups: tuple[int, ...] = ()) -> Owner | None:
        roots = [self.folder / name for name in ("run", "etc", "proc")]
        return Managers(*roots).owner(interface, 2, groups)

    def manager(self, interface: str = "eth0") -> str | None:
        found = self.owner(interface)
        return found.manager if found else None


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


def test_a_machine_without_any_manager_leaves_everything_free(machine: FakeMachine) -> None:
    assert machine.owner() is None


# --- NetworkManager by its state file, the bus being away


@pytest.mark.parametrize(
    ("state", "busy"),
    [
        ("[device]\nmanaged=true\nnm-owned=false\n", True),
        ("[device]\nmanaged=false\n", False),
        ("[device]\nnm-owned=false\n", False),
        ("", False),
        ("\x00\xff torn", False),
    ],
)
def test_networkmanager_owns_what_its_state_file_says(
    machine: FakeMachine, state: str, busy: bool
) -> None:
    machine.file("run/NetworkManager/devices/2", state)
    machine.process(50, "NetworkManager")

    assert machine.manager() == ("NetworkManager" if busy else None)


def test_a_state_file_counts_only_while_its_program_runs_here(machine: FakeMachine) -> None:
    machine.file("run/NetworkManager/devices/2", "[device]\nmanaged=true\n")
    assert machine.owner() is None
    machine.process(50, "NetworkManager", FOREIGN)
    assert machine.owner() is None
    machine.process(51, "NetworkManager")
    assert machine.owner() is not None


def test_commands_survive_the_strangest_interface_name(machine: FakeMachine) -> None:
    """The kernel forbids only slash, colon and white space."""
    name = "a;b'$(c)"
    machine.file("run/NetworkManager/devices/2", "[device]\nmanaged=true\n")
    machine.process(50, "NetworkManager")
    owner = machine.owner(name)
    assert owner is not None

    assert shlex.split(owner.command)[3] == name
    assert f"unmanaged-devices+=interface-name:{name}" in shlex.split(owner.lasting)


# --- systemd-networkd


@pytest.mark.parametrize(
    ("admin", "file", "busy"),
    [
        ("configured", "/etc/systemd/network/10.network", True),
        ("configuring", "/run/systemd/network/10-netplan-eth0.network", True),
        ("failed", "/etc/systemd/network/10.network", True),
        ("unmanaged", "/etc/systemd/network/10.network", False),
        ("unmanaged", "", False),
        ("pending", "", False),
        ("configured", "", False),
    ],
)
def test_networkd_owns_what_its_state_file_says(
    machine: FakeMachine, admin: str, file: str, busy: bool
) -> None:
    text = f"# private\nADMIN_STATE={admin}\nOPER_STATE=routable\n"
    text += f"NETWORK_FILE={file}\n" if file else ""
    machine.file("run/systemd/netif/links/2", text)
    machine.process(60, "systemd-networkd")

    assert machine.manager() == ("systemd-networkd" if busy else None)


# --- ifupdown


@pytest.mark.parametrize(
    ("state", "interfaces", "busy"),
    [
        ("lo=lo\neth0=eth0\n", "iface eth0 inet dhcp\n", True),
        ("eth0=home\n", "mapping eth0\n script x\niface home inet static\n", True),
        ("eth0=eth0\n", "iface \\\n eth0 inet dhcp\n", True),
        ("eth0=eth0\n", "iface eth0 inet manual\n", False),
        ("eth0=eth0\n", "iface eth0 inet manual\niface eth0 inet6 auto\n", True),
        ("lo=lo\n", "iface eth0 inet dhcp\n", False),
        ("eth0=eth0\n", "# iface eth0 inet dhcp\n", False),
        ("eth0=eth0\n", "iface eth0.5 inet dhcp\n", False),
        ("eth0.5=eth0.5\n", "iface eth0 inet dhcp\n", False),
        ("eth0", "iface eth0 inet dhcp\n", False),
    ],
)
def test_ifupdown_owns_what_is_up_and_configured(
    machine: FakeMachine, state: str, interfaces: str, busy: bool
) -> None:
    machine.file("run/network/ifstate", state)
    machine.file("etc/network/interfaces", interfaces)

    assert machine.manager() == ("ifupdown" if busy else None)


@pytest.mark.parametrize(
    "line",
    ["source interfaces.d/*", "source /{}/etc/network/interfaces.d/w*", "source-directory *.d"],
)
def test_ifupdown_files_that_include_others_are_followed(machine: FakeMachine, line: str) -> None:
    machine.file("run/network/ifstate", "eth0=eth0\n")
    machine.file("etc/network/interfaces", line.format(str(machine.folder).lstrip("/")))
    machine.file("etc/network/interfaces.d/wired", "iface eth0 inet dhcp\n")
    owner = machine.owner()

    assert owner is not None
    assert owner.lasting.endswith("etc/network/interfaces.d/wired")


def test_ifupdown_files_that_include_one_another_end(machine: FakeMachine) -> None:
    machine.file("run/network/ifstate", "eth0=eth0\n")
    machine.file("etc/network/interfaces", "source interfaces\nsource interfaces\n")

    assert machine.owner() is None


def test_ifupdown_counts_only_in_the_namespace_it_works_in(machine: FakeMachine) -> None:
    machine.file("run/network/ifstate", "eth0=eth0\n")
    machine.file("etc/network/interfaces", "iface eth0 inet dhcp\n")
    dev = machine.folder / "proc/1/net/dev"
    dev.unlink()
    dev.hardlink_to(machine.folder / FOREIGN)

    assert machine.owner() is None


@given(text=st.text(alphabet=" \n\\=*[/.#'\"ifaceorth0nsu\x00", max_size=80))
def test_no_interfaces_file_whatever_is_in_it_breaks_the_search(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("e")
    (folder / "interfaces").write_text(f"source {text}\n{text}")
    (folder / "ifstate").write_text(text)

    assert isinstance(ifupdown.configured_in(folder / "interfaces", "eth0"), list)
    ifupdown.configured_as(folder / "ifstate", "eth0")


# --- dhcpcd


@pytest.mark.parametrize("config", ["", "denyinterfaces eth0\n", "allowinterfaces wlan0\n"])
def test_dhcpcd_for_all_interfaces_owns_even_those_that_it_denies(
    machine: FakeMachine, config: str
) -> None:
    machine.process(70, "dhcpcd")
    machine.file("run/dhcpcd/pid", "70\n")
    machine.file("etc/dhcpcd.conf", config)

    assert machine.manager() == "dhcpcd"


def test_dhcpcd_of_one_interface_does_not_own_another(machine: FakeMachine) -> None:
    machine.process(70, "dhcpcd")
    machine.file("run/dhcpcd/eth0-4.pid", "70\n")

    assert machine.manager("eth0") == "dhcpcd"
    assert machine.manager("eth1") is None


def test_our_own_dhcpcd_is_known_by_its_process_group(machine: FakeMachine) -> None:
    machine.process(70, "dhcpcd", group=69)
    machine.file("run/dhcpcd/eth0-4.pid", "70\n")

    assert machine.owner(groups=(69,)) is None
    assert machine.owner(groups=(70,)) is not None


@pytest.mark.parametrize("text", ["", "x", "-1", "99999999999999999999", "1", "71", "\xb2"])
def test_a_pid_file_of_something_else_does_not_count(machine: FakeMachine, text: str) -> None:
    machine.process(71, "dhcpcd", FOREIGN)
    machine.file("run/dhcpcd/pid", text)

    assert machine.owner() is None


# --- processes


def test_a_program_that_ended_is_noticed_and_found_again_elsewhere(machine: FakeMachine) -> None:
    processes = Processes(machine.folder / "proc")
    machine.process(80, "systemd-networkd")
    assert processes.running("systemd-networkd")
    (machine.folder / "proc/80/comm").write_text("other\n")
    assert not processes.running("systemd-networkd")
    machine.process(81, "systemd-networkd")
    assert processes.running("systemd-networkd")


def test_a_process_that_is_gone_has_no_group(machine: FakeMachine) -> None:
    assert Processes(machine.folder / "proc").group(4711) is None


# --- the bus


def reply(serial: int, body: bytes, kind: int = 2, order: str = "<") -> bytes:
    """A message as GDBus writes it: sender, destination, signature and reply serial."""
    fields = b""
    for code, signature, value in ((7, b"s", b":1.5"), (6, b"s", b":1.9")):
        fields += bytes(-len(fields) % 8) + bytes((code, 1)) + signature + b"\0"
        fields += struct.pack(f"{order}I", len(value)) + value + b"\0"
    fields += bytes(-len(fields) % 8) + b"\x08\x01g\0\x01v\0"
    fields += bytes(-len(fields) % 8) + b"\x05\x01u\0" + struct.pack(f"{order}I", serial)
    mark = b"l" if order == "<" else b"B"
    sizes = struct.pack(f"{order}III", len(body), 77, len(fields))
    head = mark + bytes((kind, 1, 1)) + sizes + fields
    return head + bytes(-len(head) % 8) + body


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_answer_of_either_byte_order_is_understood(order: str) -> None:
    message = reply(3, b"\x01b\0\0\x01\0\0\0", order=order)

    assert bus.message_size(message) == len(message)
    assert bus.decode(message) == (2, 3, b"\x01b\0\0\x01\0\0\0")


@given(data=st.binary(max_size=200), keep=st.integers(0, 80))
def test_garbage_on_the_bus_is_refused_and_nothing_else(data: bytes, keep: int) -> None:
    message = reply(3, b"x" * 8)[:keep] + data
    try:
        size = bus.message_size(message)
        if size is not None:
            bus.decode(message[:size])
    except bus.BusError:
        pass


@contextmanager
def fake_bus(path: Path, greeting: bytes, *answers: bytes) -> Iterator[list[bytes]]:
    """A bus that answers the greeting, and then each whole call; at the end it is silent."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(5)

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.settimeout(5)
                heard.append(client.recv(4096))
                client.sendall(greeting)
                buffer = b""
                for answer in (*answers, b""):
                    while (size := bus.message_size(buffer)) is None or len(buffer) < size:
                        data = client.recv(4096)
                        if not data:
                            return
                        buffer = (buffer + data).removeprefix(b"BEGIN\r\n")
                    heard.append(buffer[:size])
                    buffer = buffer[size:]
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield heard
        thread.join()


DEVICE = b"/org/freedesktop/NetworkManager/Devices/2"
FOUND = struct.pack("=I", len(DEVICE)) + DEVICE + b"\0"


@pytest.mark.parametrize("managed", [True, False])
def test_networkmanagers_answer_is_taken(tmp_path: Path, managed: bool) -> None:
    value = b"\x01b\0\0" + struct.pack("=I", managed)
    signal = reply(0, b"", kind=4)
    answers = (signal + reply(1, b""), reply(2, FOUND), reply(3, value))
    with fake_bus(tmp_path / "bus", b"OK 1234\r\n", *answers) as heard:
        assert bus.manages(tmp_path / "bus", "eth0", limit=5) is managed

    assert heard[0].startswith(b"\0AUTH EXTERNAL ")
    assert DEVICE in heard[3]


@pytest.mark.parametrize(
    "answers",
    [
        (b"REJECTED\r\n",),
        (b"OK 1\r\n", b"rubbish, longer than a header\r\n"),
        (b"OK 1\r\n", reply(1, b""), reply(2, b"", kind=3)),
        (b"OK 1\r\n", reply(1, b""), reply(2, b"\xff")),
        (b"OK 1\r\n", reply(1, b""), reply(2, FOUND), reply(3, b"\x01s\0\0")),
        (b"",),
    ],
    ids=["refused", "rubbish", "unknown device", "torn", "other type", "silent"],
)
def test_no_usable_answer_is_none_within_the_time_limit(
    tmp_path: Path, answers: tuple[bytes, ...]
) -> None:
    with fake_bus(tmp_path / "bus", *answers):
        assert bus.manages(tmp_path / "bus", "eth0", limit=0.2) is None


def test_no_bus_is_none(tmp_path: Path) -> None:
    assert bus.manages(tmp_path / "bus", "eth0") is None
