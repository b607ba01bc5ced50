"""Turns whatever a stranger's code raised into what the core understands.

To be used on the stranger's own thread: even an exception's text may be code that hangs.
"""

from __future__ import annotations

import asyncio
import traceback

from conman_core.errors import BadValue, ConnectError, ToolMissing
from conman_core.lane import describe, one_line
from conman_core.model import Reason
from conman_core.results import check_failure

_OF_FORMS = frozenset({"validate", "apply"})
_DEEPEST = 20  #: frames of a traceback that are kept


class Failure(Exception):
    """A broken contract: `what` says it in one line, `trace` is the traceback's text."""

    def __init__(self, method: str, what: str, trace: str = "") -> None:
        super().__init__(what)
        self.method = method
        self.what = what
        self.trace = trace


def trace_of(error: BaseException) -> str:
    """Return the traceback of an exception as text, whatever its own methods do."""
    try:
        return "".join(traceback.format_exception(error, limit=-_DEEPEST)).rstrip()
    except BaseException as second:  # noqa: BLE001 - a stranger's __str__ or __repr__
        return f"(its traceback cannot be shown: {type(second).__name__})"


def translate(method: str, error: BaseException) -> BaseException:
    """Return the ConnectError, CancelledError or Failure that `error` amounts to.

    A ValueError of `validate` or `apply` is meant for the person at the form, and stays one.
    """
    if type(error) is Failure:
        return error
    if isinstance(error, asyncio.CancelledError):
        return asyncio.CancelledError()
    try:
        return _expected(method, error) or Failure(
            method, f"raised {describe(error)}", trace_of(error)
        )
    except Exception as wrong:  # noqa: BLE001 - a stranger's exception class
        return Failure(method, f"raised a damaged {type(error).__name__}", trace_of(wrong))


def _expected(method: str, error: BaseException) -> Exception | None:
    if isinstance(error, ToolMissing):
        return ConnectError(Reason.NO_TOOL, one_line(str(error)))
    if isinstance(error, ConnectError):
        check_failure(error.reason, error.sentence)
        return ConnectError(error.reason, one_line(error.sentence))
    if isinstance(error, BadValue) and method in _OF_FORMS:
        return BadValue(one_line(error.field), one_line(error.sentence))
    if isinstance(error, ValueError) and method in _OF_FORMS:
        return ValueError(one_line(str(error)))
    return None
