"""Runs conman's DHCP client on an interface and sets the address, as the core would.

lease_client.py RUNTIME INTERFACE

Prints one JSON object for each thing that happens. Reads commands from standard input:
`release`, `close` and `cancel` end it in that way; `groups` prints the children's groups.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from conman_core.children import Children
from conman_core.errors import ConnectError
from conman_core.model import Connection, Family
from conman_core.net.dhcpcd import DhcpcdLease

CHECKED = (IPv4Address("198.51.100.1"),)


def say(event: str, **more: Any) -> None:
    print(json.dumps({"event": event, "at": time.monotonic()} | more), flush=True)


def tell(connection: Connection) -> None:
    (address,) = connection.addresses
    gateway = connection.gateways.get(Family.IPV4)
    say(
        "lease",
        address=str(address.interface),
        valid=address.valid,
        gateway=str(gateway) if gateway else None,
        dns=[str(server) for server in connection.dns],
        routes=[f"{route.network} {route.gateway}" for route in connection.routes],
        mtu=connection.mtu,
    )


def configure(connection: Connection | None, interface: str) -> None:
    wanted = [str(address.interface) for address in connection.addresses] if connection else []
    shown = subprocess.check_output(["ip", "-j", "-4", "addr", "show", "dev", interface])
    for address in (a for link in json.loads(shown) for a in link.get("addr_info", ())):
        name = f"{address['local']}/{address['prefixlen']}"
        if name not in wanted:
            subprocess.run(["ip", "addr", "del", name, "dev", interface], check=True)
    for name in wanted:
        subprocess.run(["ip", "addr", "replace", name, "dev", interface], check=True)


async def work(client: DhcpcdLease, interface: str) -> None:
    connection: Connection | None = await client.acquire()
    assert connection
    tell(connection)
    if os.environ.get("CONFIGURE") == "no":
        return
    configure(connection, interface)
    async for connection in client.changes():
        configure(connection, interface)
        if connection:
            tell(connection)
        else:
            say("lost")


async def main(runtime: Path, interface: str) -> None:
    children = Children(runtime)
    say("started", ended=children.end_leftovers())
    client = DhcpcdLease(children, runtime, interface, CHECKED)
    commands: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(0, lambda: commands.put_nowait(sys.stdin.readline().strip()))
    working = asyncio.create_task(work(client, interface))
    working.add_done_callback(lambda _: commands.put_nowait("failed" if failed(working) else ""))
    while command := await commands.get():
        if command == "groups":
            say("groups", groups=sorted(children.groups()))
            continue
        if command == "release":
            await client.release()
        elif command == "close":
            await client.close()
        elif command == "failed":
            error = working.exception()
            assert isinstance(error, ConnectError), error
            say("error", reason=error.reason.name, sentence=error.sentence)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        break
    await client.close()
    say("ended", left=sorted(path.name for path in runtime.iterdir()))


def failed(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is not None


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
