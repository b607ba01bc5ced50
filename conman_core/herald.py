"""Tells people and plugins what happened: log, `explain`, watchers and hooks, once per change."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from conman_core import explain
from conman_core.entry import Entry, wall_clock
from conman_core.schedule import Moment

log = logging.getLogger(__name__)

REMEMBERED = 100  #: events kept for `conman explain`


class Herald:
    """Remembers what was last told. `announce` tells plugins, `publish` those who watch."""

    def __init__(
        self,
        announce: Callable[..., None] = lambda *_, **__: None,
        publish: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self.recent: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self.state: str | None = None
        self.since = wall_clock()
        self.uplink: str | None = None
        self.asking = False  #: a person finds something to enter settings
        self._out = False  #: plugins know that there is no uplink
        self._announce = announce
        self._publish = publish

    def say(self, sentence: str, **event: Any) -> None:
        """Tell one event."""
        log.info("%s", sentence)
        now = wall_clock()
        self.recent.append((now, sentence))
        self._publish({"time": now, "sentence": sentence, **event})

    def tell(self, entries: Iterable[Entry], moment: Moment, *, starting: bool) -> None:
        """Tell what is different from the last time."""
        uplink = moment.uplink.name if moment.uplink else None
        if uplink != self.uplink:
            self._tell_uplink(uplink, moment)
        for entry in entries:
            shown = (entry.state, entry.track.verdict, entry.track.reason)
            again = entry.state == "connecting" and entry.track.failures  # what came of it may tell
            if shown != entry.shown and not again:
                entry.shown, entry.since = shown, wall_clock()
                self._tell_link(entry, moment)
        state = explain.machine_state(moment, starting=starting)
        if self.asking and state != "online":
            state = "provisioning"
        if state != self.state:
            self._tell_state(state, moment)

    def _tell_uplink(self, uplink: str | None, moment: Moment) -> None:
        before, self.uplink = self.uplink, uplink
        old = next((link for link in moment.links if link.name == before), None)
        if old is None or old.verified or uplink is None:
            sentence = explain.why_uplink(moment)
        else:
            sentence = f"{before}: {explain.why_not(old, moment)}"
        self.say(
            f"traffic moves from {before or 'no link'} to {uplink or 'no link'}: {sentence}",
            event="uplink",
            before=before,
            after=uplink,
        )
        self._announce("conman_uplink_changed", before=before, after=uplink, sentence=sentence)

    def _tell_link(self, entry: Entry, moment: Moment) -> None:
        track = entry.track
        sentence = entry.refused or track.sentence or explain.why_not(track, moment)
        verdict = f", {track.verdict}" if track.verdict else ""
        first_try = entry.state == "connecting" and not track.sentence
        self.say(
            f"{entry.link.name} is {entry.state}{verdict}" + ("" if first_try else f": {sentence}"),
            event="link",
            link=entry.link.name,
            state=entry.state,
            verdict=track.verdict,
            reason=track.reason.name if track.reason else None,
        )
        self._announce(
            "conman_link_changed",
            link=entry.link.name,
            state=entry.state,
            verdict=track.verdict,
            reason=track.reason,
            sentence=sentence,
        )

    def _tell_state(self, state: str, moment: Moment) -> None:
        before, self.state, self.since = self.state, state, wall_clock()
        self.say(f"the machine is {state}", event="state", state=state, before=before)
        if state == "online":
            self._out = False
            self._announce("conman_online", link=self.uplink or "")
        elif not self._out and (before == "online" or state != "connecting"):
            self._out = True
            failures = {link.name: explain.why_not(link, moment) for link in moment.links}
            self._announce("conman_no_uplink", failures=failures)
