"""What is measured, what it is held to, and whether that was kept. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from script.lib.bench.lab import Lab

Unit = Literal["s", "MiB", "times", "count"]
Judged = Literal["median", "worst"]
SIEGE = 30.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that every run of a trial gives, and its limit, None if it is only shown."""

    key: str
    label: str
    unit: Unit
    limit: float | None = None
    judged: Judged = "worst"  #: what the limit is for


@dataclass(frozen=True, slots=True)
class Run:
    """Which run of a trial this is, for what has to differ between runs."""

    number: int  #: from 0
    of: int
    siege: float = SIEGE  #: seconds that an attack goes on

    @property
    def phase(self) -> float:
        """A share of a period, 0 in the first run, spread evenly over all runs."""
        return self.number / self.of


@dataclass(frozen=True, slots=True)
class Trial:
    """Something that is done `runs` times; `measure` gives a value for each figure's key.

    `most_runs` is for what takes long and varies little.
    """

    name: str
    about: str
    figures: tuple[Figure, ...]
    measure: Callable[[Lab, Run], dict[str, float]]
    most_runs: int = 1000


@dataclass(slots=True)
class Result:
    """What the runs of a trial gave. `failure` is a sentence if one could not be completed."""

    trial: Trial
    values: dict[str, list[float]] = field(default_factory=dict)
    failure: str = ""

    def add(self, measured: dict[str, float]) -> None:
        """Take what one run gave."""
        for figure in self.trial.figures:
            self.values.setdefault(figure.key, []).append(measured[figure.key])

    def judgement(self, figure: Figure) -> bool | None:
        """Whether a figure's limit was kept, None if it has none or was not measured."""
        values = self.values.get(figure.key)
        if figure.limit is None or not values:
            return None
        return (median(values) if figure.judged == "median" else max(values)) <= figure.limit

    @property
    def kept(self) -> bool:
        """Whether all runs were completed and every limit kept."""
        return not self.failure and all(self.judgement(f) is not False for f in self.trial.figures)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; seconds and MiB, rounded to a ten-thousandth."""
        return {
            "name": self.trial.name,
            "about": self.trial.about,
            "kept": self.kept,
            "failure": self.failure or None,
            "figures": [self._figure_as_json(figure) for figure in self.trial.figures],
        }

    def _figure_as_json(self, figure: Figure) -> dict[str, Any]:
        values = [round(value, 4) for value in self.values.get(figure.key, [])]
        return {
            "key": figure.key,
            "label": figure.label,
            "unit": figure.unit,
            "median": round(median(values), 4) if values else None,
            "min": min(values, default=None),
            "max": max(values, default=None),
            "limit": figure.limit,
            "judged": figure.judged if figure.limit is not None else None,
            "kept": self.judgement(figure),
            "values": values,
        }
