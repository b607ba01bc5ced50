"""The extended AT commands: 3GPP 27.007, and those of Huawei's that programs use."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.modems.at import COMMANDS, STATES, AtError, Terminal

NOT_ALLOWED, NO_SIM, PIN_WANTED, PUK_WANTED, SIM_FAILURE, WRONG_PASSWORD = 3, 10, 11, 12, 13, 16
CARD_ERRORS = {"absent": NO_SIM, "pin": PIN_WANTED, "puk": PUK_WANTED, "blocked": SIM_FAILURE}
CARD_WORDS = {"ready": "READY", "pin": "SIM PIN", "puk": "SIM PUK"}
MODES = {"0": "low-power", "1": "online", "4": "low-power"}
NUMBERS = {"online": 1, "low-power": 4, "offline": 0}
TECHNOLOGIES = {"gsm": 0, "umts": 2, "lte": 7}
ASK, TEST, SET = "?", "=?", "="
Handler = Callable[[Terminal, str, str], str]


def command(*names: str) -> Callable[[Handler], Handler]:
    """Make a function the answer to some commands; it gets what follows the name."""

    def register(handler: Handler) -> Handler:
        COMMANDS.update(dict.fromkeys(names, handler))
        return handler

    return register


def words(value: str) -> list[str]:
    return [word.strip('"') for word in value.split(",")]


def card_ready(terminal: Terminal) -> None:
    """Raises AtError unless the card works."""
    if error := CARD_ERRORS.get(terminal.modem.sim.state):
        raise AtError(error)


@command("CGMI", "GMI")
def maker(terminal: Terminal, mark: str, value: str) -> str:
    return terminal.model[0]


@command("CGMM", "GMM")
def model(terminal: Terminal, mark: str, value: str) -> str:
    return terminal.model[1]


@command("CGMR", "GMR")
def revision(terminal: Terminal, mark: str, value: str) -> str:
    return terminal.model[2]


@command("CGSN", "GSN")
def imei(terminal: Terminal, mark: str, value: str) -> str:
    return "" if mark == TEST else terminal.modem.imei


@command("CIMI")
def imsi(terminal: Terminal, mark: str, value: str) -> str:
    card_ready(terminal)
    return "" if mark == TEST else terminal.modem.sim.imsi


@command("CCID", "ICCID", "QCCID")
def iccid(terminal: Terminal, mark: str, value: str) -> str:
    if not terminal.modem.sim.present:
        raise AtError(NO_SIM)
    return f"+CCID: {terminal.modem.sim.iccid}"


@command("CPIN")
def pin(terminal: Terminal, mark: str, value: str) -> str:
    """Say what the card wants; take a PIN, or a PUK and a new PIN."""
    modem = terminal.modem
    if mark == SET:
        codes = words(value)
        if modem.sim.state not in ("pin", "puk"):
            raise AtError(CARD_ERRORS.get(modem.sim.state, NOT_ALLOWED))
        if modem.sim.state == "puk" and len(codes) < 2:
            raise AtError(PUK_WANTED)
        if len(codes) > 1:
            modem.card(lambda sim: sim.unblock(codes[0], codes[1]))
        else:
            modem.card(lambda sim: sim.verify(codes[0]))
        return ""
    if mark == TEST:
        return ""
    word = CARD_WORDS.get(modem.sim.state)
    if not word:
        raise AtError(CARD_ERRORS[modem.sim.state])
    return f"+CPIN: {word}"


@command("CPINR")
def tries(terminal: Terminal, mark: str, value: str) -> str:
    sim = terminal.modem.sim
    return f"+CPINR: SIM PIN,{sim.retries},3\n+CPINR: SIM PUK,{sim.puk_retries},10"


@command("CLCK")
def lock(terminal: Terminal, mark: str, value: str) -> str:
    """Whether the card asks for its PIN, and to change that."""
    modem, given = terminal.modem, words(value)
    card_ready(terminal)
    if mark != SET or given[0] != "SC":
        raise AtError(NOT_ALLOWED)
    if given[1] == "2":
        return f"+CLCK: {int(modem.sim.pin is not None)}"
    wanted, current = given[1] == "1", modem.sim.pin
    modem.card(lambda sim: sim.protect(given[2], wanted=wanted, current=current))
    return ""


def _registration(name: str) -> Handler:
    def answer(terminal: Terminal, mark: str, value: str) -> str:
        level = terminal.reports.get(name, 0)
        if mark == SET:
            terminal.reports[name] = int(value or 0)
            return ""
        if mark == TEST:
            return f"+{name}: (0-2)"
        modem = terminal.modem
        state = STATES.get(modem.registration, 0)
        if name == "CEREG" and modem.settings.technology != "lte":
            state = 0
        where = ',"2A17","01A2B301",7' if level == 2 and modem.registered else ""
        return f"+{name}: {level},{state}{where}"

    return answer


for _name in ("CREG", "CGREG", "CEREG"):
    COMMANDS[_name] = _registration(_name)


@command("COPS")
def operator(terminal: Terminal, mark: str, value: str) -> str:
    modem = terminal.modem
    settings = modem.settings
    if mark == SET:
        given = words(value)
        if given[0] == "3" and len(given) > 1:
            terminal.name_format = int(given[1])
        return ""
    card_ready(terminal)
    if mark == TEST:
        found = [(2, settings.operator, settings.home), (1, "Elsewhere", settings.abroad)]
        parts = (f'({state},"{name}","{name}","{code}",7)' for state, name, code in found)
        return f"+COPS: {','.join(parts)},,(0-4),(0-2)"
    if not modem.registered:
        return "+COPS: 0"
    name = modem.network if terminal.name_format == 2 else settings.operator
    return f'+COPS: 0,{terminal.name_format},"{name}",{TECHNOLOGIES[settings.technology]}'


@command("CSQ")
def signal(terminal: Terminal, mark: str, value: str) -> str:
    """-113 dBm is 0, 2 dB a step; 99 is not known."""
    if mark == TEST:
        return "+CSQ: (0-31,99),(0-7,99)"
    if terminal.modem.registration == "none":
        return "+CSQ: 99,99"
    return f"+CSQ: {max(0, min(31, (terminal.modem.settings.signal + 113) // 2))},99"


@command("CGDCONT")
def context(terminal: Terminal, mark: str, value: str) -> str:
    if mark == TEST:
        return '+CGDCONT: (1-16),"IP",,,(0-2),(0-4)'
    if mark == SET:
        given = words(value)
        if not given[0].isdigit() or not 1 <= int(given[0]) <= 16:
            raise AtError(NOT_ALLOWED)
        terminal.modem.contexts.pop(int(given[0]), None)
        if len(given) > 1:
            terminal.modem.contexts[int(given[0])] = given[2] if len(given) > 2 else ""
        return ""
    return "\n".join(
        f'+CGDCONT: {number},"IP","{apn}","0.0.0.0",0,0'
        for number, apn in sorted(terminal.modem.contexts.items())
    )


@command("CFUN")
def function(terminal: Terminal, mark: str, value: str) -> str:
    """Radio on or off; `1,1` starts the modem anew."""
    modem = terminal.modem
    if mark == TEST:
        return "+CFUN: (0,1,4),(0-1)"
    if mark == SET:
        given = words(value)
        mode = "reset" if given[1:] == ["1"] else MODES.get(given[0])
        if not mode:
            raise AtError(NOT_ALLOWED)
        modem.loop.later(0, lambda: modem.set_mode(mode))  # after the answer
        return ""
    return f"+CFUN: {NUMBERS[modem.mode]}"


@command("RESET")
def reset(terminal: Terminal, mark: str, value: str) -> str:
    return function(terminal, SET, "1,1")


@command("CGATT")
def attached(terminal: Terminal, mark: str, value: str) -> str:
    return "" if mark != ASK else f"+CGATT: {int(terminal.modem.registered)}"


@command("GCAP")
def capabilities(terminal: Terminal, mark: str, value: str) -> str:
    return "+GCAP: +CGSM,+DS,+ES"


@command("CMEE")
def errors(terminal: Terminal, mark: str, value: str) -> str:
    if mark == SET:
        terminal.verbose_errors = int(value) if value.isdigit() else 0
        return ""
    return f"+CMEE: {terminal.verbose_errors}"


@command("SYSINFO")
def system_of_huawei(terminal: Terminal, mark: str, value: str) -> str:
    """Service, domain, roaming, mode and card, as one line."""
    modem = terminal.modem
    service = 2 if modem.registered else 0
    mode = {"gsm": 3, "umts": 5, "lte": 9}[modem.settings.technology] if service else 0
    card = {"ready": 1, "absent": 255}.get(modem.sim.state, 240)
    return f"^SYSINFO:{service},{service + 1},{int(modem.registration == 'roaming')},{mode},{card}"


@command("IFC", "CURC", "CMGF", "CNMI", "CPMS", "IPR", "ICF", "CSCS", "CGEREP", "CVHU")
def accepted(terminal: Terminal, mark: str, value: str) -> str:
    """Taken, without any effect here."""
    return ""
