"""What `conman status` and `conman explain` show, as JSON-able data. Pure but for byte counters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from conman_core import explain
from conman_core.entry import Entry, wall_clock
from conman_core.herald import Herald
from conman_core.ladder import NEVER, lately
from conman_core.schedule import Moment, user_order

_COUNTERS = Path("/sys/class/net")


def version() -> str:
    """Return conman's version; a source tree that nothing was installed from has none."""
    try:
        return metadata.version("conman-core")
    except metadata.PackageNotFoundError:
        return "unknown"


def status(
    entries: Iterable[Entry],
    moment: Moment,
    herald: Herald,
    *,
    drivers: Sequence[dict[str, Any]],
    config: dict[str, Any],
    notes: Sequence[str],
    provisioning: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the answer to `status`."""
    ranked = sorted(entries, key=_place)
    return {
        "state": herald.state or "connecting",
        "uplink": moment.uplink.name if moment.uplink else None,
        "since": herald.since,
        "links": [_link(entry, moment) for entry in ranked],
        "drivers": list(drivers),
        "config": config,
        "notes": list(notes),
        "provisioning": provisioning,
        "version": version(),
    }


def explained(entries: Iterable[Entry], moment: Moment, herald: Herald) -> dict[str, Any]:
    """Return the answer to `explain`."""
    return {
        "uplink": moment.uplink.name if moment.uplink else None,
        "sentence": explain.why_uplink(moment),
        "links": [
            {
                "name": entry.link.name,
                "sentence": _explanation(entry, moment),
                "check": dict(entry.finding.details) if entry.finding else None,
            }
            for entry in sorted(entries, key=_place)
        ],
        "recent": [{"time": time, "sentence": sentence} for time, sentence in herald.recent],
    }


def _place(entry: Entry) -> tuple[bool, bool, tuple[bool, int, int, str]]:
    return not entry.present, bool(entry.refused), user_order(entry.track)


def _sentence(entry: Entry, moment: Moment) -> str:
    if entry.refused or not entry.present:
        return explain.full_stop(entry.refused or entry.track.sentence)
    return explain.why_not(entry.track, moment)


def _explanation(entry: Entry, moment: Moment) -> str:
    recovery = _recovery(entry, moment)
    repairs = [recovery["sentence"]] if recovery else []
    used = _usage(entry)
    spent = [f"It has {used['sentence']}."] if used else []
    return " ".join([_sentence(entry, moment), *repairs, *spent])


def _usage(entry: Entry) -> dict[str, Any] | None:
    """Return what the link used this month, None if it is not counted."""
    if not entry.present or not entry.counts or entry.usage is None:
        return None
    from conman_core.usage import ends, sentence

    limit, month = entry.wishes.limit, entry.usage.month
    end = ends(month.name, limit.day)
    return {
        "month": month.name or None,
        "bytes": month.used,
        "limit": limit.bytes,
        "action": "stop" if limit.stop else "warn",
        "until": end.isoformat() if end else None,
        "sentence": sentence(entry.usage, limit),
    }


def _recovery(entry: Entry, moment: Moment) -> dict[str, Any] | None:
    """Return how far the link's recovery ladder was climbed, None while that is not needed."""
    ladder, now = entry.track.ladder, moment.now
    here = entry.present and not entry.refused and entry.wishes.recover
    if not ladder.active or not (here or entry.track.repairing is not None):
        return None
    climbs = lately(ladder, now)
    step, at = moment.repair_of(entry.track)
    if entry.track.repairing is not None and climbs:
        step, at = climbs[-1].step, NEVER
    return {
        "step": step,
        "climbs": len(climbs),
        "last": wall_clock(climbs[-1].at - now) if climbs else None,
        "next": wall_clock(max(at - now, 0.0)) if at < NEVER else None,
        "sentence": explain.recovery(entry.track, moment),
    }


def _link(entry: Entry, moment: Moment) -> dict[str, Any]:
    track, connection = entry.track, entry.connection
    gateways = connection.gateways if connection else {}
    received, sent = _counters(entry.interface)
    return {
        "name": entry.link.name,
        "driver": entry.link.driver,
        "interface": entry.interface,
        "rank": None if entry.refused else track.rank,
        "role": _role(entry, moment),
        "state": entry.state,
        "verdict": track.verdict,
        "reason": track.reason.name if track.reason else None,
        "sentence": _sentence(entry, moment),
        "recovery": _recovery(entry, moment),
        "metered": track.metered,
        "usage": _usage(entry),
        "addresses": [str(a.interface) for a in connection.addresses] if connection else [],
        "gateway": next((str(gateway) for gateway in gateways.values() if gateway), None),
        "dns": [str(server) for server in connection.dns] if connection else [],
        "since": entry.since,
        "rx_bytes": received,
        "tx_bytes": sent,
    }


def _role(entry: Entry, moment: Moment) -> str:
    if not entry.present or entry.refused or not entry.track.connected:
        return "none"
    if moment.uplink is not None and moment.uplink.name == entry.link.name:
        return "uplink"
    return "standby"


def _counters(interface: str | None) -> tuple[int | None, int | None]:
    if interface is None:
        return None, None
    try:
        folder = _COUNTERS / interface / "statistics"
        received, sent = ((folder / f"{way}_bytes").read_text() for way in ("rx", "tx"))
        return int(received), int(sent)
    except (OSError, ValueError):  # the interface has just gone
        return None, None
