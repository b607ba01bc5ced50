"""The tiers of script/test: what each runs, what it found, what it could not run and why."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LIMIT = 2700.0
#: program: Debian package; what the small internet runs on
PROGRAMS = {
    "ip": "iproute2",
    "ping": "iputils-ping",
    "dhcpcd": "dhcpcd-base",
    "dnsmasq": "dnsmasq-base",
    "nft": "nftables",
    "sysctl": "procps",
}
#: program: Debian package; what the lab's machine is made with
LAB_PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "debootstrap": "debootstrap",
    "mkfs.ext4": "e2fsprogs",
}
#: program: Debian package; what looks at the page
BROWSER_PROGRAMS = {"chromium": "chromium", "chromedriver": "chromium-driver"}


@dataclass
class Result:
    """What a tier found."""

    passed: int = 0
    failed: int = 0
    not_run: list[str] = field(default_factory=list)  #: sentences
    output: str = ""  #: shown if something failed


def call(argv: list[str], *, as_owner: bool, env: dict[str, str]) -> tuple[int, str]:
    """Run a program in the checkout; as its owner, so that sudo leaves no files of root's there."""
    owner = ROOT.stat()
    drop = {}
    if as_owner and os.geteuid() == 0 and owner.st_uid:
        drop = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        env = {name: value for name, value in env.items() if name != "HOME"}
    try:
        done = subprocess.run(
            argv,
            check=False,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT,
            **drop,
        )
    except subprocess.TimeoutExpired as error:
        seen = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else ""
        return 124, f"{seen}\n{argv[0]}: not done within {LIMIT:g} s\n"
    return done.returncode, done.stdout


def shell_scripts() -> list[str]:
    """Every shell script beside this one and of the continuous integration."""
    found = [*ROOT.glob("script/*"), *ROOT.glob("script/lib/*.sh"), *ROOT.glob(".ci/*")]
    return sorted(str(path.relative_to(ROOT)) for path in found if path.is_file())


def lint(env: dict[str, str]) -> Result:
    """Style, types and who may import whom; one check each."""
    checks = [
        [str(BIN / "ruff"), "check", "."],
        [str(BIN / "ruff"), "format", "--check", "."],
        [str(BIN / "mypy")],
        [str(BIN / "lint-imports")],
    ]
    result = Result()
    if shutil.which("shellcheck"):
        checks.append(["shellcheck", "-x", "-S", "warning", *shell_scripts()])
    else:
        result.not_run.append("shellcheck is missing: apt install shellcheck")
    for argv in checks:
        code, output = call(argv, as_owner=True, env=env)
        result.passed += code == 0
        if code:
            result.failed += 1
            result.output += f"$ {' '.join(argv)}\n{output}\n"
    return result


def pytest(marker: str, *more: str, as_owner: bool, env: dict[str, str]) -> Result:
    """Run the tests of a marker expression, with more words for pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        report = Path(folder) / "report.xml"
        argv = [sys.executable, "-m", "pytest", "-q", "-m", marker, f"--junitxml={report}", *more]
        if not as_owner:
            argv += ["-p", "no:cacheprovider"]
        code, output = call(argv, as_owner=as_owner, env=env)
        result = read_report(report) if report.exists() else Result()
    if code not in (0, 1) or (code == 1 and not result.failed):
        result.failed += 1
        output += f"\npytest ended with exit code {code}\n"
    result.output = output if result.failed else ""
    return result


def read_report(report: Path) -> Result:
    """Count what pytest wrote in JUnit's format; skipped tests become sentences."""
    result = Result()
    skipped: Counter[str] = Counter()
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - pytest wrote it
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif (skip := case.find("skipped")) is None:
            result.passed += 1
        elif skip.get("type") != "pytest.xfail":
            skipped[skip.get("message", "")] += 1
    result.not_run = [f"{count} skipped: {reason}" for reason, count in skipped.items()]
    return result


