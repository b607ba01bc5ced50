"""Settings files: what is taken from them, and how everything wrong with them is said."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conman_core import inifile
from conman_core.config import (
    Config,
    ConfigProblems,
    disabled,
    load,
    locate,
    missing_drivers,
    wanted,
)
from conman_core.errors import ConfigError
from conman_core.options import Declared, Kind, Option
from conman_core.settings import FIRST_PARTY, OPTIONS, default_settings
from conman_core.values import HIDDEN

ETHERNET = (
    Option("timeout", Kind.DURATION, "30s", "How long."),
    Option("address", Kind.INTERFACE_ADDRESS, "", "A fixed address."),
    Option("names", Kind.LIST, "", "Names."),
)
WIFI = (Option("key", Kind.SECRET, "", "The key."), Option("country", Kind.TEXT, "GB", "Where."))
KNOWN = {"ethernet": Declared(ETHERNET), "wifi": Declared(WIFI), "acme": None}
DOCUMENTED = """
[conman]
priority = ethernet, wifi, hilink, wwan, sakis3g
check-interval = 8s
check-targets = 1.1.1.1, 8.8.8.8, 9.9.9.9
check-url = http://connectivitycheck.gstatic.com/generate_204, http://nmcheck.gnome.org/check_network_status.txt
dns = auto
failback = auto
provision = boot

[conman:wifi]
country = GB
[conman:wwan]
apn = auto
[conman:accesspoint]
ssid = ContinuumBridge
address = 10.0.0.1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "setup.cfg"


def read(file: Path, text: str | bytes) -> Config:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(file, KNOWN)


def problems(file: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigProblems) as caught:
        read(file, text)
    return caught.value.problems


def only_problem(file: Path, text: str) -> str:
    (problem,) = problems(file, text)
    return problem.removeprefix(f"{file} ")


def load_or_complaint(file: Path) -> Config | str:
    try:
        return load(file, KNOWN)
    except ConfigError as error:
        return str(error)


# -- what is taken


def test_without_a_file_the_defaults_hold():
    config = load(None, KNOWN)
    assert config.path is None
    assert config.settings == default_settings()
    assert config.sections["ethernet"] == {
        "timeout": 30.0, "address": None, "names": (), "check": "internet", "metered": "auto",
        "recover": "yes", "data-limit": None, "data-limit-action": "warn", "data-limit-day": 1,
    }  # fmt: skip
    assert config.warnings == ()


def test_the_documented_example_is_valid(file: Path):
    config = read(file, DOCUMENTED)
    assert config.settings.priority_is_users
    assert config.sections["wifi"]["country"] == "GB"
    assert [warning.partition(": ")[2] for warning in config.warnings] == [
        "[conman:wwan] has no effect: conman-cellular is not installed",
        "[conman:accesspoint] has no effect: conman-accesspoint is not installed",
    ]


def test_values_may_hold_percent_and_hash_signs_and_quotes(file: Path):
    config = read(file, '[conman:wifi]\nkey = 50%(x)s #1 ;"a = b: c"\n[conman]\n')
    assert config.sections["wifi"]["key"] == '50%(x)s #1 ;"a = b: c"'


def test_comments_blank_lines_and_both_delimiters_are_understood(file: Path):
    config = read(file, "# one\n; two\n\n[conman]  # three\n\n  # four\ndns: none\n\n")
    assert config.settings.dns == "none"


def test_a_list_may_take_several_lines_with_comments_between(file: Path):
    text = "[conman]\ncheck-targets =\n  1.1.1.1\n  # the second\n  8.8.8.8,\n  9.9.9.9\ndns=none\n"
    config = read(file, text)
    assert config.settings.check_targets == tuple(
        map(ip_address, ("1.1.1.1", "8.8.8.8", "9.9.9.9"))
    )
    assert config.settings.dns == "none"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_line_ends_of_every_system_and_a_byte_order_mark_are_understood(
    file: Path, newline: str
):
    config = read(file, "\ufeff" + newline.join(("[conman]", "stagger = 1s", "dns = none", "")))
    assert (config.settings.stagger, config.settings.dns) == (1.0, "none")


