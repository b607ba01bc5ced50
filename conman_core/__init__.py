"""conman: gets a headless Linux device online and keeps it there.

The names below are the public interface for drivers, plugins and host programs. They are imported
when they are first used: most commands need none of them, and start a fifth sooner for it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
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

_HOMES = {
    "API_VERSION": "driver",
    "DriverContext": "driver",
    "LinkDriver": "driver",
    "ConmanError": "errors",
    "ConnectError": "errors",
    "ToolMissing": "errors",
    "Kind": "options",
    "Option": "options",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'model')}"), name)
