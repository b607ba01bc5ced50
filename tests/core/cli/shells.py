"""A real bash or zsh at a terminal: types a line, presses Tab, and tells what became of it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

_LIMIT = 20.0  #: seconds for a shell to do one thing
_SHOW = "\x14"  # Ctrl-T: hands over the line as it is, and empties it
_DONE = "[done {}]"  # is printed after each message, numbered

# What is typed arrives as arguments of a function `conman`: the program is not what is tested.
_BASH = """
PS1='> ' HISTFILE=
bind 'set bell-style none' 'set show-all-if-ambiguous on' 'set enable-bracketed-paste off' \
    'set completion-query-items 0' 'set page-completions off' 2>/dev/null
n=0
tell() {{ printf '%s\\0' "$1" >{fifo}; printf '[done %s]' $((n += 1)); }}
show() {{ tell "$READLINE_LINE"; READLINE_LINE='' READLINE_POINT=0; }}
bind -x '"\\C-t": show'
conman() {{ tell "$(printf '%s\\1' "$@")"; }}
{load}
tell ready
"""
_ZSH = """
PS1='> ' HISTFILE=
unsetopt zle_bracketed_paste beep prompt_sp
fpath=({functions} $fpath)
autoload -Uz compinit && compinit -u -D
zstyle ':completion:*' list-prompt ''
LISTMAX=10000
n=0
tell() {{ print -rn -- "$1"$'\\0' >{fifo}; print -rn -- "[done $((n += 1))]" }}
show() {{ tell "$BUFFER"; BUFFER='' }}
zle -N show
bindkey '^T' show
conman() {{ tell "${{(pj:\\1:)@}}"$'\\1' }}
{load}
tell ready
"""


class Shell:
    """An interactive shell with the completion script loaded as a user would have it."""

    def __init__(self, kind: str, folder: Path, load: str, **environment: str) -> None:
        self.kind = kind
        self.screen = ""
        fifo = folder / "fifo"
        os.mkfifo(fifo)
        self._fifo = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        start = folder / f"start.{kind}"
        template = _BASH if kind == "bash" else _ZSH
        start.write_text(template.format(fifo=fifo, load=load, functions=folder / "functions"))
        argv = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}[kind]
        self._terminal, end = pty.openpty()
        self._child = subprocess.Popen(
            argv, stdin=end, stdout=end, stderr=end, start_new_session=True, cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "dumb", "COLUMNS": "300",
                 "INPUTRC": "/dev/null", "HOME": str(folder), **environment},
        )  # fmt: skip
        os.close(end)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._heard = b""
        self._messages = 0
        self._send(f". {start}\n")
        assert self._message() == "ready", self.screen

    def tab(self, line: str, tabs: int = 1) -> str:
        """Return the line after Tab."""
        self._send(line + "\t" * tabs + _SHOW)
        return self._message()

    def listed(self, line: str) -> str:
        """Return what Tab shows on the screen."""
        self.tab(line)
        before = _DONE.format(self._messages - 1)
        return self.screen.partition(before)[2].partition(_DONE.format(self._messages))[0]

    def enter(self, line: str) -> list[str]:
        """Press Tab, then Enter, and return the arguments that the command gets."""
        self._send(line + "\t\n")
        return self._message().split("\x01")[:-1]

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        self._reader.join(5)
        os.close(self._terminal)
        os.close(self._fifo)

    def _send(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _message(self) -> str:
        deadline = time.monotonic() + _LIMIT
        while b"\0" not in self._heard:
            ready, _, _ = select.select([self._fifo], [], [], deadline - time.monotonic())
            assert ready, f"the shell is silent: {self.screen[-2000:]!r}"
            self._heard += os.read(self._fifo, 65536)
        message, _, self._heard = self._heard.partition(b"\0")
        self._messages += 1
        while _DONE.format(self._messages) not in self.screen:
            assert time.monotonic() < deadline, self.screen
            time.sleep(0.002)
        return message.decode()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._terminal, 65536)
            except OSError:  # the shell has ended
                return
            self.screen += data.decode(errors="replace")


def need(program: str, package: str) -> None:
    """Skip without a program; a failure where all must be tested."""
    if not (shutil.which(program) or Path(program).exists()):
        assert not os.environ.get("CONMAN_TEST_ALL"), f"{program} is missing"
        pytest.skip(f"{program} is not installed: apt install {package}")
