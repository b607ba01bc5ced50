"""The words that core and drivers share: links, connections, verdicts and reasons.

Everything here is immutable data without behaviour that touches the system.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface

IPAddress = IPv4Address | IPv6Address
IPInterface = IPv4Interface | IPv6Interface


class Family(enum.IntEnum):
    """An address family, by its IP version number."""

    IPV4 = 4
    IPV6 = 6


class Verdict(enum.StrEnum):
    """What reachability found on one link."""

    ONLINE = "online"  #: the internet answered
    PORTAL = "portal"  #: somebody answered in the internet's place: a login page
    LIMITED = "limited"  #: something answers, but not enough to work with
    OFFLINE = "offline"  #: nothing answers


class Reason(enum.Enum):
    """Why a link cannot be used, with what a person reads and what to do about it.

    `repairable` says whether the cause may sit in the device or its driver's programs, so that a
    step of `LinkDriver.recover` may cure it. What only a person or the world can change is not:
    no reset makes a key right or puts a cable in.
    """

    NO_DEVICE = ("there is no such device", "plug the device in, then: conman probe")
    NO_CARRIER = ("no signal on the cable", "plug the cable in at both ends and check the switch")
    NO_TOOL = ("a program that this link needs is not installed", "install the program named here")
    NO_SIM = ("no SIM card", "insert a SIM card")
    PIN_REQUIRED = ("the SIM card asks for its PIN", "set pin in the driver's section")
    PIN_WRONG = ("the SIM card refused the PIN", "correct pin in the driver's section")
    RF_KILLED = ("the radio is switched off", "rfkill unblock all")
    NO_COUNTRY = ("the radio needs to know its country", "set country in the driver's section")
    NOT_FOUND = ("the network was not found", "check its name and that it is in range")
    WRONG_KEY = ("the network refused the key", "enter the key again")
    REJECTED = ("the network refused the device", "check the network's list of allowed devices")
    NO_ADDRESS = (
        "no address from the network",
        "check the DHCP server, or set address = static",
        True,
    )
    NOT_REGISTERED = ("not registered with an operator", "check coverage and the antenna", True)
    WRONG_APN = ("the operator refused the APN", "set apn in the driver's section")
    BUSY = ("another program manages this device", "hand the device over to conman")
    DENIED = ("permission denied", "run conman as root")
    TIMEOUT = ("no answer in time", "conman tries again by itself", True)
    LOST = ("the connection was lost", "conman tries again by itself", True)
    WEDGED = ("the device does not react", "conman tries to repair it by itself", True)
    MISCONFIGURED = ("its settings do not fit", "conman config check")
    BROKEN = ("its driver failed", "conman drivers", True)

    def __init__(self, sentence: str, remedy: str, repairable: bool = False) -> None:
        self.sentence = sentence
        self.remedy = remedy
        self.repairable = repairable


class Specificity(enum.IntEnum):
    """How closely a driver knows the device: of two that offer one interface the closer gets it."""

    GENERIC = 0  #: it is some interface of a kind
    DEVICE = 1  #: it is this very make of device


def link_name(driver: str, device: str) -> str:
    """Return the name of a link, `driver:device`."""
    return f"{driver}:{device}"


@dataclass(frozen=True, slots=True)
class Link:
    """One way out of the machine, as its driver offers it.

    `device` is what the user calls it (`eth0`, `cdc-wdm0`); `interface` is the kernel's network
    interface, None while there is none before connecting (a serial modem).
    `preference` orders the links of one driver, lowest first. `note` is what a person should know
    of it before it is connected, for `conman probe`; the core decides nothing by it.
    `hardware` names the device behind it, such as `usb:1-1.2`, where several drivers could use it,
    each in its way: of all links with one `hardware` one is used. Empty: nobody else could.
    """

    driver: str
    device: str
    interface: str | None = None
    preference: int = 0
    specificity: Specificity = Specificity.GENERIC
    metered: bool = False
    note: str = field(default="", compare=False)
    hardware: str = ""

    @property
    def name(self) -> str:
        """The link's name everywhere: in settings, logs and on the command line."""
        return link_name(self.driver, self.device)


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its prefix, and how long it lives in seconds (None: for ever)."""

    interface: IPInterface
    valid: float | None = None
    preferred: float | None = None


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """A further network behind a link; a gateway of None means that it is on the link itself."""

    network: IPv4Network
    gateway: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What a connected link offers. The driver describes; the core configures.

    `gateways` has an entry for each family with a default route; None there means on-link (no
    router address, as on ppp). `mtu` in bytes, None leaves it alone.
    """

    interface: str
    addresses: tuple[Address, ...] = ()
    gateways: Mapping[Family, IPAddress | None] = field(default_factory=dict)
    dns: tuple[IPAddress, ...] = ()
    routes: tuple[StaticRoute, ...] = ()
    mtu: int | None = None
    metered: bool = False


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a driver has nothing to offer now. `sentence` names the device and what to do."""

    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A driver noticed by itself that a link is gone."""

    link: str
    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """A connected link has a new lease, address, gateway or DNS server."""

    link: str
    connection: Connection


@dataclass(frozen=True, slots=True)
class Retry:
    """Something happened that makes it worth trying a link again now (a known network appeared)."""

    link: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ProbeAgain:
    """The driver's list of links may have changed."""

    sentence: str


DriverEvent = Lost | ConnectionChanged | Retry | ProbeAgain


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a person may choose, and what helps them to choose it."""

    value: str
    strength: int | None = None  #: of its signal, in percent
    protected: bool = False  #: it asks for a key
    frequency: int | None = None  #: of its radio channel in MHz


@dataclass(frozen=True, slots=True)
class FormField:
    """One thing that a person may be asked for while provisioning.

    Of kind `choice` it is one of the `choices`; of kind `text` these are only suggestions.
    """

    name: str
    label: str
    kind: str = "text"  #: text, secret, choice or switch
    choices: tuple[Choice, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """What the driver called `driver` asks for; the first field names what is set up."""

    driver: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of settings that were tried. ONLINE: they work and are kept.

    Without a verdict no connection came about, and nothing was changed. Any other verdict: there
    is a connection, and the settings are kept, but the internet was not reached over it.
    """

    verdict: Verdict | None
    reason: Reason | None = None
    sentence: str = ""
