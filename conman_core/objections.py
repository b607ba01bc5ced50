"""What a driver or plugin says against the values of its section, before they are used.

Its code runs on a thread of its own: one that raises, hangs or answers rubbish is its author's
fault, and never keeps the settings of the others from being read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Any

from conman_core.errors import DriverBug
from conman_core.failures import Failure, trace_of
from conman_core.lane import describe, in_thread, one_line, stack_of
from conman_core.options import Check, Declared

log = logging.getLogger(__name__)

LIMIT = 1.0  #: seconds: it has nothing to wait for
MOST = 20  #: sentences about one section

_Objections = tuple[tuple[str, str], ...]


def objections(section: str, declared: Declared, values: Mapping[str, Any]) -> _Objections:
    """Return key and sentence of each thing that is wrong. Raises DriverBug."""
    if declared.check is None:
        return ()
    ask = partial(_ask, declared.check, MappingProxyType(dict(values)))
    thread, future = in_thread(f"check of {section}", ask)
    try:
        return future.result(LIMIT)
    except TimeoutError:
        log.error("the check of [%s] hangs:\n%s", section, stack_of(thread))
        raise DriverBug(f"has not ended after {LIMIT:g} s") from None
    except Failure as failure:
        if failure.trace:
            log.error("the check of [%s] failed:\n%s", section, failure.trace)
        raise DriverBug(failure.what) from None


def _ask(check: Check, values: Mapping[str, Any]) -> _Objections:
    try:
        return tuple(_checked(one, values) for one in islice(check(values), MOST))
    except Failure:
        raise
    except BaseException as error:  # noqa: BLE001 - a stranger's code
        raise Failure("check_settings", f"raised {describe(error)}", trace_of(error)) from None


def _checked(one: Any, values: Mapping[str, Any]) -> tuple[str, str]:
    if type(one) is tuple and len(one) == 2 and all(type(each) is str for each in one):
        key, sentence = one[0], one_line(one[1])
        if key in values and sentence:
            return key, sentence
    raise Failure("check_settings", "gave something other than a key and a sentence about it")
