"""What the events of an attempt mean: each failure gets its true reason, and no sooner."""

from __future__ import annotations

from conman_core import Reason
from conman_plugins.wifi.eventlines import parse_event
from conman_plugins.wifi.joining import Attempt, Step

PARKED = '<3>CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="Home" auth_failures=1 duration=10 reason={}'
AP = "02:00:00:00:01:00"


def run(*lines: str) -> tuple[Attempt, list[Step]]:
    attempt = Attempt("Home")
    events = [parse_event(line) for line in lines]
    assert None not in events
    return attempt, [attempt.take(event) for event in events if event]


def test_a_connected_event_is_all_that_joining_takes() -> None:
    _, steps = run(f"<3>CTRL-EVENT-CONNECTED - Connection to {AP} completed [id=0 id_str=]")
    assert steps == [Step.JOINED]


def test_a_wrong_key_is_believed_the_second_time() -> None:
    attempt, steps = run(PARKED.format("WRONG_KEY"), PARKED.format("WRONG_KEY"))
    assert steps == [Step.PUSH, Step.FAILED]
    assert attempt.failure
    assert attempt.failure.reason is Reason.WRONG_KEY
    assert attempt.failure.sentence == "wrong key for Home: it refused the key twice"


def test_a_frame_lost_in_the_handshake_is_no_wrong_key() -> None:
    connected = f"<3>CTRL-EVENT-CONNECTED - Connection to {AP} completed [id=0 id_str=]"
    attempt, steps = run(PARKED.format("WRONG_KEY"), connected)
    assert steps == [Step.PUSH, Step.JOINED]
    assert attempt.failure is None


def test_a_wrong_sae_password_is_a_wrong_key() -> None:
    line = f"<3>CTRL-EVENT-AUTH-REJECT {AP} auth_type=3 auth_transaction=2 status_code=1 ie="
    attempt, steps = run(line, line)
    assert steps == [Step.PUSH, Step.FAILED]
    assert attempt.failure
    assert attempt.failure.reason is Reason.WRONG_KEY


def test_a_rejection_says_the_status_in_words() -> None:
    line = f"<3>CTRL-EVENT-ASSOC-REJECT bssid={AP} status_code=17"
    attempt, steps = run(line, line)
    assert steps[-1] is Step.FAILED
    assert attempt.failure
    assert attempt.failure.reason is Reason.REJECTED
    assert "Home refused this device" in attempt.failure.sentence
    assert "17" not in attempt.failure.sentence


def test_a_refused_account_is_said() -> None:
    attempt, steps = run("<3>CTRL-EVENT-EAP-FAILURE EAP authentication failed")
    assert steps == [Step.FAILED]
    assert attempt.failure
    assert attempt.failure.reason is Reason.WRONG_KEY


def test_silence_is_a_timeout_that_says_what_was_heard_last() -> None:
    attempt, steps = run(f"<3>CTRL-EVENT-DISCONNECTED bssid={AP} reason=4 locally_generated=1")
    assert steps == [Step.WAIT]
    failure = attempt.gave_up(25)
    assert failure.reason is Reason.TIMEOUT
    assert "Home cannot be joined" in failure.sentence
    assert Attempt("Home").gave_up(25).sentence.startswith("Home did not answer within 25 s")


def test_one_refusal_before_the_time_is_over_is_still_told_as_wrong_key() -> None:
    attempt, _ = run(PARKED.format("WRONG_KEY"))
    assert attempt.gave_up(25).reason is Reason.WRONG_KEY
