"""With what a session is asked for: the APN, and who asks."""

from __future__ import annotations

from dataclasses import dataclass

from conman_core import Reason


@dataclass(frozen=True, slots=True)
class Plan:
    """An APN with what goes with it. `section` is where a person changes it."""

    apn: str = ""  #: empty: the network's own choice
    user: str = ""
    password: str = ""
    auth: str = "auto"  #: auto pap chap none
    section: str = ""

    @property
    def named(self) -> str:
        """The APN for a sentence."""
        return f"APN {self.apn}" if self.apn else "no APN"

    def cure(self, reason: Reason) -> str:
        """Return what a person should do, as the end of a sentence."""
        if not self.section:
            return ""
        if reason is Reason.WRONG_APN:
            return f"; set apn in {self.section} to the operator's"
        if reason is Reason.WRONG_KEY:
            return f"; correct user and password in {self.section}"
        return ""
