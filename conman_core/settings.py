"""The options of section `[conman]`, their ranges, and the values that the daemon works with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from conman_core.model import IPAddress
from conman_core.options import Kind, Option, parse_duration

#: The drivers and plugins of this project and the distribution that each comes from.
FIRST_PARTY: Mapping[str, str] = {
    "ethernet": "conman-ethernet",
    "wifi": "conman-wifi",
    "hilink": "conman-cellular",
    "wwan": "conman-cellular",
    "sakis3g": "conman-cellular",
    "accesspoint": "conman-accesspoint",
}
CELLULAR = frozenset(name for name, dist in FIRST_PARTY.items() if dist == "conman-cellular")

OPTIONS: tuple[Option, ...] = (
    Option(
        "priority",
        Kind.LIST,
        "ethernet, wifi, hilink, wwan, sakis3g",
        "Links to use, best first: driver, or driver:device. Others are not used.",
    ),
    Option("cellular-first", Kind.SWITCH, "no", "Put the cellular drivers before all others."),
    Option("check-interval", Kind.DURATION, "8s", "Time between checks of the uplink."),
    Option(
        "standby-check-interval", Kind.DURATION, "60s", "Time between checks of a standby link."
    ),
    Option(
        "check-targets", Kind.ADDRESSES, "1.1.1.1, 8.8.8.8, 9.9.9.9", "Addresses to ask for echo."
    ),
    Option(
        "check-url",
        Kind.LIST,
        "http://connectivitycheck.gstatic.com/generate_204, "
        "http://nmcheck.gnome.org/check_network_status.txt",
        "Pages that tell the internet from a login page; http:// only.",
    ),
    Option(
        "dns",
        Kind.CHOICE,
        "auto",
        "How resolver settings are written: auto finds what the system uses, "
        "file writes resolv-conf, none leaves them alone.",
        ("auto", "file", "none"),
    ),
    Option("resolv-conf", Kind.TEXT, "/etc/resolv.conf", "The resolver file, an absolute path."),
    Option(
        "failback",
        Kind.CHOICE,
        "auto",
        "auto returns to a better link once it has proved itself, "
        "never stays until the uplink is lost.",
        ("auto", "never"),
    ),
    Option(
        "failback-dwell",
        Kind.DURATION,
        "10s",
        "How long a better link must stay good before traffic returns to it.",
    ),
    Option(
        "stagger", Kind.DURATION, "250ms", "Head start of a link over the next one in priority."
    ),
    Option(
        "metered-after",
        Kind.DURATION,
        "20s",
        "How long the links without a bill have before metered ones are started.",
    ),
    Option(
        "standby",
        Kind.CHOICE,
        "cold",
        "Metered links while they are not needed: cold is disconnected, warm is connected.",
        ("cold", "warm"),
    ),
    Option("disable", Kind.LIST, "", "Drivers and plugins that are not loaded."),
    Option(
        "provision",
        Kind.CHOICE,
        "boot",
        "When a person is asked for settings, over an access point: "
        "boot only until the machine has been online since it was switched on, "
        "always whenever nothing works, never only by hand.",
        ("boot", "always", "never"),
    ),
    Option(
        "provision-after",
        Kind.DURATION,
        "60s",
        "How long nothing must have worked before a person is asked.",
    ),
)

#: What the core itself understands in every `[conman:<driver>]`.
DRIVER_OPTIONS: tuple[Option, ...] = (
    Option(
        "check",
        Kind.CHOICE,
        "internet",
        "How far a link must reach to count as online.",
        ("internet", "gateway", "none"),
    ),
    Option(
        "metered",
        Kind.CHOICE,
        "auto",
        "Whether bytes on this link cost money; auto leaves it to the driver.",
        ("auto", "yes", "no"),
    ),
    Option(
        "recover",
        Kind.CHOICE,
        "yes",
        "Whether conman repairs a link that fails again and again, as by resetting its modem.",
        ("yes", "no"),
    ),
    Option(
        "data-limit",
        Kind.BYTES,
        "",
        "How much each link may use in a month, sent and received; without it as much as it does.",
    ),
    Option(
        "data-limit-action",
        Kind.CHOICE,
        "warn",
        "What a used-up data-limit means: warn only tells of it, "
        "stop leaves the link alone while another one works.",
        ("warn", "stop"),
    ),
    Option(
        "data-limit-day", Kind.NUMBER, "1", "The day, 1 to 28, on which a month of the bill begins."
    ),
)

_RANGES: Mapping[str, tuple[str, str]] = {
    "check-interval": ("1s", "1h"),
    "standby-check-interval": ("1s", "1d"),
    "failback-dwell": ("0s", "1h"),
    "stagger": ("0s", "30s"),
    "metered-after": ("0s", "1h"),
    "provision-after": ("1s", "1d"),
}
_NAME = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
_LINK = re.compile(r"[a-z][a-z0-9_-]*(:[!-~]+)?", re.ASCII)
_URL = re.compile(
    r"http://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?(/[!-~]*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of section `[conman]`. Times are in seconds."""

    priority: tuple[str, ...]
    cellular_first: bool
    check_interval: float
    standby_check_interval: float
    check_targets: tuple[IPAddress, ...]
    check_url: tuple[str, ...]
    dns: Literal["auto", "file", "none"]
    resolv_conf: Path
    failback: Literal["auto", "never"]
    failback_dwell: float
    stagger: float
    metered_after: float
    standby: Literal["cold", "warm"]
    disable: frozenset[str]
    provision: Literal["boot", "always", "never"]
    provision_after: float
    #: the user wrote `priority`: a driver in it that is not installed is worth a complaint
    priority_is_users: bool = False

    @property
    def order(self) -> tuple[str, ...]:
        """`priority` with `cellular-first` taken into account: the ranks that count."""
        if not self.cellular_first:
            return self.priority
        return tuple(
            sorted(self.priority, key=lambda entry: entry.partition(":")[0] not in CELLULAR)
        )


