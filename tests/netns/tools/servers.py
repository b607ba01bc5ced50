"""The servers of the small internet, run inside a namespace; prints `ready` when they listen.

servers.py internet ADDRESS...     UDP and TCP echo (port 7), pages of the connectivity checks
servers.py portal ADDRESS PORT     every page is a redirect to a login page
"""

from __future__ import annotations

import asyncio
import sys

PAGES = {
    "/generate_204": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "/check_network_status.txt": (
        b"HTTP/1.1 200 OK\r\nX-NetworkManager-Status: online\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 25\r\nConnection: close\r\n\r\nNetworkManager is online\n"
    ),
}
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LOGIN = (
    b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class UdpEcho(asyncio.DatagramProtocol):
    """Sends every packet back, from the address it was sent to: one socket for each."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the client's link is gone
    finally:
        writer.close()


async def page(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, portal: bool = False
) -> None:
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        path = head.split(b" ", 2)[1].decode()
        writer.write(LOGIN if portal else PAGES.get(path, MISSING))
        await writer.drain()
    except (OSError, EOFError, TimeoutError, IndexError):
        pass  # a client that hangs up or speaks nonsense gets no answer
    finally:
        writer.close()


async def login(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await page(reader, writer, portal=True)


async def main(kind: str, *arguments: str) -> None:
    servers = []
    if kind == "portal":
        address, port = arguments
        servers.append(await asyncio.start_server(login, address, int(port)))
    else:
        loop = asyncio.get_running_loop()
        for address in arguments:
            await loop.create_datagram_endpoint(UdpEcho, local_addr=(address, 7))
            servers.append(await asyncio.start_server(echo, address, 7))
            servers.append(await asyncio.start_server(page, address, 80))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
