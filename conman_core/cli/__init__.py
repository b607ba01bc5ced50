"""The command line. `main` runs one command and returns its exit code; it never shows a traceback.

Commands are imported when they are called: `conman status` must be quick on a slow machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from conman_core.cli.tables import complain
from conman_core.errors import ConmanError, NotRunning

FINE, FAILED, USAGE, NOT_RUNNING, NOT_ONLINE = 0, 1, 2, 3, 4
INTERRUPTED, BROKEN_PIPE = 130, 141  # as a shell counts SIGINT and SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command: 0 fine, 1 error, 2 usage, 3 daemon not running, 4 not online."""
    if sys.stdout is None or sys.stderr is None:  # closed by the caller: `conman status >&-`
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - until the end
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = FINE
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # `conman watch | head -1`: the reader has seen enough
        _silence()
        return BROKEN_PIPE
    except OSError as error:
        _silence()
        if code == FINE:  # else it has been said
            complain(f"the output cannot be written: {error.strerror}")
        return code or FAILED
    return code


def _run(argv: Sequence[str] | None) -> int:
    from conman_core.cli.parser import command

    try:
        return command(argv)
    except SystemExit as end:  # argparse, after --help or a wrong argument
        return end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except NotRunning as error:
        complain(str(error))
        return NOT_RUNNING
    except ConmanError as error:
        complain(str(error))
        return FAILED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - a person at a terminal gets a sentence
        complain(f"this is a fault in conman, please report it: {place_of(error)}")
        return FAILED


def place_of(error: BaseException) -> str:
    """Return an exception and where it comes from, in one line."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code.co_filename if trace else ""
    place = f" ({os.path.basename(code)} line {trace.tb_lineno})" if trace else ""  # noqa: PTH119
    return f"{type(error).__name__}: {error}{place}".replace("\n", " ")


def _silence() -> None:
    """Let the interpreter's last flush of standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
