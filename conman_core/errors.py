"""The exceptions of conman. Each says who must act; `str()` of each is a sentence for that person.

ConmanError
  ConfigError          the user: a setting is wrong
  AlreadyRunning       the user: another conman runs here
  NotRunning           the user: the command needs a running daemon
  SystemFault          the administrator: the kernel or a file refused something
    ToolMissing        the administrator: a program is not installed
  DriverError
    ConnectError       nobody: an expected failure, the core tries again with back-off
    DriverLoadError    the driver's author or packager: it cannot be loaded
    DriverBug          the driver's author: it broke its contract
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conman_core.model import Reason


class ConmanError(Exception):
    """Base of all: its text is a sentence for the person who must act."""


class ConfigError(ConmanError, ValueError):
    """A setting is wrong; the text names file, line, key, what is allowed and the nearest name."""


class AlreadyRunning(ConmanError):
    """Another conman holds the lock of this runtime directory."""


class NotRunning(ConmanError):
    """No daemon listens on the control socket."""


class SystemFault(ConmanError, OSError):
    """The kernel, a file or a program refused what conman needs."""


class ToolMissing(SystemFault):
    """A program is not installed. `tool` is its name, `package` Debian's package that has it."""

    def __init__(self, tool: str, package: str) -> None:
        super().__init__(f"{tool} is not installed; install it with: apt install {package}")
        self.tool = tool
        self.package = package


class DriverError(ConmanError):
    """Something about a driver."""


class ConnectError(DriverError):
    """An expected failure to connect: the core shows it and tries again with back-off."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class BadValue(DriverError, ValueError):
    """Something that a person entered cannot be used; `field` names the form's field."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


class DriverLoadError(DriverError):
    """A driver cannot be loaded; the core shows it as broken and goes on without it."""


class DriverBug(DriverError):
    """A driver broke its contract; the core shows it as broken and goes on without it."""
