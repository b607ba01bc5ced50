"""Where this conman came from, and the command that installs a missing package from there.

The names of conman's packages are not registered on the public index, where a stranger could
answer to them: a hint names the checkout or bundle on this machine, never a bare name.
"""

from __future__ import annotations

import importlib.metadata
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit


def _recorded() -> Path | None:
    # direct_url.json: PEP 610, written by installers for anything not from an index
    try:
        text = importlib.metadata.distribution("conman-core").read_text("direct_url.json")
        url = urlsplit(json.loads(text or "{}")["url"])
    except (importlib.metadata.PackageNotFoundError, ValueError, TypeError, KeyError):
        return None
    return Path(unquote(url.path)) if url.scheme == "file" else None


def _places() -> Iterator[Path]:
    recorded = _recorded()
    if recorded:
        yield recorded.parent if recorded.suffix in {".whl", ".gz"} else recorded
    yield Path(__file__).resolve().parents[1]


def install_command(package: str) -> str | None:
    """Return the command that installs one of conman's packages from where conman came from.

    None if neither a checkout nor a bundle of wheels is found.
    """
    folder, wheel = package.removeprefix("conman-"), package.replace("-", "_")
    for place in _places():
        source = place / "conman_plugins" / folder
        wheels = sorted(place.glob(f"{wheel}-*.whl"))
        target = source if (source / "pyproject.toml").is_file() else wheels[-1] if wheels else None
        if target:
            return shlex.join([sys.executable, "-m", "pip", "install", str(target)])
    return None


def install_hint(package: str) -> str:
    """Return what to do to get one of conman's packages, as the end of a sentence."""
    command = install_command(package)
    if command:
        return f"install it with: {command}"
    return f"install {package} from the checkout or bundle that conman came from"