def needs(programs: dict[str, str]) -> list[str]:
    """Which of these programs are missing, and how to install them; empty if none is."""
    missing = {name: package for name, package in programs.items() if not shutil.which(name)}
    packages = " ".join(sorted(set(missing.values())))
    return [f"{', '.join(missing)} not found: apt install {packages}"] if missing else []


def needs_root_and_programs() -> list[str]:
    """Why the small internet cannot be built here; empty if it can."""
    if os.geteuid():
        return ["needs root: sudo script/test"]
    return needs(PROGRAMS)


def unit(env: dict[str, str]) -> Result:
    """Everything that needs neither root nor the network."""
    marker = "not netns and not wheel and not browser and not demo and not lab"
    return pytest(marker, "-n2", as_owner=True, env=env)


def netns(env: dict[str, str]) -> Result:
    """Real links, servers and daemons in network namespaces."""
    if why := needs_root_and_programs():
        return Result(not_run=why)
    # each test has namespaces of its own, and waits most of the time
    return pytest("netns and not demo", "-n3", "--dist=worksteal", as_owner=False, env=env)


def wheels(env: dict[str, str]) -> Result:
    """Built distributions in clean environments."""
    return pytest("wheel", as_owner=True, env=env)


def browser(env: dict[str, str]) -> Result:
    """A person's phone at the access point's page, which runs as it does on a device."""
    if why := needs(BROWSER_PROGRAMS):
        return Result(not_run=why)
    return pytest("browser", "-n2", "--dist=worksteal", as_owner=False, env=env)


def demo(env: dict[str, str]) -> Result:
    """The demonstration holds what it claims and cleans up."""
    if why := needs_root_and_programs():
        return Result(not_run=why)
    return pytest("demo", as_owner=False, env=env)


def lab(env: dict[str, str]) -> Result:
    """Real radios and what is behind them, in an emulated machine."""
    return in_the_lab("lab and not long", env)


def long(env: dict[str, str]) -> Result:
    """The variants of what `lab` tells once: people at the access point, power cuts, modems."""
    return in_the_lab("lab and long", env)


def in_the_lab(marker: str, env: dict[str, str]) -> Result:
    """Run tests in emulated machines."""
    if why := needs(LAB_PROGRAMS):
        return Result(not_run=why)
    code, output = call([sys.executable, "-m", "tests.lab", "build"], as_owner=False, env=env)
    if code:
        return Result(not_run=[f"the lab's machine cannot be built: {output.strip()[-400:]}"])
    # a machine for each worker; they wait most of the time, so more of them than there are cores
    return pytest(marker, "-n3", "--dist=worksteal", as_owner=False, env=env)


TIERS: dict[str, Callable[[dict[str, str]], Result]] = {
    "lint": lint,
    "unit": unit,
    "netns": netns,
    "wheels": wheels,
    "browser": browser,
    "demo": demo,
    "lab": lab,
    "long": long,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/test", description=__doc__)
    parser.add_argument("--all", action="store_true", help="a test that cannot run is a failure")
    parser.add_argument("tiers", nargs="*", metavar="TIER", help=", ".join(TIERS))
    wanted = parser.parse_args()
    if unknown := [name for name in wanted.tiers if name not in TIERS]:
        parser.error(f"no such tier: {', '.join(unknown)}; there are {', '.join(TIERS)}")
    env = dict(os.environ)
    if wanted.all:
        env["CONMAN_TEST_ALL"] = "1"
    passed = failed = 0
    for name in wanted.tiers or TIERS:
        print(f"{name:8}", end="", flush=True)
        started = time.monotonic()
        result = TIERS[name](env)
        passed += result.passed
        failed += result.failed + (len(result.not_run) if wanted.all else 0)
        counts = f"{result.passed:4} passed, {result.failed} failed"
        print(f"{counts}, {time.monotonic() - started:.0f} s", flush=True)
        for sentence in result.not_run:
            print(f"        {'MISSING' if wanted.all else 'not run'}: {sentence}", flush=True)
        if result.output:
            print(result.output, flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
