"""conman: gets a headless Linux device online and keeps it there.

The names below are the public interface for drivers, plugins and host programs. They are imported
when they are first used: most commands need none of them, and start a fifth sooner for it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from conman_core.driver import API_VERSION, DriverContext, LinkDriver
    from conman_core.errors import BadValue, ConmanError, ConnectError, ToolMissing
    from conman_core.model import (
        Address,
        Choice,
        Connection,
        ConnectionChanged,
        Family,
        Form,
        FormField,
        Link,
        Lost,
        Outcome,
        ProbeAgain,
        Reason,
        Retry,
        Specificity,
        StaticRoute,
        Unavailable,
        Verdict,
    )
    from conman_core.options import Kind, Option
    from conman_core.plugin import Plugin, PluginContext

__all__ = [
    "API_VERSION",
    "Address",
    "BadValue",
    "Choice",
    "ConmanError",
    "ConnectError",
    "Connection",
    "ConnectionChanged",
    "DriverContext",
    "Family",
    "Form",
    "FormField",
    "Kind",
    "Link",
    "LinkDriver",
    "Lost",
    "Option",
    "Outcome",
    "Plugin",
    "PluginContext",
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
    "Plugin": "plugin",
    "PluginContext": "plugin",
    "BadValue": "errors",
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
