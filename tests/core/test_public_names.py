"""The public names of conman_core are there, and cost nothing to those who do not use them."""

import subprocess
import sys

import pytest

import conman_core


def test_every_public_name_is_there() -> None:
    for name in conman_core.__all__:
        assert getattr(conman_core, name).__class__
    with pytest.raises(AttributeError, match="no attribute Nothing"):
        conman_core.Nothing  # noqa: B018


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    code = "import sys, conman_core; print([m for m in sys.modules if m[:11] == 'conman_core'])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "['conman_core']"
