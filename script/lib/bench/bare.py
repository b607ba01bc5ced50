"""A bare Tornado handler in a process of its own: it returns the bytes that it is started with.

Not even a RequestHandler, which makes an ETag and more headers: nothing of Tornado's is barer.
The first line of standard input is the size of the page, which follows; the port goes to standard
output. It ends when its input does.
"""

from __future__ import annotations

import asyncio
import gc
import sys

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.netutil import bind_sockets


async def main() -> None:
    """Serve until standard input ends."""
    page = sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))

    def answer(request: HTTPServerRequest) -> None:
        assert request.connection
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))}
        line = ResponseStartLine("HTTP/1.1", 200, "OK")
        request.connection.write_headers(line, HTTPHeaders(headers), page)
        request.connection.finish()

    (listening,) = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(answer)
    server.add_socket(listening)
    gc.collect()
    gc.freeze()
    print(listening.getsockname()[1], flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
