"""Makers of modems, by their numbers on USB (usb.ids)."""

from __future__ import annotations

#: those whose network devices under this number are modems
MAKERS = frozenset(
    {
        0x05C6,  # Qualcomm, in dongles without a name
        0x0AF0,  # Option
        0x1199,  # Sierra Wireless
        0x12D1,  # Huawei
        0x1410,  # Novatel
        0x1546,  # u-blox
        0x19D2,  # ZTE
        0x1BBB,  # Alcatel, TCL
        0x1BC7,  # Telit
        0x1C9E,  # Longcheer
        0x1E0E,  # SIMCom
        0x1E2D,  # Cinterion, Thales
        0x1FAC,  # Franklin
        0x2C7C,  # Quectel
        0x2CB7,  # Fibocom
        0x2DEE,  # MeiG
    }
)
#: those whose network devices are routers even if they have serial ports beside: no call is needed
ROUTERS = frozenset({0x05C6, 0x12D1, 0x19D2, 0x1BBB, 0x1C9E, 0x1E0E, 0x1FAC, 0x2C7C})
#: those whose standard serial ports take AT commands: their telephones do, too
TELEPHONES = MAKERS | {
    0x0421,  # Nokia
    0x04E8,  # Samsung
    0x0FCE,  # Sony Ericsson
    0x1004,  # LG
    0x22B8,  # Motorola
}
#: kernel drivers of serial ports that bind to modems alone
SERIAL = frozenset({"option", "qcserial", "sierra", "ipw", "hso", "usb_wwan"})
STANDARD_SERIAL = "cdc_acm"  #: which binds to anything that says it has a serial port
