"""script/bench: measures conman on a small internet and holds it to its limits."""

from __future__ import annotations

import argparse
import json
import signal
import sys

from conman_core.errors import ConmanError
from script.lib.bench import emulated as emulation
from script.lib.bench import inside, page, program, traffic
from script.lib.bench.figures import SIEGE, Result, Run, Trial
from script.lib.bench.lab import Lab, RealCables
from script.lib.bench.report import Progress, as_json, machine, print_table
from tests.netns.internet import Internet

TRIALS = {
    trial.name: trial for trial in (*program.TRIALS_OF_START, *traffic.TRIALS, *program.TRIALS)
}


def main(prefix: str, *words: str) -> int:
    """Run the trials asked for; `prefix` is part of every name that is made."""
    arguments = _parser().parse_args(words)
    known = [*TRIALS, *page.TRIALS, *inside.TRIALS]
    if unknown := [name for name in arguments.names if name not in known]:
        _parser().error(f"no figure {', '.join(unknown)}; there are {', '.join(known)}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    progress = Progress(sys.stderr)
    where = machine()
    wanted = arguments.names or (inside.TRIALS if arguments.lab else [*TRIALS, *page.TRIALS])
    emulated = [name for name in wanted if name in inside.TRIALS]
    results = _here([name for name in wanted if name in TRIALS], prefix, arguments.runs, progress)
    for trial in (page.TRIALS[name] for name in wanted if name in page.TRIALS):
        results.append(_run(trial, None, arguments.runs, progress, arguments.siege))
    if emulated:
        progress.say("starting the lab's machine")
        found, there = emulation.run(emulated, arguments.runs)
        results, where = [*results, *found], {**where, "lab": there}
    if arguments.json:
        print(json.dumps(as_json(results, arguments.runs, where), indent=2))
    else:
        print_table(results, where)
    return 0 if all(result.kept for result in results) else 1


def _here(names: list[str], prefix: str, runs: int, progress: Progress) -> list[Result]:
    """Run the trials that need no radios."""
    if not names:
        return []
    progress.say("building a device, two routers and an internet")
    results = []
    with RealCables(prefix) as bench:
        lab = Lab(Internet(bench))
        for name in names:
            results.append(_run(TRIALS[name], lab, runs, progress))
            lab.release()
    return results


def _run(
    trial: Trial, lab: Lab | None, wanted: int, progress: Progress, siege: float = SIEGE
) -> Result:
    result = Result(trial)
    runs = min(wanted, trial.most_runs)
    with progress.trial(trial, runs) as shown:
        try:
            for number in range(runs):
                found = trial.measure(lab, Run(number, runs, siege))  # type: ignore[arg-type]
                result.add(found)
                shown.tick()
        except (AssertionError, RuntimeError, OSError, ConmanError) as error:
            result.failure = f"run {number + 1}: {type(error).__name__}: {error}"
    return result


def _parser() -> argparse.ArgumentParser:
    every = (*TRIALS.values(), *page.TRIALS.values(), *inside.TRIALS.values())
    lines = [f"  {trial.name:14} {trial.about}" for trial in every]
    epilog = "figures (page- without root, wifi- and provision- in the lab's machine):\n"
    epilog += "\n".join(lines)
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description=__doc__,
        epilog=f"{epilog}\nexit code 1: a limit is exceeded or a run failed",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--runs", type=_count, default=10, metavar="N", help="how often each is measured (10)"
    )
    parser.add_argument(
        "--siege", type=_seconds, default=SIEGE, metavar="SECONDS", help="how long (30)"
    )
    parser.add_argument("--lab", action="store_true", help="the figures of radios")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these figures")
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to 3600")
    return seconds


def _end(*_: object) -> None:
    """End by the first signal, and let no second one disturb the cleaning up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