def section_options(declared: tuple[Option, ...]) -> tuple[Option, ...]:
    """Return all options of a driver's section: its own and the core's, which win by name."""
    core = {option.name for option in DRIVER_OPTIONS}
    return (*(option for option in declared if option.name not in core), *DRIVER_OPTIONS)


def make(values: Mapping[str, Any], *, priority_is_users: bool = False) -> Settings:
    """Build the settings from parsed and valid values of all `OPTIONS`, keyed by option name."""
    fields = {name.replace("-", "_"): value for name, value in values.items()}
    fields["resolv_conf"] = Path(fields["resolv_conf"])
    fields["disable"] = frozenset(fields["disable"])
    return Settings(**fields, priority_is_users=priority_is_users)


def default_settings() -> Settings:
    """Return the settings of a machine without a settings file."""
    return make({option.name: option.parse(option.default) for option in OPTIONS})


def limits(name: str) -> str:
    """Return the range of an option of `[conman]` in words, empty if it has none."""
    return "from {} to {}".format(*_RANGES[name]) if name in _RANGES else ""


def complaints(name: str, value: Any) -> Iterator[str]:
    """Yield what is wrong with a parsed value of an option of the core, to end a sentence."""
    if name in _RANGES:
        low, high = (parse_duration(bound) for bound in _RANGES[name])
        if not low <= value <= high:
            yield f"must be {limits(name)}"
    elif name in _CHECKS:
        yield from _CHECKS[name](value)


def _check_priority(entries: tuple[str, ...]) -> Iterator[str]:
    if not entries:
        yield "must name at least one link; leave the line out for the default"
    for entry in entries:
        if not _LINK.fullmatch(entry):
            yield f"has {entry!r}; allowed: driver or driver:device, separated by commas"
    for entry in sorted({entry for entry in entries if entries.count(entry) > 1}):
        yield f"names {entry!r} twice"


def _check_targets(addresses: tuple[IPAddress, ...]) -> Iterator[str]:
    if not addresses:
        yield "must name at least one address; leave the line out for the default"
    for address in addresses:
        here = address.is_loopback or address.is_unspecified
        if here or address.is_multicast or address.is_link_local:
            yield f"has {address}; allowed: addresses of other hosts, beyond the gateway"


def _check_urls(urls: tuple[str, ...]) -> Iterator[str]:
    if not urls:
        yield "must name at least one page; leave the line out for the default"
    for url in urls:
        match = _URL.fullmatch(url)
        if url.lower().startswith("https://"):
            yield f"has {url!r}; allowed: http:// only, since https hides a login page"
        elif not match or not 0 < int(match["port"] or 80) < 65536 or not _is_page(url):
            yield f"has {url!r}; allowed: http://host/page or http://host:port/page"


def _is_page(url: str) -> bool:
    from conman_core.reach.http import parse_url  # late: the command line rarely needs it

    try:
        parse_url(url)
    except ValueError:
        return False
    return True


def _check_path(path: str | None) -> Iterator[str]:
    if not path or not path.startswith("/"):
        yield "must be an absolute path such as /etc/resolv.conf"


def _check_names(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if not _NAME.fullmatch(name):
            yield f"has {name!r}; allowed: names of drivers and plugins, separated by commas"


def _check_limit(number: int | None) -> Iterator[str]:
    if number == 0:
        yield "must be more than nothing; leave the line out for no limit"


def _check_day(day: int | None) -> Iterator[str]:
    if day is None or not 1 <= day <= 28:
        yield "must be a day from 1 to 28, which every month has"


_CHECKS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "priority": _check_priority,
    "check-targets": _check_targets,
    "check-url": _check_urls,
    "resolv-conf": _check_path,
    "disable": _check_names,
    "data-limit": _check_limit,
    "data-limit-day": _check_day,
}
