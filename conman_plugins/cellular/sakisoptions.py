"""The settings of section [conman:sakis3g]."""

from __future__ import annotations

from conman_core import Kind, Option

OPTIONS = (
    Option(
        "dialer",
        Kind.CHOICE,
        "auto",
        "What dials: pppd by itself, the program sakis3g, or auto: sakis3g where it is installed.",
        ("auto", "sakis3g", "pppd"),
    ),
    Option(
        "apn",
        Kind.TEXT,
        "auto",
        "The operator's access point; auto looks it up in mobile-broadband-provider-info.",
    ),
    Option("user", Kind.TEXT, "", "User name, where the operator wants one."),
    Option("password", Kind.SECRET, "", "Password that goes with it."),
    Option(
        "auth",
        Kind.CHOICE,
        "auto",
        "How user and password are given; auto leaves it to the operator.",
        ("auto", "pap", "chap"),
    ),
    Option(
        "pin",
        Kind.SECRET,
        "",
        "PIN of the SIM card. It is tried once, and never with fewer than three tries left.",
    ),
    Option("roaming", Kind.SWITCH, "no", "Whether a foreign network may be used."),
    Option("number", Kind.TEXT, "*99#", "What is dialled."),
    Option(
        "port",
        Kind.TEXT,
        "",
        "A serial port such as /dev/ttyAMA0 for a modem that is not on USB; without it every"
        " modem on USB is a link.",
    ),
)
