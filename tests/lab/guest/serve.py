"""What runs in the lab's machine: does what the host asks for, one thing at a time.

Requests and answers are JSON lines on the virtio port `lab`. A request is {"id": 7, "do": ...}:

    {"do": "shell", "script": TEXT, "limit": SECONDS}    an executable text; its output streams
    {"do": "preload"}                                    import pytest and what most tests need
    {"do": "test", "nodeid": TEXT, "limit": SECONDS, "arguments": [TEXT...]}

Answers carry the id: {"output": TEXT} any number of times, {"report": OBJECT} for each phase of a
test (pytest's serialisation), and in the end {"exit": CODE, "leaked": [TEXT...]}. Without an id:
{"alive": MILLISECONDS} every second. When the host hangs up, the machine is switched off.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parent))  # after the standard library's zip: this folder

import clean

PORT = "lab"
BEAT = 1.0  # seconds between signs of life
LOOK = 0.1  # seconds between looks at what a job wrote
FOLDER = Path("/tmp/lab-job")


def find_port() -> str:
    """The device file of the channel."""
    for port in Path("/sys/class/virtio-ports").iterdir():
        if (port / "name").read_text().strip() == PORT:
            return f"/dev/{port.name}"
    raise SystemExit(f"lab: no virtio port named {PORT}")


class Job:
    """A forked child. It writes to files: what it leaves behind can hold no pipe open."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.deadline = time.monotonic() + float(request.get("limit", 600))
        self.timed_out = False
        self.status: int | None = None
        self.before = clean.snapshot()
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        self.output = (FOLDER / "output").open("w+b", buffering=0)
        self.reports = (FOLDER / "reports").open("w+b", buffering=0)
        self.reported = b""
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            try:
                code = self.child()
            except BaseException:  # noqa: BLE001 - the child must never go on as the server
                traceback.print_exc()
            finally:
                with contextlib.suppress(Exception):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(code)
        self.read_output = (FOLDER / "output").open("rb", buffering=0)
        self.read_reports = (FOLDER / "reports").open("rb", buffering=0)

    def child(self) -> int:
        """Do what was asked; return the exit code, or become the script."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(self.output.fileno(), 1)
        os.dup2(self.output.fileno(), 2)
        if self.request["do"] == "test":
            import inside

            return inside.run_test(self.request, self.reports)
        script = FOLDER / "script"
        text = self.request["script"]
        script.write_text(text if text.startswith("#!") else f"#!/bin/bash\n{text}\n")
        script.chmod(0o755)
        return os.execv(script, [str(script)])

    def news(self) -> Iterator[dict[str, Any]]:
        """What it has written since the last time, as messages."""
        while data := self.read_output.read(65536):
            yield {"output": base64.b64encode(data).decode()}
        while data := self.read_reports.read(1 << 20):
            *lines, self.reported = (self.reported + data).split(b"\n")
            for line in lines:
                yield {"report": json.loads(line)}

    def close(self) -> None:
        for handle in (self.output, self.reports, self.read_output, self.read_reports):
            handle.close()


class Server:
    """One channel, at most one job."""

    def __init__(self) -> None:
        self.port = os.open(find_port(), os.O_RDWR)
        self.buffer = b""
        self.job: Job | None = None
        self.next_beat = 0.0

    def send(self, **message: Any) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.port, data) :]

    def serve(self) -> None:
        wake, waker = os.pipe()
        for number in (wake, waker):
            os.set_blocking(number, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.send(hello=1)
        while True:
            now = time.monotonic()
            if now >= self.next_beat:
                self.next_beat = now + BEAT
                self.send(alive=int(now * 1000))
            pause = min(LOOK, BEAT) if self.job else BEAT
            ready, _, _ = select.select([self.port, wake], [], [], pause)
            if wake in ready:
                os.read(wake, 4096)
            if self.port in ready:
                self.receive()
            self.reap()
            if self.job:
                self.look_after(self.job)

    def receive(self) -> None:
        """Take requests; the end of the channel is the end of the machine."""
        data = os.read(self.port, 65536)
        if not data:
            clean.power_off()
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if request["do"] == "preload":
                import inside

                inside.preload()
                self.send(id=request["id"], exit=0, leaked=[], timed_out=False)
            elif self.job:
                raise SystemExit("lab: a request came while another was being worked on")
            else:
                self.job = Job(request)

    def reap(self) -> None:
        """Collect ended processes; process 1 gets everybody's."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if self.job and found[0] == self.job.pid:
                    self.job.status = os.waitstatus_to_exitcode(found[1])

    def look_after(self, job: Job) -> None:
        """Pass on what the job wrote; end it when it is done or its time is over."""
        if job.status is None and time.monotonic() > job.deadline:
            job.timed_out = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)
        done = job.status is not None
        for message in job.news():
            self.send(id=job.request["id"], **message)
        if not done:
            return
        job.close()
        self.job = None
        leaked: list[str] = []
        if job.request["do"] == "test":
            leaked = clean.processes_left(job.before)
            clean.restore(job.before)
        self.send(id=job.request["id"], exit=job.status, leaked=leaked, timed_out=job.timed_out)


if __name__ == "__main__":
    clean.become_reaper()
    Server().serve()
