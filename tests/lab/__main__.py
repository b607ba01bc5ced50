"""Front end of script/lab."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.lab import image
from tests.lab.cache import ROOT, LabError
from tests.lab.machine import COMMAND_LINE, Machine, command
from tests.lab.wheels import install_conman, install_dependencies

EXPLANATION = """\
The lab is an emulated computer with Debian 12, its kernel, simulated radios and USB ports. It needs
no hardware and no virtualisation support; it shares nothing with this machine's network. Each start
begins with the same disk.

  sudo script/lab build              make its disk (about 1.5 minutes; only this needs root)
  script/lab run 'iw list'           run shell commands, or a script file, inside; exit code is the
  script/lab run job.sh              last one's. Inside: /src the checkout (read-only), /out a
                                     folder that `--out` names, conman on PATH, from its wheels
  script/lab shell                   a shell inside; `exit` switches the machine off
  script/lab test tests/lab/test_lab.py -k hidden
                                     pytest, the tests marked `lab` (they run inside)

  script/lab chaos --minutes 10      radios and access points that come, go and change; --seed N
                                     for the same again

Kept in CONMAN_LAB_CACHE, by default ~/.cache/conman-lab: remove it to get the space back.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="script/lab",
        description=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("build", help="make the disk and the wheels, if they are not up to date")
    run = commands.add_parser("run", help="run commands or script files inside")
    shell = commands.add_parser("shell", help="an interactive shell inside")
    for sub in (run, shell):
        sub.add_argument("--init", choices=["lab", "systemd"], default="lab", help="process 1")
        sub.add_argument("--memory", type=int, default=1024, metavar="MIB")
        sub.add_argument("--out", type=Path, help="the folder that is /out inside, writable")
    run.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="for each job")
    run.add_argument("--time", action="store_true", help="say how long it took")
    run.add_argument("job", nargs="+", metavar="JOB", help="a shell command or a script file")
    chaos = commands.add_parser("chaos", help="ten minutes of trouble with radios")
    chaos.add_argument("--minutes", type=float, default=10.0)
    chaos.add_argument("--seed", type=int, help="a number; the same one does the same")
    test = commands.add_parser("test", help="run lab tests", add_help=False)
    test.add_argument("arguments", nargs=argparse.REMAINDER, help="pytest's")
    wanted, rest = parser.parse_known_args()
    if rest and wanted.command != "test":
        parser.error(f"unknown: {' '.join(rest)}")
    try:
        if wanted.command == "build":
            print(image.build().folder)
            install_dependencies()
            install_conman()
            return 0
        if wanted.command == "test":
            return _test([*rest, *wanted.arguments])
        if wanted.command == "chaos":
            return _chaos(wanted)
        return _shell(wanted) if wanted.command == "shell" else _run(wanted)
    except LabError as error:
        print(f"script/lab: {error}", file=sys.stderr)
        return 3


def _test(arguments: list[str]) -> int:
    if why := image.missing():
        raise LabError(why)
    argv = [sys.executable, "-m", "pytest", "-m", "lab", "tests/lab", *arguments]
    if any(Path(word.partition("::")[0]).exists() for word in arguments):
        argv.remove("tests/lab")
    return subprocess.run(argv, check=False, cwd=ROOT).returncode


def _chaos(wanted: argparse.Namespace) -> int:
    seed = "" if wanted.seed is None else f" --seed {wanted.seed}"
    job = f"exec python3 -m tests.lab.chaos --minutes {wanted.minutes:g}{seed}"
    limit = wanted.minutes * 60 + 600
    return _run(
        argparse.Namespace(init="lab", memory=1024, out=None, limit=limit, time=False, job=[job])
    )


def _run(wanted: argparse.Namespace) -> int:
    started = time.monotonic()
    with Machine(
        init="" if wanted.init == "lab" else wanted.init, memory=wanted.memory, out=wanted.out
    ) as machine:
        machine.wait_ready()
        if wanted.time:
            print(f"ready after {time.monotonic() - started:.1f} s", file=sys.stderr)
        for job in wanted.job:
            path = Path(job)
            script = path.read_text() if len(job) < 200 and path.is_file() else job
            moment = time.monotonic()
            answer = machine.request(_print, do="shell", script=script, limit=wanted.limit)
            if wanted.time:
                print(f"took {time.monotonic() - moment:.1f} s", file=sys.stderr)
            if answer.timed_out:
                raise LabError(f"{job}: not done within {wanted.limit:g} s")
            if answer.code:
                return answer.code if answer.code > 0 else 128 - answer.code
    return 0


def _print(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _shell(wanted: argparse.Namespace) -> int:
    if not sys.stdin.isatty():
        raise LabError("a shell needs a terminal; script/lab run 'COMMAND' does without")
    size = os.get_terminal_size()
    words = f"{COMMAND_LINE} lab.job=shell lab.size={size.lines}x{size.columns}"
    if wanted.init == "systemd":
        words = f"{COMMAND_LINE} lab.init=systemd"
    with tempfile.TemporaryDirectory(prefix="conman-lab-") as folder:
        argv = command(Path(folder), wanted.out or Path(folder), words, wanted.memory)
        argv += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        done = subprocess.run(argv, check=False)
    subprocess.run(["stty", "sane"], check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
