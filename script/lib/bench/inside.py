"""The figures of radios, and what runs inside the lab's machine to measure them."""

from __future__ import annotations

import json
import sys

from script.lib.bench import dongles, provisioning, wifi
from script.lib.bench.figures import Result, Run
from script.lib.bench.report import Progress, as_json, machine

TRIALS = {**wifi.TRIALS, **provisioning.TRIALS, **dongles.TRIALS}


def main(words: list[str]) -> int:
    """Run trials, so often as the first word says, and print JSON: for the host's script/bench."""
    runs, names = int(words[0]), words[1:] or list(TRIALS)
    progress = Progress(sys.stderr)
    results = []
    for name in names:
        trial = TRIALS[name]
        result = Result(trial)
        wanted = min(runs, trial.most_runs)
        with progress.trial(trial, wanted) as shown:
            try:
                for number in range(wanted):
                    result.add(trial.measure(None, Run(number, wanted)))  # type: ignore[arg-type]
                    shown.tick()
            except (AssertionError, RuntimeError, OSError) as error:
                result.failure = f"run {number + 1}: {type(error).__name__}: {error}"
        results.append(result)
    print(json.dumps(as_json(results, runs, machine())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
