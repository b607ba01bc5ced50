"""`apn = auto`: what the list of operators has for a SIM card, whatever is in that file."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import ParseError

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conman_core import ConnectError
from conman_core.testing import FakeStore
from conman_plugins.cellular.apns import MOST, ApnMemory, candidates, plans
from conman_plugins.cellular.plan import Plan

CARD = "8930012345678901234"
#: laid out as mobile-broadband-provider-info 20230416 has it
TEXT = """<?xml version="1.0"?>
<!DOCTYPE serviceproviders SYSTEM "serviceproviders.2.dtd">
<serviceproviders format="2.0">
<country code="gr">
  <provider>
    <name>Cosmote</name>
    <gsm>
      <network-id mcc="202" mnc="01"/>
      <network-id mcc="202" mnc="02"/>
      <apn value="mms"><usage type="mms"/></apn>
      <apn value="internet"><usage type="internet"/><name>Postpaid</name></apn>
      <apn value="b-online.gr"><usage type="internet"/><authentication method="pap"/>
        <username>web</username><password>we:b</password><dns>195.167.65.194</dns></apn>
    </gsm>
  </provider>
  <provider><name>CDMA only</name><cdma><sid value="202"/></cdma></provider>
</country>
<country code="us">
  <provider>
    <name>AT&amp;T</name>
    <gsm><network-id mcc="310" mnc="410"/><apn value="broadband"/></gsm>
  </provider>
  <provider>
    <name>A reseller in the same network</name>
    <gsm><network-id mcc="310" mnc="410"/>
      <apn value="resold"><usage type="internet"/></apn><apn value="broadband"/>
      <apn value="with blank"><usage type="internet"/></apn></gsm>
  </provider>
</country>
</serviceproviders>
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "serviceproviders.xml"
    path.write_text(TEXT)
    return path


def test_only_what_leads_to_the_internet_with_what_goes_with_it(database: Path) -> None:
    both = [Plan("internet"), Plan("b-online.gr", "web", "we:b", "pap")]
    assert plans(database, "202-01") == plans(database, "202-2") == both


def test_resellers_of_a_network_come_after_it_and_none_twice(database: Path) -> None:
    assert plans(database, "310-410") == [Plan("broadband"), Plan("resold")]


@pytest.mark.parametrize("plmn", ["202-05", "310-41", "999-99", "", "x-y", "202"])
def test_an_operator_that_is_not_listed_has_none(database: Path, plmn: str) -> None:
    assert plans(database, plmn) == []


def test_what_worked_last_comes_first_and_the_network_s_own_choice_last(database: Path) -> None:
    memory = ApnMemory(FakeStore())
    assert candidates("202-01", CARD, memory, database)[-1] == Plan()
    memory.worked(CARD, Plan("b-online.gr", "web", "we:b", "pap"))
    found = candidates("202-01", CARD, memory, database)
    assert [plan.apn for plan in found] == ["b-online.gr", "internet", ""]
    other = candidates("202-01", "8930019999999999999", memory, database)
    assert [plan.apn for plan in other] == ["internet", "b-online.gr", ""]


def test_an_operator_with_many_is_not_tried_for_ever(database: Path) -> None:
    many = "".join(f'<apn value="a{number}"/>' for number in range(50))
    network = '<network-id mcc="1" mnc="1"/>'
    database.write_text(f"<country><provider><gsm>{network}{many}</gsm></provider></country>")
    assert len(candidates("001-01", CARD, ApnMemory(FakeStore()), database)) == MOST + 1


def test_a_card_that_worked_before_needs_no_list(tmp_path: Path) -> None:
    memory = ApnMemory(FakeStore())
    missing = tmp_path / "none.xml"
    with pytest.raises(ConnectError, match="is missing; set apn, or: apt install mobile-broad"):
        candidates("202-01", CARD, memory, missing)
    memory.worked(CARD, Plan("internet"))
    assert candidates("202-01", CARD, memory, missing) == [Plan("internet"), Plan()]


def test_a_torn_list_is_told(database: Path) -> None:
    database.write_text(TEXT[:900])
    with pytest.raises(ConnectError, match="cannot be read"):
        candidates("310-410", CARD, ApnMemory(FakeStore()), database)


def test_only_news_is_written_and_a_memory_of_rubbish_is_empty() -> None:
    store = FakeStore()
    memory = ApnMemory(store)
    for _ in range(3):
        memory.worked(CARD, Plan("internet", section="[conman:wwan]"))
    memory.worked("", Plan("internet"))
    assert len(store.saves) == 1
    for rubbish in (3, {CARD: 3}, {CARD: ["a", "b"]}, {CARD: ["a", "", "", "odd"]}):
        store.save({"apns": rubbish})
        assert memory.last(CARD) is None


def test_many_cards_do_not_fill_the_memory() -> None:
    store = FakeStore()
    memory = ApnMemory(store)
    for number in range(100):
        memory.worked(f"89300{number:014}", Plan("internet"))
    assert len(store.load()["apns"]) < 40
    assert memory.last(f"89300{99:014}") == Plan("internet")


@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.text(max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_list_raises_nothing_unforeseen(
    database: Path, start: int, cut: int, put: str
) -> None:
    database.write_text(TEXT[:start] + put + TEXT[start + cut :], errors="replace")
    try:
        for plan in plans(database, "202-01"):
            assert plan.apn
    except (OSError, ParseError):
        return
