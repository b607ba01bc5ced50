"""Name and key as a QR code: on the terminal, and as a sticker for the device.

The code is what phones know as a WiFi network: `WIFI:T:WPA;S:name;P:key;;`.
"""

from __future__ import annotations

import io
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 62, 29  #: mm: a common size of labels
_CODE = 23  #: mm, the side of the code


def _code(ssid: str, key: str | None) -> Any:
    from segno import helpers

    return helpers.make_wifi(ssid=ssid, password=key, security="WPA" if key else "nopass")


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
    left = _CODE + 6
    lines = (
        (6.5, 2.6, "WiFi", "normal"),
        (10.5, _size(ssid), ssid, "bold"),
        (14.5, 2.6, "Key" if key else "no key", "normal"),
        (18.5, _size(key or ""), key or "", "bold"),
        (22.5, 2.6, "then open", "normal"),
        (26, 3.2, f"http://{address}/", "bold"),
    )
    texts = "".join(
        f'<text x="{left}" y="{y}" font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
        for y, size, text, weight in lines
        if text
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}mm" height="{_HEIGHT}mm"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">'
        f"<title>{escape(device)}</title>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>{inner}{texts}</svg>\n'
    )


def _size(text: str) -> float:
    """Return a size of letters in mm with which a text fits beside the code."""
    room = _WIDTH - _CODE - 8
    return max(1.2, min(3.6, room / (0.62 * max(len(text), 1))))
