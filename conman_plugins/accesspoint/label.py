"""Name and key as a QR code: on the terminal, and as a sticker for the device.

The code is what phones know as a WiFi network: `WIFI:T:WPA;S:name;P:key;;`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from unicodedata import combining, east_asian_width
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 62, 29  #: mm: a common size of labels
_CODE = 23  #: mm, the side of the code
_LEFT = _CODE + 6
_ROOM = _WIDTH - _LEFT - 2  #: mm for letters beside the code
_LARGEST, _SMALLEST = 3.2, 2.35  #: mm, sizes of what is typed; with the latter all fits
_CAPTION = 2.1


def _code(ssid: str, key: str | None) -> Any:
    import segno
    from segno import helpers

    security = "nopass" if key is None else "WPA"
    text = helpers.make_wifi_data(ssid=ssid, password=key, security=security)
    return segno.make_qr(text, encoding="utf-8")  # what phones take it for


def for_terminal(ssid: str, key: str | None) -> str:
    """Return the code in half blocks, with its own light ground, so that any terminal will do."""
    text = io.StringIO()
    _code(ssid, key).terminal(out=text, compact=True)
    return text.getvalue().rstrip("\n")


def sticker(ssid: str, key: str | None, address: str, device: str) -> str:
    """Return a sticker as SVG: the code, name and key to type, and the page's address."""
    svg = io.BytesIO()
    code = _code(ssid, key)
    code.save(svg, kind="svg", xmldecl=False, svgns=True, border=2, omitsize=True)
    inner = svg.getvalue().decode().strip()
    inner = inner.replace("<svg ", f'<svg x="3" y="3" width="{_CODE}" height="{_CODE}" ', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}mm" height="{_HEIGHT}mm"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">'
        f"<title>{escape(_printable(device))}</title>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>{inner}'
        f"{''.join(_texts(ssid, key, address))}</svg>\n"
    )


def _texts(ssid: str, key: str | None, address: str) -> Iterator[str]:
    captioned = [
        ("WiFi", _wrapped(_printable(ssid))),
        ("no key" if key is None else "Key", _wrapped(key or "")),
        ("then open", [f"http://{address}/"]),
    ]
    y = 2.0
    for caption, lines in captioned:
        y += _CAPTION + 0.4
        yield f'<text x="{_LEFT}" y="{y:.2f}" font-size="{_CAPTION}">{caption}</text>'
        widest = max(map(_ems, lines), default=1.0)
        size = min(_LARGEST, _ROOM / widest)
        for line in lines:
            y += size * 1.05
            exact = "" if line.isascii() else f' textLength="{_ems(line) * size:.2f}"'
            yield (
                f'<text x="{_LEFT}" y="{y:.2f}" font-size="{size:.2f}" font-weight="bold"'
                f' font-family="monospace" xml:space="preserve"{exact}'
                f' lengthAdjust="spacingAndGlyphs">{escape(line)}</text>'
            )
        y += 0.5


def _printable(text: str) -> str:
    """Return a text that XML can hold, and a person can see."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _wrapped(text: str) -> list[str]:
    """Cut a text into as few lines as fit beside the code, all about as long."""
    count = 1
    while True:
        length = -(-len(text) // count)
        lines = [text[start : start + length] for start in range(0, len(text), length or 1)]
        if all(_ems(line) * _SMALLEST <= _ROOM for line in lines):
            return lines
        count += 1


def _ems(text: str) -> float:
    """Return how wide a text is at most, in sizes of its letters, in a monospace font."""
    return sum(0.0 if combining(c) else 1.2 if east_asian_width(c) in "WF" else 0.61 for c in text)
