"""What the events of one attempt to join a network mean. Pure.

wpa_supplicant knows no single event for "it failed": it goes on by itself, parks a network for a
while and comes back. Here each event is weighed until it is clear that the network is joined, that
it never will be, or that another push is needed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from conman_core import Reason
from conman_plugins.wifi.events import (
    AssocReject,
    AuthReject,
    Connected,
    Disconnected,
    EapFailure,
    Event,
    TempDisabled,
    reason_words,
    status_words,
)

TRIES = 2  #: a key is believed wrong after so many refusals: one may be a frame that got lost
_SAE = 3  #: IEEE 802.11-2020 table 9-42, authentication algorithm number
_SAE_MISMATCH = 1  #: what an access point answers to the confirm message of a wrong password


class Step(enum.Enum):
    """What to do after an event."""

    WAIT = "wait"
    PUSH = "push"  #: select the network again: wpa_supplicant has parked it for ten seconds
    JOINED = "joined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a network could not be joined."""

    reason: Reason
    sentence: str


class Attempt:
    """One attempt to join the network called `name`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._refusals = 0  #: of the key
        self._rejections = 0  #: of the device
        self._drops = 0
        self._last = ""  #: what was said against it last, in words
        self.failure: Failure | None = None

    def take(self, event: Event) -> Step:
        """Weigh one event; after FAILED `failure` says why."""
        step = Step.WAIT
        match event:
            case Connected():
                step = Step.JOINED
            case TempDisabled(reason="WRONG_KEY"):
                step = self._key_refused()
            case AuthReject(auth_type=kind, status=status) if kind == _SAE:
                step = self._sae_rejected(status)
            case AssocReject(timeout=True):
                self._last = "it does not answer"
            case AuthReject(status=status) | AssocReject(status=status):
                step = self._rejected(status_words(status))
            case EapFailure():
                what = "the network's login server refused the account"
                step = self._fail(Reason.WRONG_KEY, f"{self._name}: {what}")
            case TempDisabled(reason=reason):
                step = self._parked(reason)
            case Disconnected(reason=code):
                self._last = self._last or reason_words(code)
        return step

    def gave_up(self, seconds: float) -> Failure:
        """Return the failure of an attempt that got no clear answer within its time."""
        if self._rejections:
            return Failure(Reason.REJECTED, f"{self._name} refused this device: {self._last}")
        if self._refusals:
            return self._wrong_key()
        if self._last:
            return Failure(Reason.TIMEOUT, f"{self._name} cannot be joined: {self._last}")
        sentence = f"{self._name} did not answer within {seconds:g} s; it may be too far away"
        return Failure(Reason.TIMEOUT, sentence)

    def _key_refused(self) -> Step:
        self._refusals += 1
        self._last = "it refused the key"
        if self._refusals < TRIES:
            return Step.PUSH
        self.failure = self._wrong_key()
        return Step.FAILED

    def _wrong_key(self) -> Failure:
        sentence = f"wrong key for {self._name}: it refused the key {_times(self._refusals)}"
        return Failure(Reason.WRONG_KEY, sentence)

    def _sae_rejected(self, status: int) -> Step:
        if status == _SAE_MISMATCH:
            return self._key_refused()
        return self._rejected(status_words(status))

    def _rejected(self, words: str) -> Step:
        self._rejections += 1
        self._last = words
        if self._rejections < TRIES:
            return Step.PUSH
        return self._fail(Reason.REJECTED, f"{self._name} refused this device: {words}")

    def _parked(self, why: str) -> Step:
        self._drops += 1
        if self._drops < TRIES:
            return Step.PUSH
        words = self._last or why.replace("_", " ").lower()
        reason = Reason.REJECTED if self._rejections else Reason.TIMEOUT
        return self._fail(reason, f"{self._name} cannot be joined: {words}")

    def _fail(self, reason: Reason, sentence: str) -> Step:
        self.failure = Failure(reason, sentence)
        return Step.FAILED


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
