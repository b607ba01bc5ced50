"""/etc/sakis3g.conf is read, never run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import ConnectError, Reason
from conman_plugins.cellular import sakis3g
from conman_plugins.cellular.dialling import Wishes
from conman_plugins.cellular.sakisconf import SakisConf, parse, read

TEMPLATE = Path(sakis3g.__file__).with_name("sakis3g.conf")


def test_values_come_in_every_way_that_users_write_them() -> None:
    text = (
        '# comment\n\n--console\nAPN="internet"\nAPN_USER=\'me\'\nAPN_PASS=it  # mine\nDIAL="*99#"'
    )

    assert parse(text) == SakisConf(
        {"APN": "internet", "APN_USER": "me", "APN_PASS": "it", "DIAL": "*99#"}
    )


def test_the_template_says_nothing_until_somebody_uncomments_it() -> None:
    text = TEMPLATE.read_text()
    assert parse(text) == SakisConf()
    lines = [line[1:] for line in text.splitlines() if line[:2].strip("#").isupper()]
    assert not parse("\n".join(lines)).faults
    assert len(parse("\n".join(lines)).values) == 9


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('APN="a$(touch X)b"', "line 1: APN has characters that a shell acts upon"),
        ('APN_PASS="a`id`"', "line 1: APN_PASS has characters that a shell acts upon"),
        ("APN_PASS='a\\'", "line 1: APN_PASS has characters that a shell acts upon"),
        ('DIAL="*99#;reboot"', "line 1: DIAL has a value that a modem does not take"),
        ('SIM_PIN="12"', "line 1: SIM_PIN has a value that a modem does not take"),
        ("rm -rf /", 'line 1 is not NAME="value"'),
        ('APN="x"; reboot', 'line 1 is not NAME="value"'),
        ('APN="x" reboot', 'line 1 is not NAME="value"'),
        ('CONNECTION_HOOK="reboot"', "line 1: CONNECTION_HOOK would run a command as root"),
        ('HOOK="reboot"', "line 1: HOOK would run a command as root"),
        ('connection_hook="reboot"', "line 1: connection_hook would run a command as root"),
    ],
)
def test_what_the_script_would_run_is_a_fault(line: str, fault: str) -> None:
    (found,) = parse(line).faults

    assert found.startswith(fault)


@pytest.mark.parametrize(
    "line",
    [
        'PPPD_OPTIONS="defaultroute"',
        'PPPINT="ppp0"',
        'pppint="ppp0"',
        'PPPD_PEERS="isp"',
        'MODEM="12d1:1001"',
        'OTHER="USBMODEM"',
    ],
)
def test_what_counts_more_than_conmans_own_is_not_given_to_the_script(line: str) -> None:
    conf = parse(line)
    with pytest.raises(
        ConnectError, match=r"line 1: .* counts more than what conman tells"
    ) as told:
        conf.must_be_sound()

    assert told.value.reason is Reason.MISCONFIGURED
    conf.must_be_sound(for_script=False)  # pppd does not read it


@pytest.mark.parametrize("secret", ["a$b", "a`b"])
def test_a_secret_is_not_told_with_its_fault(secret: str) -> None:
    assert secret not in str(parse(f'APN_PASS="{secret}"'))


def test_a_file_that_others_can_change_is_not_given_to_the_script(tmp_path: Path) -> None:
    file = tmp_path / "sakis3g.conf"
    assert read(file) == SakisConf()
    file.write_text('APN="internet"\n')
    file.chmod(0o666)
    conf = read(file)
    assert conf.get("APN") == "internet"
    with pytest.raises(ConnectError, match="others than root may change it; chown root"):
        conf.must_be_sound(file)
    if os.geteuid() == 0:
        file.chmod(0o600)
        read(file).must_be_sound(file)


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_a_chosen_access_point_is_the_custom_one() -> None:
    conf = SakisConf({"APN": "CUSTOM_APN", "CUSTOM_APN": "mine", "USBMODEM": "12D1:1001"})
    wishes = Wishes(apn="other", pin="1234").with_file(conf)

    assert (wishes.apn, wishes.pin, wishes.ids) == ("mine", "1234", "12d1:1001")
    assert wishes.place == "/etc/sakis3g.conf"


@given(st.text(max_size=300))
def test_no_file_makes_the_reader_fail(text: str) -> None:
    conf = parse(text)
    Wishes().with_file(conf)


@given(st.text(max_size=40))
def test_no_value_that_is_taken_can_run_anything(value: str) -> None:
    for name in ("APN", "APN_USER", "APN_PASS", "SIM_PIN", "DIAL", "CUSTOM_TTY", "ELSE"):
        taken = parse(f'{name}="{value}"').get(name)
        assert not set(taken) & set("$`\\;&|<>()\"'\n")
