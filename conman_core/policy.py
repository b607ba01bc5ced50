"""From the user's settings to what the scheduler and the checks work with. Pure."""

from __future__ import annotations

from conman_core.config import Config
from conman_core.entry import Wishes
from conman_core.reach import Check, Targets
from conman_core.schedule import Policy
from conman_core.settings import Settings


def policy_of(settings: Settings) -> Policy:
    """Return the scheduler's policy."""
    return Policy(
        failback=settings.failback == "auto",
        dwell=settings.failback_dwell,
        stagger=settings.stagger,
        metered_after=settings.metered_after,
        warm_standby=settings.standby == "warm",
        check_interval=settings.check_interval,
        standby_interval=settings.standby_check_interval,
    )


def wishes_of(config: Config, driver: str) -> Wishes:
    """Return what the user wants of the links of a driver."""
    section = config.sections.get(driver, {})
    word = section.get("metered", "auto")
    metered = None if word == "auto" else bool(word == "yes")
    return Wishes(metered=metered, recover=section.get("recover", "yes") == "yes")


def targets_of(config: Config, driver: str) -> Targets:
    """Return what to ask over the links of a driver."""
    settings = config.settings
    return Targets(
        hosts=settings.check_targets,
        urls=settings.check_url,
        mode=Check(config.sections.get(driver, {}).get("check", "internet")),
        use_dns=settings.dns != "none",
    )
