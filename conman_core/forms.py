"""What drivers ask a person for, and what a person entered: for the command line and the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from conman_core.drivers import Drivers
from conman_core.errors import ConmanError, ConnectError, DriverBug
from conman_core.guard import Guard
from conman_core.model import Form, FormField

LONGEST_VALUE = 1024  #: characters; a name or a key, not a file


class Forms:
    """The forms of the drivers in use. `lent` tells whether a driver's device is used elsewhere."""

    def __init__(self, drivers: Drivers, lent: Callable[[str], bool] = lambda _: False) -> None:
        self._drivers = drivers
        self._lent = lent

    async def all(self) -> tuple[Form, ...]:
        """Return the form of each driver that has any. One that fails has none."""
        names = list(self._drivers.guards)
        found = await asyncio.gather(*map(self._fields, names))
        return tuple(
            Form(name, fields) for name, fields in zip(names, found, strict=True) if fields
        )

    async def _fields(self, name: str) -> tuple[FormField, ...]:
        try:
            return tuple(await self._drivers.guards[name].call("form"))
        except ConmanError:  # logged where it happened; the other forms are shown all the same
            return ()

    async def look(self) -> None:
        """Let all drivers look around afresh. One that fails has said so in the log."""
        await asyncio.gather(*(_look(guard) for guard in self._drivers.guards.values()))

    async def validate(self, driver: str, values: Mapping[str, str]) -> None:
        """Let a driver check values without trying them. Raises ValueError, ConmanError."""
        await self._guard(driver).call("validate", _texts(values))

    async def try_out(self, driver: str, values: Mapping[str, str]) -> None:
        """Let a driver try values and keep them. Raises ValueError, ConmanError."""
        await self._guard(driver).call("apply", _texts(values))

    def _guard(self, driver: str) -> Guard:
        guard = self._drivers.guards.get(driver)
        if guard is None:
            known = ", ".join(self._drivers.guards) or "none"
            raise ConmanError(f"there is no such driver; in use: {known}")
        return guard

    # -- what the command line asks

    async def forms(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `forms`: the fields of each driver that has any."""
        del request
        return {"forms": [asdict(form) for form in await self.all()]}

    async def apply(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `apply`: hand `values`, field name to text, to the driver `driver`.

        Raises ConmanError with the driver's sentence if they cannot be used or do not work.
        """
        driver = str(request.get("driver"))
        if self._lent(driver):
            raise ConmanError(
                "the radio is an access point now, on whose page settings can be entered; "
                "to have it back: sudo conman provision stop"
            )
        try:
            await self.try_out(driver, request.get("values"))  # type: ignore[arg-type]
        except ValueError as error:
            raise ConmanError(str(error)) from None
        return {"driver": driver, "applied": True}


async def _look(guard: Guard) -> None:
    try:
        await guard.call("look")
    except (ConnectError, DriverBug):  # a person sees the list of before
        return


def _texts(values: Any) -> Mapping[str, str]:
    """Check what came over the socket. Raises ConmanError, without the values."""
    if not isinstance(values, dict):
        raise ConmanError("values are missing")
    for name, value in values.items():
        if not isinstance(value, str) or len(value) > LONGEST_VALUE:
            raise ConmanError(f"the value of {str(name)[:40]!r} is no text, or too long")
    return values
