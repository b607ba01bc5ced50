"""Checks at load time that a class keeps the driver contract, as far as that can be seen."""

from __future__ import annotations

import math
from typing import Any

from conman_core.driver import API_VERSION, LinkDriver
from conman_core.errors import DriverLoadError
from conman_core.lane import describe, one_line
from conman_core.options import Declared, Option

_METHODS = ("probe", "connect", "disconnect", "options")
_LIMITS = (
    *("probe_limit", "connect_limit", "disconnect_limit", "details_limit"),
    *("recover_limit", "apply_limit", "alternative_limit", "lend_limit", "look_limit"),
)
_LONGEST_LIMIT = 600.0


class WrongVersion(DriverLoadError):
    """The driver was written for another version of the contract."""


def check_driver_class(thing: Any) -> Declared:
    """Return what a driver class declares, or raise DriverLoadError with what is wrong.

    A class that is not derived from `LinkDriver` will do if it has what is needed. Runs a
    stranger's code (`options`), so it belongs on a thread with a time limit.
    """
    if not isinstance(thing, type):
        raise DriverLoadError(f"names {_kind(thing)}, not a driver class")
    if thing is LinkDriver:
        raise DriverLoadError("names LinkDriver itself, not a driver class")
    version = getattr(thing, "api_version", None)
    if type(version) is not int:
        wanted = f"which has no api_version; write api_version = {API_VERSION} in it"
        raise DriverLoadError(f"names class {thing.__name__}, {wanted}")
    if version != API_VERSION:
        raise WrongVersion(
            f"was written for version {version} of the driver contract, this conman has"
            f" {API_VERSION}; install versions that fit together"
        )
    missing = [name for name in _METHODS if not callable(getattr(thing, name, None))]
    missing += sorted(getattr(thing, "__abstractmethods__", ()))
    if missing:
        raise DriverLoadError(f"names class {thing.__name__}, which lacks {', '.join(missing)}")
    for name in _LIMITS:
        _check_limit(name, getattr(thing, name, 1.0))
    return declared_by(thing)


def _kind(thing: Any) -> str:
    kind = type(thing).__name__
    return f"an object of class {kind}" if kind not in {"function", "module"} else f"a {kind}"


def _check_limit(name: str, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 < value <= _LONGEST_LIMIT:
        raise DriverLoadError(f"{name} must be a number of seconds up to {_LONGEST_LIMIT:g}")


def declared_by(thing: Any) -> Declared:
    """Return what a class says of its settings, or raise DriverLoadError with what is wrong."""
    check = getattr(thing, "check_settings", None)
    if check is not None and not callable(check):
        raise DriverLoadError(f"has {_kind(check)} in place of the class method check_settings")
    return Declared(_options_of(thing), check)


def _options_of(thing: Any) -> tuple[Option, ...]:
    try:
        options = thing.options()
    except BaseException as error:
        raise DriverLoadError(f"options() raised {describe(error)}") from error
    if not isinstance(options, (tuple, list)):
        raise DriverLoadError(f"options() returned {_kind(options)}, not a tuple of Option")
    names = set()
    for option in options:
        if type(option) is not Option or not isinstance(option.name, str) or not option.name:
            raise DriverLoadError(f"options() holds {_kind(option)}, not an Option with a name")
        if option.name in names:
            raise DriverLoadError(f"options() has {one_line(option.name)} twice")
        names.add(option.name)
        try:
            option.parse(option.default)
        except Exception as error:
            raise DriverLoadError(
                f"option {one_line(option.name)} has a default that is not {option.allowed}"
            ) from error
    return tuple(options)