def test_sections_of_other_programs_cannot_disturb(file: Path):
    text = (
        "[metadata]\nname = x\nname = y\nno key\n   [conman]\n[DEFAULT]\nuser = none\nno key\n"
        "[conman]\nstagger = 1s\n[metadata]\n[tool:pytest\n\x00\n[options]\n= 1\n"
    )
    config = read(file, text)
    assert (config.settings.stagger, config.settings.dns) == (1.0, "auto")
    assert config.warnings == ()


def test_an_empty_text_means_not_set_where_that_makes_sense(file: Path):
    config = read(
        file, "[conman]\ndisable =\n[conman:wifi]\ncountry =\n[conman:ethernet]\nnames=\n"
    )
    assert config.settings.disable == frozenset()
    assert config.sections["wifi"]["country"] is None
    assert config.sections["ethernet"]["names"] == ()


def test_where_each_setting_comes_from_is_kept_and_secrets_are_not(file: Path):
    config = read(file, "[conman]\n\ndns = none\n[conman:wifi]\nkey = topsecret\n")
    shown = {(entry.section, entry.key): (entry.text, entry.line) for entry in config.shown}
    assert shown["conman", "dns"] == ("none", 3)
    assert shown["conman", "stagger"] == ("250ms", None)
    assert shown["conman:wifi", "key"] == (HIDDEN, 5)
    assert shown["conman:ethernet", "address"] == ("", None)
    assert "topsecret" not in repr(config.shown)


# -- what is wrong


def test_all_problems_are_told_at_once_in_the_order_of_the_file(file: Path):
    found = problems(
        file,
        "[conman]\ndns = fiel\nchek-interval = 8s\nstagger = 1h\nrubbish\n"
        "[conman:ethrnet]\n[conman:ethernet]\ntimeout = soon\n",
    )
    assert [problem.removeprefix(f"{file} ") for problem in found] == [
        "line 2: [conman] dns = fiel is not allowed; did you mean file?; allowed: auto, file, none",
        "line 3: [conman] has no key chek-interval; did you mean check-interval?; allowed: "
        + ", ".join(option.name for option in OPTIONS),
        "line 4: [conman] stagger must be from 0s to 30s",
        "line 5: [conman] has a line that is not 'key = value'",
        "line 6: [conman:ethrnet] is for a driver that is not installed; did you mean ethernet?; "
        "allowed: ethernet, wifi, acme, hilink, wwan, sakis3g, accesspoint",
        "line 8: [conman:ethernet] timeout = soon is not allowed; "
        "allowed: a time such as 500ms, 10s, 12m, 2h",
    ]


@pytest.mark.parametrize("key", ["check_interval", "Check-Interval", "checkinterval"])
def test_a_key_is_taken_exactly_as_documented_and_the_near_name_is_told(file: Path, key: str):
    assert "did you mean check-interval?" in only_problem(file, f"[conman]\n{key} = 9s\n")


def test_a_wrong_time_tells_kind_and_range(file: Path):
    assert only_problem(file, "[conman]\ncheck-interval = 8\n") == (
        "line 2: [conman] check-interval = 8 is not allowed; "
        "allowed: a time such as 500ms, 10s, 12m, 2h, from 1s to 1h"
    )


def test_a_comment_behind_a_value_is_told_as_the_cause(file: Path):
    assert only_problem(file, "[conman]\ndns = none # ours\n").endswith(
        "a comment needs a line of its own"
    )
    config = read(file, "[conman]\nresolv-conf = /etc/r.conf # ours\n")
    assert "a comment needs a line of its own" in config.warnings[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[Conman]", "[conman]"),
        ("[ conman ]", "[conman]"),
        ("[conman-wifi]", "[conman:wifi]"),
        ("[conman.ethernet]", "[conman:ethernet]"),
        ("[conman wifi]", "[conman:wifi]"),
        ("[CONMAN:WiFi]", "[conman:wifi]"),
    ],
)
def test_a_miswritten_section_is_pointed_out(file: Path, written: str, meant: str):
    assert only_problem(file, f"[x]\n{written}\n") == (
        f"line 2: {written} is not read by conman; write {meant}"
    )


