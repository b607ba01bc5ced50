"""Where a radio is: without knowing that it may not send. Pure."""

from __future__ import annotations

import re

from conman_core import ConnectError, Reason

_CODE = re.compile("[A-Za-z0-9]{2}")


def is_code(country: str) -> bool:
    """Tell whether a text can be the code of a country."""
    return _CODE.fullmatch(country) is not None


def checked(country: str, interface: str) -> str:
    """Return a country as wpa_supplicant takes it: two capitals. Raises ConnectError(NO_COUNTRY).

    wpa_supplicant itself takes the first two letters of anything: Georgia for Germany.
    """
    if not country:
        raise ConnectError(
            Reason.NO_COUNTRY,
            f"{interface} may not send before it knows its country: write country = GB,"
            " or the code of yours, in [conman:wifi] of the settings, then: conman rescan",
        )
    if not is_code(country):
        raise ConnectError(
            Reason.NO_COUNTRY,
            f"country = {country} is no country: write two letters, such as country = GB,"
            " in [conman:wifi] of the settings, then: conman rescan",
        )
    return country.upper()
