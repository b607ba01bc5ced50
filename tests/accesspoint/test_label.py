"""Name and key as a QR code: another program reads back what a phone has to know."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conman_plugins.accesspoint import label

SVG = "{http://www.w3.org/2000/svg}"
names = st.text(min_size=1, max_size=32).filter(
    lambda name: len(name.encode("utf-8", "replace")) <= 32 and name.isprintable()
)
keys = st.none() | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63
)


def sticker(
    ssid: str, key: str | None, address: str = "10.0.0.1", device: str = "pi"
) -> ET.Element:
    return ET.fromstring(label.sticker(ssid, key, address, device))


def read(rows: list[list[bool]]) -> str:
    """What a phone's camera sees: dark modules, each of three pixels."""
    wide = [[pixel for module in row for pixel in [module] * 3] for row in rows for _ in range(3)]
    pixels = bytes(0 if dark else 255 for row in wide for dark in row)
    view = memoryview(pixels).cast("B", shape=[len(wide), len(wide[0])])
    (found,) = zxingcpp.read_barcodes(view)
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert found.bytes == found.text.encode(), "phones take it for UTF-8"
    return str(found.text)


def code_of(drawn: ET.Element) -> list[list[bool]]:
    """The modules of the code, from the strokes with which it is drawn."""
    (inner,) = drawn.findall(f"{SVG}svg")
    size = int(float(inner.attrib["viewBox"].split()[2]))
    (path,) = inner.iter(f"{SVG}path")
    rows = [[False] * size for _ in range(size)]
    x = y = 0.0
    for letter, numbers in re.findall(r"([Mmh])([^Mmh]*)", path.attrib["d"]):
        step = [float(each) for each in re.findall(r"-?[\d.]+", numbers)]
        if letter == "M":
            x, y = step
        elif letter == "m":
            x, y = x + step[0], y + step[1]
        else:
            for dark in range(int(x), int(x + step[0])):
                rows[int(y)][dark] = True
            x += step[0]
    return rows


def parsed(text: str) -> dict[str, str]:
    """Read the text as phones do: a semicolon ends a field, a backslash keeps what follows."""
    assert text.startswith("WIFI:")
    fields, name, value, escaped = {}, "", "", False
    for letter in text.removeprefix("WIFI:"):
        if escaped:
            value, escaped = value + letter, False
        elif letter == "\\":
            escaped = True
        elif letter == ":" and not name:
            name, value = value, ""
        elif letter == ";":
            if name:
                fields[name] = value
            name, value = "", ""
        else:
            value += letter
    return fields


def wanted(ssid: str, key: str | None) -> dict[str, str]:
    return {"T": "nopass", "S": ssid} if key is None else {"T": "WPA", "S": ssid, "P": key}


def texts(drawn: ET.Element) -> list[ET.Element]:
    return [each for each in drawn if each.tag == f"{SVG}text"]


def test_a_phone_reads_name_and_key_from_the_sticker() -> None:
    text = read(code_of(sticker("ContinuumBridge", "abcd-efgh-jkmn-pqrs")))
    assert text == "WIFI:T:WPA;S:ContinuumBridge;P:abcd-efgh-jkmn-pqrs;;"


def test_an_open_network_has_no_key_on_it() -> None:
    drawn = sticker("Box", None)
    assert read(code_of(drawn)) == "WIFI:T:nopass;S:Box;;"
    assert [each.text for each in texts(drawn)] == [
        *("WiFi", "Box", "no key", "then open", "http://10.0.0.1/")
    ]


@settings(max_examples=30)
@given(names, keys)
@example('a\\;b:c,"d', "\\;,:\"<&>'")
@example("Café Größe", "x" * 63)
@example("カフェの無線", "p;" * 31)
@example("📶" * 8, "12345678")
@example("WIFI:S:other;;", ";;;;;;;;")
@example("\\", "\\\\\\\\\\\\\\\\")
def test_whatever_the_name_and_key_are_a_phone_reads_them(ssid: str, key: str | None) -> None:
    assert parsed(read(code_of(sticker(ssid, key)))) == wanted(ssid, key)


@settings(max_examples=30)
@given(names, keys)
@example("Box", "abcd-efgh-jkmn-pqrs")
def test_a_phone_reads_them_from_the_terminal_too(ssid: str, key: str | None) -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", label.for_terminal(ssid, key))
    rows: list[list[bool]] = []
    for line in plain.splitlines():
        rows.append([c in " ▄" for c in line])  # what is not filled is dark
        rows.append([c in " ▀" for c in line])
    assert parsed(read(rows)) == wanted(ssid, key)


@settings(max_examples=30)
@given(st.text(max_size=40), keys, st.text(max_size=40))
@example("<script>&\"'", "]]>&lt;<!--", "\0\x1b\ud800\ufffe")
def test_the_sticker_is_xml_whatever_the_names_are(ssid: str, key: str | None, device: str) -> None:
    ssid = ssid.encode("utf-8", "replace").decode()
    drawn = sticker(ssid, key, device=device)
    assert drawn.findtext(f"{SVG}title") == label._printable(device)
    shown = [each for each in texts(drawn) if "bold" in each.attrib.values()]
    typed = "".join(each.text or "" for each in shown)
    assert typed == label._printable(ssid) + (key or "") + "http://10.0.0.1/"


@settings(max_examples=30)
@given(names, keys, st.ip_addresses(v=4))
@example("W" * 32, "m" * 63, "192.168.100.200")
@example("漢" * 10, "@" * 63, "192.168.100.200")
def test_all_that_is_to_be_typed_fits_beside_the_code(
    ssid: str, key: str | None, address: object
) -> None:
    drawn = sticker(ssid, key, str(address))
    assert drawn.attrib["viewBox"] == "0 0 62 29"
    lowest = 0.0
    for each in texts(drawn):
        size, y = float(each.attrib["font-size"]), float(each.attrib["y"])
        assert size >= 2.0, "too small to read"
        assert y - lowest >= size * 0.95, "it covers the line above"
        assert float(each.attrib["x"]) + label._ems(each.text or "") * size <= 61.01
        lowest = y
    assert lowest <= 28.5


def test_blanks_of_a_key_are_shown_as_they_are() -> None:
    (shown,) = (each for each in texts(sticker("Box", "two  blanks")) if "two" in (each.text or ""))
    assert shown.text == "two  blanks"
    assert shown.attrib["{http://www.w3.org/XML/1998/namespace}space"] == "preserve"


@pytest.mark.parametrize("key", ["abcd-efgh-jkmn-pqrs", "x" * 19])
def test_a_key_that_was_made_stands_on_one_line(key: str) -> None:
    assert key in [each.text for each in texts(sticker("ContinuumBridge", key))]
