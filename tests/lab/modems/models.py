"""The dongles: what the bus sees of each, and which of the kernel's drivers bind.

| name    | ids       | drivers            | gives                                    |
|---------|-----------|--------------------|------------------------------------------|
| ec25    | 2c7c:0125 | option, qmi_wwan   | ttyUSB0-3, cdc-wdm0, wwan0 (raw-ip)      |
| e392    | 12d1:1506 | option, qmi_wwan   | ttyUSB0-1, cdc-wdm0, wwan0 (802.3)       |
| e220    | 12d1:1001 | option             | ttyUSB0-1, AT and PPP                    |
| acm     | 0421:0001 | cdc_acm            | ttyACM0, AT and PPP                      |
| hilink  | 12d1:14dc | cdc_ether          | eth0, a router at 192.168.8.1            |
| rndis   | 12d1:14dc | rndis_host         | eth0, the same router                    |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.modems import webapi
from tests.lab.modems.bearer import TAP, TUN, Bearer, in_namespace, open_tunnel
from tests.lab.modems.descriptors import Description, cdc_ethernet, cdc_header, cdc_union
from tests.lab.modems.ether import Ether, Rndis
from tests.lab.modems.gadget import Function, Gadget
from tests.lab.modems.peer import Place
from tests.lab.modems.qmi import Qmi
from tests.lab.modems.qmux import DMS, NAS, UIM, WDA, WDS
from tests.lab.modems.serialport import AcmPort, SerialPort
from tests.lab.modems.state import Modem, Refused
from tests.lab.modems.wwan import Wwan

HILINK_MAC = "0c5b8f279a64"  # the same in every dongle of that kind


@dataclass(frozen=True, slots=True)
class Parts:
    """What a dongle is built of."""

    gadget: Gadget
    modem: Modem
    namespace: str  #: of the carrier, or of a dongle that is a router
    tunnel: str  #: name of the interface there
    place: Place
    description: Description


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of dongle. `build` makes its functions."""

    ids: tuple[int, int]
    about: tuple[str, str, str]  #: maker, model, revision
    build: Callable[[Parts, Model], list[Function]]
    terminals: tuple[str, ...] = ()  #: the kernel's names, without their numbers
    at_port: int = 0  #: which of them takes calls
    control: bool = False  #: whether there is a cdc-wdm
    network: bool = False
    router: bool = False
    cdrom: tuple[int, int] = (0, 0)  #: ids as long as it is a CD-ROM; 0 if it never is


def _ec25(parts: Parts, model: Model) -> list[Function]:
    kinds = ((0xFF, 0xFF, 0xFF), *[(0xFF, 0, 0)] * 3)
    ports = [
        SerialPort(parts.gadget, number, kind, notify=number > 0)
        for number, kind in enumerate(kinds)
    ]
    for port in ports[2:]:  # the first two are for diagnosis and positions
        port.speak(parts.modem, model.about, parts.place)
    qmi = _qmi(parts, model, (WDS, DMS, NAS, UIM, WDA), raw_ip_only=True)
    return [*ports, Wwan(parts.gadget, qmi, _bearer(parts), 4)]


def _e392(parts: Parts, model: Model) -> list[Function]:
    """An older one: no UIM and no WDA, a CDC union with itself, 802.3 unless asked otherwise."""
    ports = [SerialPort(parts.gadget, number, (0xFF, 1, 1 + number)) for number in (0, 1)]
    for port in ports:
        port.speak(parts.modem, model.about, parts.place)
    qmi = _qmi(parts, model, (WDS, DMS, NAS), raw_ip_only=False)
    mac = parts.description.strings.index(f"0200640000{parts.modem.number:02x}")
    extra = cdc_header() + cdc_union(2, 2) + cdc_ethernet(mac)
    return [*ports, Wwan(parts.gadget, qmi, _bearer(parts), 2, (0xFF, 1, 9), extra)]


def _e220(parts: Parts, model: Model) -> list[Function]:
    ports = [SerialPort(parts.gadget, number, (0xFF, 0xFF, 0xFF)) for number in (0, 1)]
    return [port.speak(parts.modem, model.about, parts.place) for port in ports]


def _acm(parts: Parts, model: Model) -> list[Function]:
    return [AcmPort(parts.gadget, 0).speak(parts.modem, model.about, parts.place)]


def _hilink(parts: Parts, model: Model) -> list[Function]:
    tap = in_namespace(parts.namespace, lambda: open_tunnel(parts.tunnel, TAP))
    _router(parts)
    mac = parts.description.strings.index(HILINK_MAC)
    return [Ether(parts.gadget, parts.modem, tap, 0, mac)]


def _rndis(parts: Parts, model: Model) -> list[Function]:
    tap = in_namespace(parts.namespace, lambda: open_tunnel(parts.tunnel, TAP))
    _router(parts)
    return [Rndis(parts.gadget, parts.modem, tap, 0, bytes.fromhex(HILINK_MAC))]


def _router(parts: Parts) -> None:
    """Dial by itself whenever there is a network, and serve the pages."""
    modem = parts.modem

    def dial() -> None:
        if modem.registered and not modem.calls:
            modem.dial((modem.settings.apns or ["internet"])[0], 4)

    def changed(what: str) -> None:
        if what == "registration":
            try:
                dial()
            except Refused:
                return  # the pages say that there is no session

    modem.listeners.append(changed)
    changed("registration")
    site = webapi.Site(modem, dial)
    webapi.Server(modem.loop, site, in_namespace(parts.namespace, webapi.listen))


def _qmi(parts: Parts, model: Model, services: tuple[int, ...], *, raw_ip_only: bool) -> Qmi:
    qmi = Qmi(parts.modem, services, lambda frame: None)
    qmi.raw_ip = qmi.raw_ip_only = raw_ip_only
    qmi.model = model.about
    return qmi


def _bearer(parts: Parts) -> Bearer:
    tunnel = in_namespace(parts.namespace, lambda: open_tunnel(parts.tunnel, TUN))
    return Bearer(parts.gadget.loop, parts.modem, tunnel)


MODELS = {
    "ec25": Model(
        (0x2C7C, 0x0125),
        ("Quectel", "EC25", "EC25EFAR06A03M4G"),
        _ec25,
        terminals=("ttyUSB",) * 4,
        at_port=2,
        control=True,
        network=True,
    ),
    "e392": Model(
        (0x12D1, 0x1506),
        ("huawei", "E392", "11.836.01.00.00"),
        _e392,
        terminals=("ttyUSB",) * 2,
        control=True,
        network=True,
        cdrom=(0x12D1, 0x1505),
    ),
    "e220": Model(
        (0x12D1, 0x1001),
        ("huawei", "E220", "11.117.10.00.00"),
        _e220,
        terminals=("ttyUSB",) * 2,
        cdrom=(0x12D1, 0x1446),
    ),
    "acm": Model((0x0421, 0x0001), ("Lab", "ACM", "1.0"), _acm, terminals=("ttyACM",)),
    "hilink": Model(
        (0x12D1, 0x14DC),
        ("HUAWEI", "HUAWEI Mobile", "22.200.09"),
        _hilink,
        network=True,
        router=True,
        cdrom=(0x12D1, 0x1F01),
    ),
    "rndis": Model(
        (0x12D1, 0x14DC),
        ("HUAWEI", "HUAWEI Mobile", "22.200.09"),
        _rndis,
        network=True,
        router=True,
        cdrom=(0x12D1, 0x1F01),
    ),
}
