"""Runs the trials of radios inside the lab's machine and takes their values."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

from script.lib.bench.figures import Result
from script.lib.bench.inside import TRIALS

LIMIT = 7200.0  #: seconds for all


def run(names: list[str], runs: int) -> tuple[list[Result], dict[str, Any]]:
    """Run trials by name; return their results, and the description of the emulated machine.

    Progress goes to standard error as it comes. Raises RuntimeError.
    """
    # what is measured comes from the wheels, the trials themselves from the checkout, which no
    # child may see
    code = "import sys; sys.path.append('/src'); from script.lib.bench.inside import main; "
    code += "sys.exit(main(sys.argv[1:]))"
    job = shlex.join(["python3", "-c", code, str(runs), *names])
    argv = [sys.executable, "-m", "tests.lab", "run", "--limit", str(LIMIT), job]
    done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, text=True)
    lines = done.stdout.splitlines()
    for line in lines[:-1]:
        print(line, file=sys.stderr)
    try:
        report = json.loads(lines[-1])
    except (ValueError, IndexError):
        raise RuntimeError(f"the lab ended with code {done.returncode}: {lines[-3:]}") from None
    results = []
    for found in report["trials"]:
        result = Result(TRIALS[found["name"]], failure=found["failure"] or "")
        result.values = {each["key"]: each["values"] for each in found["figures"]}
        results.append(result)
    return results, report["machine"]