def test_a_section_that_only_looks_alike_is_a_warning(file: Path):
    config = read(file, "[conman]\n[conmann]\n[common]\n[conductor]\n")
    assert len(config.warnings) == 1
    assert "[conmann]" in config.warnings[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dns = none\n[conman]\n", "line 1: comes before any section"),
        ("[conman\ndns = none\n", "line 1: the section's name lacks its closing ]"),
        ("[conman]\n[wifi\n", "line 2: the section's name lacks its closing ]"),
        ("[conman]\n\n  [conman:wifi]\n", "line 3: [conman:wifi] must start at the beginning"),
        ("[conman] dns = none\n", "line 1: text after [conman]"),
        ("[conman]\n= 1\n", "line 2: [conman] has a line that is not 'key = value'"),
        ("[conman]\ndns = a\x1bb\n", "line 2: [conman] has a control character"),
        ("[conman:\x1b]\n", "line 1: the section's name has a control character"),
        ("[conman]\ndns = none\n  stagger = 1s\n", "line 2: [conman] dns must be on one line"),
        ("[conman]\nstandby =\n", "line 2: [conman] standby is empty; leave the line out"),
        ("[conman:]\n", "line 1: [conman:] is for a driver that is not installed"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_its_line(file: Path, text: str, told: str):
    assert only_problem(file, text).startswith(told)


def test_a_key_or_a_section_that_is_there_twice_is_told_with_both_lines(file: Path):
    first, second = problems(
        file, "[conman]\ndns = none\ndns = file\n[conman:wifi]\n[x]\n[conman:wifi]\n"
    )
    assert "line 3: [conman] dns is set already in line 2" in first
    assert "line 6: [conman:wifi] is there already in line 4" in second


def test_the_second_of_two_equal_sections_is_checked_as_well(file: Path):
    found = problems(file, "[conman]\n[conman]\n\nrubbish\n")
    assert [problem.partition(": ")[0] for problem in found] == [f"{file} line 2", f"{file} line 4"]


def test_a_secret_is_in_no_message_even_when_it_is_wrong(file: Path):
    option = Option("pin", Kind.SECRET, "", "PIN", choices=("0000",))
    for text in ("pin = s3cret", "pn = s3cret", "s3cret", "pin = s3cret\n  s3cret"):
        file.write_text(f"[conman:wwan]\n{text}\n")
        with pytest.raises(ConfigError) as caught:
            load(file, {"wwan": Declared((option,))})
        assert "s3cret" not in str(caught.value)


def test_a_foreign_value_in_a_message_cannot_steer_a_terminal_or_flood_it(file: Path):
    told = only_problem(file, f"[conman]\ndns = \u202e{'x' * 5000}\n")
    assert told.isprintable()
    assert len(told) < 300


def test_what_stands_in_the_section_of_everybody_has_no_effect_and_is_told(file: Path):
    """configparser's [DEFAULT] reaches into every section; conman's sections are its own."""
    found = problems(
        file, "[DEFAULT]\ndns = none\n# stagger = 1s\nuser = me\ncountry: GB\n[conman]\n"
    )
    assert [problem.removeprefix(f"{file} ") for problem in found] == [
        "line 2: [DEFAULT] is not read by conman, so dns has no effect there; "
        "write it into [conman]",
        "line 5: [DEFAULT] is not read by conman, so country has no effect there; "
        "write it into [conman:wifi]",
    ]


def test_in_a_file_of_another_program_too_it_may_be_that_ones_and_is_a_warning(file: Path):
    config = read(file, "[DEFAULT]\ndns = none\n[conman]\n[metadata]\nname = x\n")
    assert config.settings.dns == "auto"
    assert config.warnings == (
        f"{file} line 2: [DEFAULT] is not read by conman, so dns has no effect there; "
        "write it into [conman]",
    )


# -- drivers that are not there


def test_a_name_that_is_disabled_and_that_nobody_has_is_told_with_the_nearest(file: Path):
    """Else the one that was meant goes on, and nobody knows."""
    assert only_problem(file, "[conman]\ndns = none\ndisable = wwan, ethrnet\n") == (
        "line 3: [conman] disable has ethrnet, which is not installed; did you mean ethernet?; "
        "allowed: ethernet, wifi, acme, hilink, wwan, sakis3g, accesspoint"
    )


def test_a_section_of_a_driver_that_could_not_be_loaded_is_a_warning(file: Path):
    config = read(file, "[conman]\n[conman:acme]\nanything = goes\n")
    assert config.warnings == (
        f"{file} line 2: [conman:acme] is not checked: its driver is not loaded; "
        "see: conman drivers",
    )
    assert "acme" not in config.sections


def test_a_section_of_a_disabled_driver_is_passed_over(file: Path):
    config = read(file, "[conman]\ndisable = acme, wwan\n[conman:acme]\nx = y\n[conman:wwan]\n")
    assert config.warnings == ()
    assert disabled(file) == {"acme", "wwan"}


def test_what_is_disabled_is_known_before_the_rest_is_right(file: Path):
    file.write_text("[conman]\ndns = rubbish\ndisable =\n  wifi\n  acme\n[conman:unknown]\n")
    assert disabled(file) == {"wifi", "acme"}
    assert disabled(file.with_name("none")) == frozenset()
    assert disabled(None) == frozenset()


@pytest.mark.parametrize(
    "text",
    ["priority = wifi:wlan0, ethernet, wifi, x", "priority =\n  wifi\n  ethernet:eth0\n  x\n"],
)
def test_the_drivers_to_load_are_known_before_the_rest_is_right(file: Path, text: str):
    file.write_text(f"[conman]\ndns = rubbish\ndisable = x\n{text}\n")
    assert wanted(file) == ("wifi", "ethernet")
    assert wanted(None) == wanted(file.with_name("none")) == default_settings().priority


def test_a_driver_that_is_not_installed_is_missed_only_if_the_user_named_it(file: Path):
    assert missing_drivers(load(None, KNOWN), KNOWN) == ()
    config = read(file, "[conman]\n\npriority = ethernet:eth0, wwan, wfi, acme\n")
    assert missing_drivers(config, KNOWN) == (
        f"{file} line 3: [conman] priority names wwan, which is not installed; "
        "install conman-cellular from where conman came from",
        f"{file} line 3: [conman] priority names wfi, which is not installed; "
        "installed: ethernet, wifi, acme; did you mean wifi?",
    )
    assert missing_drivers(read(file, "[conman]\n"), KNOWN) == ()
    config = read(file, "[conman]\npriority = ethernet, wwan\ndisable = wwan\n")
    assert missing_drivers(config, KNOWN) == ()


def test_a_driver_with_a_wrong_default_costs_a_warning_not_the_settings(file: Path):
    wrong = (Option("a", Kind.NUMBER, "many", "?"), Option("b", Kind.TEXT, 7, "?"))  # type: ignore[arg-type]
    config = load(None, {"acme": Declared(wrong)})
    assert config.sections["acme"]["a"] is None
    assert [warning.partition(" has")[0] for warning in config.warnings] == [
        "[conman:acme] a",
        "[conman:acme] b",
    ]


# -- files


def test_a_file_without_our_section_is_a_warning(file: Path):
    assert "there is no section of conman" in read(file, "[metadata]\n").warnings[0]
    assert read(file, "[conman:ethernet]\n").warnings == ()


def test_a_file_that_gives_no_text_is_told_in_a_sentence(tmp_path: Path):
    folder, pipe, huge = tmp_path / "folder", tmp_path / "pipe", tmp_path / "huge"
    latin, loop = tmp_path / "latin", tmp_path / "loop"
    folder.mkdir()
    os.mkfifo(pipe)
    huge.write_bytes(b"#" * (inifile.LARGEST + 1))
    latin.write_bytes(b"[conman]\n\n# caf\xe9\n")
    loop.symlink_to(loop)
    for path, told in (
        (folder, "is not a file"),
        (pipe, "is not a file"),
        (huge, "is larger than 1 MiB"),
        (latin, "line 3: is not UTF-8 text"),
        (loop, "cannot be read"),
        (tmp_path / "none", "does not exist"),
        (tmp_path / "x\0y", "cannot be read"),
        (Path("/proc/self/mem"), "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=told) as caught:
            load(path, KNOWN)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("line", ["  x\n", "x\n", "x=\n", "[conmnn]\n", "[conman:x]\n", "[y]\n"])
def test_a_huge_file_does_not_take_long(file: Path, line: str):
    text = "[conman]\n" + line * ((inifile.LARGEST - 9) // len(line))
    started = time.process_time()
    with suppress(ConfigError):
        read(file, text)
    assert time.process_time() - started < 5


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody who is not")
def test_a_file_that_may_not_be_read_is_told_in_a_sentence(tmp_path: Path):
    file = tmp_path / "setup.cfg"
    file.write_text("[conman]\n")
    file.chmod(0o600)
    tmp_path.chmod(0o755)
    code = (
        "import os, sys; from pathlib import Path; from conman_core.config import load;"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: load(Path(sys.argv[1]), {})\n"
        "except ValueError as error: print(error)"
    )
    for parent in tmp_path.parents[:2]:  # pytest's own folders are closed to others
        parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{file} may not be read by this user; try again with sudo\n"


def test_the_file_is_searched_in_a_fixed_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.cfg").write_text("[conman]\ndns = none\n")
    usual = tmp_path / "etc" / "setup.cfg"
    monkeypatch.setattr("conman_core.config.DEFAULT_FILE", usual)
    assert locate(None, {}) is None, "the current folder is never looked at"
    assert locate(None, {"CONMAN_CONFIG": ""}) is None
    usual.parent.mkdir()
    usual.symlink_to("nowhere")
    assert locate(None, {}) == usual, "a file that cannot be read is not passed over"
    assert locate(None, {"CONMAN_CONFIG": "/a"}) == Path("/a")
    assert locate(Path("b.cfg"), {"CONMAN_CONFIG": "/a"}) == tmp_path / "b.cfg"


# -- laws

_pieces = st.sampled_from(
    ["[conman]", "[conman:wifi]", "[conman", "]", "[", " ", "\t", "\n", "\r\n", "=", ":", "#", ";",
     "dns", "none", "key", "check-targets", "1.1.1.1", ",", "%", "\x00", "\u2028", "\x85", "\ufeff"]
)  # fmt: skip
_texts = st.lists(st.one_of(_pieces, st.text(max_size=8))).map("".join)


@given(_texts)
@example("[conman]\n a\n  b\n")
@example("[conman]\nkey = x\n\x1c[conman:wifi]\ny\n")
@example("[conman]\n\u3000[section]\nx = 1")
def test_any_text_gives_settings_or_a_list_of_problems(text: str):
    document = inifile.parse(text, Path("f"))
    for section in document.sections.values():
        for entry in section.entries.values():
            line = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
            assert entry.key in line.split("\n")[entry.line - 1]


@given(st.binary(max_size=200))
def test_any_bytes_give_settings_or_a_configuration_error(tmp_path_factory, data: bytes):
    file = tmp_path_factory.getbasetemp() / "fuzz.cfg"
    file.write_bytes(b"[conman]\n" + data)
    said = load_or_complaint(file)
    assert isinstance(said, Config) or said.startswith(str(file))


@given(_texts)
def test_any_text_in_a_file_gives_settings_or_a_configuration_error(tmp_path_factory, text: str):
    file = tmp_path_factory.getbasetemp() / "fuzz.cfg"
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    file.write_bytes(data)
    said = load_or_complaint(file)
    assert isinstance(said, Config) or "\x1b" not in said


_durations = st.integers(1000, 3_600_000)
_names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)


@given(
    interval=_durations,
    priority=st.lists(_names, min_size=1, max_size=5, unique=True),
    targets=st.lists(
        st.ip_addresses(v=4).filter(lambda address: address.is_global and not address.is_multicast),
        min_size=1,
        max_size=4,
    ),
    dns=st.sampled_from(["auto", "file", "none"]),
    key=st.from_regex(r"[!-~]([ -~]{0,30}[!-~])?", fullmatch=True),
)
def test_what_is_written_is_what_is_read(
    tmp_path_factory, interval: int, priority: list[str], targets: list, dns: str, key: str
):
    file = tmp_path_factory.getbasetemp() / "round.cfg"
    config = read(
        file,
        f"[conman]\ncheck-interval = {interval}ms\npriority = {', '.join(priority)}\n"
        f"check-targets = {', '.join(map(str, targets))}\ndns = {dns}\n"
        f"[conman:wifi]\nkey = {key}\n",
    )
    assert config.settings.check_interval == pytest.approx(interval / 1000)
    assert config.settings.priority == tuple(priority)
    assert config.settings.check_targets == tuple(targets)
    assert config.settings.dns == dns
    assert config.sections["wifi"]["key"] == key


def test_the_default_priority_names_drivers_of_this_project():
    assert set(default_settings().priority) <= set(FIRST_PARTY)
