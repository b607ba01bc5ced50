"""What the packets of other programs tell of a link that is too dear to be asked often."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conman_core.evidence import LONGEST_PATIENCE, PATIENCE, Counters, Evidence, asked, looked


def seen(*looks: tuple[float, int, int]) -> Evidence:
    evidence = Evidence()
    for now, rx, tx in looks:
        evidence = looked(evidence, Counters(rx, tx), now)
    return evidence


def test_packets_that_go_out_and_never_come_back_are_doubted() -> None:
    evidence = seen((0, 10, 10), (1, 10, 12), (2, 10, 14))
    assert not evidence.doubtful(3.9)
    assert evidence.doubtful(1 + PATIENCE)


def test_an_answer_ends_the_doubt() -> None:
    assert not seen((0, 10, 10), (1, 10, 12), (2, 11, 14)).doubtful(100)


def test_an_idle_link_is_not_doubted() -> None:
    assert not seen((0, 10, 10), (1, 10, 10), (900, 10, 10)).doubtful(1e6)


def test_one_packet_without_an_answer_is_enough() -> None:
    assert seen((0, 10, 10), (1, 10, 11), (9, 10, 11)).doubtful(9)


def test_a_device_that_counts_anew_tells_nothing() -> None:
    assert not seen((0, 10, 10), (1, 10, 12), (2, 0, 1)).doubtful(100)


def test_who_only_sends_is_asked_about_more_and_more_rarely() -> None:
    evidence, now, rounds = Evidence(), 0.0, []
    for second in range(24 * 3600):
        now = float(second)
        evidence = looked(evidence, Counters(5, second), now)
        if evidence.doubtful(now):
            rounds.append(now)
            evidence = asked(evidence)
    assert len(rounds) < 10 + 24 * 3600 / LONGEST_PATIENCE


def test_one_answer_makes_it_watchful_again() -> None:
    evidence = asked(asked(seen((0, 10, 10))))
    assert evidence.patience > PATIENCE
    evidence = looked(looked(evidence, Counters(10, 20), 1), Counters(11, 21), 2)
    assert evidence.patience == PATIENCE


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60))
def test_nothing_is_doubted_that_answered_within_its_patience(steps: list[tuple[int, int]]) -> None:
    evidence, rx, tx, answered = Evidence(), 0, 0, -1.0
    for second, (received, sent) in enumerate(steps):
        rx, tx = rx + received, tx + sent
        evidence = looked(evidence, Counters(rx, tx), float(second))
        if received:
            answered = second
        assert not (evidence.doubtful(second) and second - answered < PATIENCE)
