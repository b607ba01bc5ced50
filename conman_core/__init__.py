"""conman: gets a headless Linux device online and keeps it there.

The names below are the public interface for drivers, plugins and host programs.
"""

from conman_core.driver import API_VERSION, DriverContext, LinkDriver
from conman_core.errors import ConmanError, ConnectError, ToolMissing
from conman_core.model import (
    Address,
    Connection,
    ConnectionChanged,
    Family,
    FormField,
    Link,
    Lost,
    ProbeAgain,
    Reason,
    Retry,
    Specificity,
    StaticRoute,
    Unavailable,
    Verdict,
)
from conman_core.options import Kind, Option

__all__ = [
    "API_VERSION",
    "Address",
    "ConmanError",
    "ConnectError",
    "Connection",
    "ConnectionChanged",
    "DriverContext",
    "Family",
    "FormField",
    "Kind",
    "Link",
    "LinkDriver",
    "Lost",
    "Option",
    "ProbeAgain",
    "Reason",
    "Retry",
    "Specificity",
    "StaticRoute",
    "ToolMissing",
    "Unavailable",
    "Verdict",
]
