"""From the user's settings to what the scheduler and the checks work with."""

from __future__ import annotations

from conman_core.config import Config
from conman_core.entry import Entry, Limit, Wishes
from conman_core.inventory import Inventory
from conman_core.model import Verdict
from conman_core.provisioning import Rules, When
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


def rules_of(settings: Settings) -> Rules:
    """Return when a person is asked for settings."""
    return Rules(When(settings.provision), settings.provision_after)


def firewalled(config: Config, entry: Entry) -> bool:
    """Tell whether a cable gives all that it can: its router answers, the internet does not.

    Only if the user did not say how far the link must reach: a firewall is likely then.
    """
    section = f"conman:{entry.link.driver}"
    asked = any(s.section == section and s.key == "check" and s.line for s in config.shown)
    limited = entry.track.connected and entry.track.verdict is Verdict.LIMITED
    if asked or not limited or entry.interface is None:
        return False
    interface = Inventory().describe(entry.interface)
    return interface is not None and interface.kind == "ethernet"


def wishes_of(config: Config, driver: str) -> Wishes:
    """Return what the user wants of the links of a driver."""
    section = config.sections.get(driver, {})
    word = section.get("metered", "auto")
    metered = None if word == "auto" else bool(word == "yes")
    limit = Limit(
        section.get("data-limit"),
        section.get("data-limit-action", "warn") == "stop",
        section.get("data-limit-day", 1),
    )
    return Wishes(metered=metered, recover=section.get("recover", "yes") == "yes", limit=limit)


def targets_of(config: Config, driver: str) -> Targets:
    """Return what to ask over the links of a driver."""
    settings = config.settings
    return Targets(
        hosts=settings.check_targets,
        urls=settings.check_url,
        mode=Check(config.sections.get(driver, {}).get("check", "internet")),
        use_dns=settings.dns != "none",
    )
