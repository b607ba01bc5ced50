"""What is needed to test a driver without hardware, for conman's drivers and everybody else's.

    from conman_core.testing import DriverContract, FakeContext

    class TestAcme(DriverContract):
        @pytest.fixture
        def driver(self):
            return AcmeDriver(FakeContext(AcmeDriver))

Needs pytest, which conman itself does not depend on.
"""

import pytest

# works only before their import
pytest.register_assert_rewrite("conman_core.testing.contract", "conman_core.testing.repairs")

from conman_core.testing.clock import FakeClock  # noqa: E402
from conman_core.testing.contract import DriverContract  # noqa: E402
from conman_core.testing.dhcp import SILENCE, FakeLease, lease_on  # noqa: E402
from conman_core.testing.fakes import FakeContext, FakeStore, Fault, Unexpected  # noqa: E402
from conman_core.testing.harness import run  # noqa: E402
from conman_core.testing.programs import FakeRunning  # noqa: E402
from conman_core.testing.sysfs import FakeSysfs  # noqa: E402

__all__ = [
    "SILENCE",
    "DriverContract",
    "FakeClock",
    "FakeContext",
    "FakeLease",
    "FakeRunning",
    "FakeStore",
    "FakeSysfs",
    "Fault",
    "Unexpected",
    "lease_on",
    "run",
]
