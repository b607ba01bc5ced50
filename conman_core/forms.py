"""What drivers ask a person for, and what a person entered: for the command line and the page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from conman_core.drivers import Drivers
from conman_core.errors import ConmanError
from conman_core.model import FormField

LONGEST_VALUE = 1024  #: characters; a name or a key, not a file


class Forms:
    """The forms of the drivers in use."""

    def __init__(self, drivers: Drivers) -> None:
        self._drivers = drivers

    async def forms(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `forms`: the fields of each driver that has any. One that fails has none."""
        del request
        names = list(self._drivers.guards)
        found = await asyncio.gather(*map(self._fields, names))
        return {
            "forms": [
                {"driver": name, "fields": [asdict(field) for field in fields]}
                for name, fields in zip(names, found, strict=True)
                if fields
            ]
        }

    async def _fields(self, name: str) -> tuple[FormField, ...]:
        try:
            return tuple(await self._drivers.guards[name].call("form"))
        except ConmanError:  # logged where it happened; the other forms are shown all the same
            return ()

    async def apply(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `apply`: hand `values`, field name to text, to the driver `driver`.

        Raises ConmanError with the driver's sentence if they cannot be used or do not work.
        """
        guard = self._drivers.guards.get(str(request.get("driver")))
        if guard is None:
            known = ", ".join(self._drivers.guards) or "none"
            raise ConmanError(f"there is no such driver; in use: {known}")
        values = _texts(request.get("values"))
        try:
            await guard.call("apply", values)
        except ValueError as error:
            raise ConmanError(str(error)) from None
        return {"driver": guard.name, "applied": True}


def _texts(values: Any) -> Mapping[str, str]:
    """Check what came over the socket. Raises ConmanError, without the values."""
    if not isinstance(values, dict):
        raise ConmanError("values are missing")
    for name, value in values.items():
        if not isinstance(value, str) or len(value) > LONGEST_VALUE:
            raise ConmanError(f"the value of {str(name)[:40]!r} is no text, or too long")
    return values
