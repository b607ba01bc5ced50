"""For all tests: a property holds or does not; how busy the machine is says nothing about it."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "conman", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("conman")
