"""A modem's AT commands (3GPP 27.007, V.250): lines in, lines out, and what a dial leads to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from tests.lab.modems.loop import Timer
from tests.lab.modems.sim import CardError
from tests.lab.modems.state import Call, Modem, Refused

GUARD = 1.0  # seconds of silence before and after +++ (V.250, S12)
FLAG = b"\x7e"  # around PPP frames, some of which come after the call has ended
COMMAND = re.compile(
    r"""(?P<dial>D[^;]*;?) | (?P<extended>[+^$%][A-Za-z]+(?:=\?|\?|=(?:"[^"]*"|[^;"])*)?) ;?
        | (?P<basic>(?:S\d+=\d+|S\d+\?|[&\\]?[A-Za-z]\d*)) ;?""",
    re.VERBOSE | re.IGNORECASE,
)
ERRORS = {3: "operation not allowed", 10: "SIM not inserted", 11: "SIM PIN required"}
ERRORS |= {12: "SIM PUK required", 13: "SIM failure", 16: "incorrect password", 30: "no network"}
STATES = {"home": 1, "searching": 2, "denied": 3, "roaming": 5}
COMMANDS: dict[str, Callable[[Terminal, str, str], str]] = {}


class AtError(Exception):
    """The answer is ERROR, or +CME ERROR with a number."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


class Terminal:
    """One port that takes AT commands.

    `write` gets what is to be seen there. With a dial `connect` is called with the session; from
    then on `feed` passes everything on to `pass_on`, until `ended`.
    """

    def __init__(self, modem: Modem, write: Callable[[bytes], object], model: tuple[str, ...]):
        self.modem = modem
        self.write = write
        self.model = model
        self.connect: Callable[[Call], object] = lambda call: None
        self.pass_on: Callable[[bytes], object] = lambda data: None
        self.hang_up: Callable[[], object] = lambda: None
        self.online = False  #: data, not commands
        self.call: Call | None = None
        self._line = b""
        self._last = 0.0
        self._escape: Timer | None = None
        self._after_call = False
        self._defaults()

    def _defaults(self) -> None:
        self.echo, self.quiet, self.verbose_errors = True, False, 1
        self.reports: dict[str, int] = {}  #: CREG and the like: what they were set to
        self.name_format = 0  #: of COPS: 0 a name, 2 numbers

    # -- bytes ------------------------------------------------------------------------------------

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes of the host; `now` is a moment in seconds."""
        if self.modem.settings.control == "silent" and not self.online:
            return
        silence, self._last = now - self._last, now
        if self._escape:
            self._escape.cancel()
            self._escape = None
        if self.online:
            if data == b"+++" and silence >= GUARD:
                self._escape = self.modem.loop.later(GUARD, self._escaped)
            else:
                self.pass_on(data)
            return
        if self._after_call:  # frames that were under way
            data = data.rpartition(FLAG)[2]
            self._after_call = False if data else self._after_call
        if self.echo:
            self.write(data)
        self._line += data
        while match := re.search(rb"[\r\n]", self._line):
            line, self._line = self._line[: match.start()], self._line[match.end() :]
            self._obey(line.decode("latin-1").strip())

    def _escaped(self) -> None:
        self._escape = None
        self.online = False
        self._say("OK")

    def ended(self, word: str = "NO CARRIER") -> None:
        """The call is over."""
        if self.call:
            self.online, self.call, self._after_call, self._line = False, None, True, b""
            self._say(word)

    def report(self, what: str) -> None:
        """Say what has changed, where that is wanted."""
        for name, level in self.reports.items():
            if what == "registration" and level and not self.online:
                self._say(f"+{name}: {STATES.get(self.modem.registration, 0)}")

    def _say(self, *lines: str) -> None:
        if self.modem.settings.control == "garbage":
            self.write(os.urandom(12) + b"\r\n")
        elif not self.quiet:
            for line in lines:
                self.write(f"\r\n{line}\r\n".encode())

    # -- lines ------------------------------------------------------------------------------------

    def _obey(self, line: str) -> None:
        found = re.search(r"AT(.*)$", line, re.IGNORECASE)
        if not found:
            return
        try:
            for kind, word in self._words(found[1].replace(" ", "")):
                if kind == "dial":
                    self._dial(word[1:])
                    return
                answer = self._basic(word) if kind == "basic" else self._extended(word)
                if answer:
                    self._say(*answer.split("\n"))
        except (AtError, CardError) as error:
            self._refuse(error.code if isinstance(error, AtError) else 16)
        else:
            self._say("OK")

    @staticmethod
    def _words(text: str) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(text):
            match = COMMAND.match(text, at)
            if not match or not match.lastgroup:
                raise AtError
            yield match.lastgroup, match[match.lastgroup]
            at = match.end()

    def _refuse(self, code: int | None) -> None:
        if code is None or not self.verbose_errors:
            self._say("ERROR")
        else:
            self._say(f"+CME ERROR: {ERRORS[code] if self.verbose_errors == 2 else code}")

    def _basic(self, word: str) -> str:
        name = word[0].upper()
        if name == "E":
            self.echo = word[1:] == "1"
        elif name == "Q":
            self.quiet = word[1:] == "1"
        elif name == "Z" or word.upper() == "&F":
            self.hang_up()
            self._defaults()
        elif name == "H":
            self.call = None
            self.hang_up()
        elif name == "O":
            if not self.call:
                raise AtError
            self.online = True
            return "CONNECT"
        elif name == "I":
            return f"{self.model[0]}\n{self.model[1]}\nRevision: {self.model[2]}"
        return ""

    # -- the call ---------------------------------------------------------------------------------

    def _dial(self, number: str) -> None:
        found = re.fullmatch(r"[TP]?\*99(?:\*\*\*(\d+))?\#", number, re.IGNORECASE)
        wait = self.modem.settings.dial_time
        if wait:
            self.modem.loop.later(wait, lambda: self._dialled(found))
        else:
            self._dialled(found)

    def _dialled(self, found: re.Match[str] | None) -> None:
        how = self.modem.settings.dial
        if how == "silent":
            return
        if how != "fine" or not found:
            self._say((how if found else "NO CARRIER").upper())
            return
        try:
            apn = self.modem.contexts.get(int(found[1] or 1), "")
            settings = self.modem.settings
            apn = apn or (settings.apns or [""])[0]
            # who it is, is asked by PPP
            self.call = self.modem.dial(apn, 4, settings.user, settings.password)
        except Refused:
            self._say("NO CARRIER")
            return
        self._say("CONNECT 150000000")
        self.online = True
        self.connect(self.call)

    def _extended(self, word: str) -> str:
        found = re.fullmatch(r".([A-Za-z]+)(=\?|\?|=|)(.*)", word)
        handler = COMMANDS.get(found[1].upper()) if found else None
        if not found or not handler:
            raise AtError(3)
        return handler(self, found[2], found[3])
