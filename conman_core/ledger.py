"""Everything that conman has changed on the machine, and how to put it back.

Each change is recorded here *before* it is made, so that `conman release` undoes it in a fresh
process even after the daemon was killed. The first original wins: what a file or setting held
before conman came is never overwritten by what conman made of it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from conman_core.errors import SystemFault
from conman_core.store import JsonStore

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(slots=True)
class Entries:
    """What is to be put back."""

    #: path below /proc/sys -> (value before conman, conman's own value)
    sysctls: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: (interface, address with prefix) that conman added
    addresses: list[tuple[str, str]] = field(default_factory=list)
    #: interfaces that conman set up
    interfaces: list[str] = field(default_factory=list)
    #: foreign routes that conman removed, in the caller's own words
    routes: list[dict[str, Any]] = field(default_factory=list)
    #: resolver file -> its original bytes, None if it was absent
    resolver: dict[str, bytes | None] = field(default_factory=dict)


class Ledger:
    """The record of changes, on disk after every call. Belongs to one thread.

    A disk that cannot be written never stands between the machine and its connection: that is
    logged once, `fault` says why, and the record is kept in memory and written with the next
    change. What the kernel forgets at a reboot is forgotten here too; files are not.
    """

    def __init__(self, path: Path, boot_id: str | None = None) -> None:
        self._store = JsonStore(path)
        self._boot_id = this_boot() if boot_id is None else boot_id
        self._depth = 0
        self._unsaved = False
        self.fault: str | None = None
        self.entries = _parse(self._store.load(), self._boot_id)

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Write once for all calls within, at the end; make the changes themselves after it."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._unsaved and not self._depth:
                self._save()

    def remember_sysctls(self, values: Mapping[str, tuple[str, str]]) -> None:
        """Record settings, path -> (value now, conman's value), before they are written."""
        known = self.entries.sysctls
        for path, (before, ours) in values.items():
            record = (known[path][0] if path in known else before, ours)
            self._change(known.get(path) != record, known.__setitem__, path, record)
        self._commit()

    def forget_sysctls(self, paths: Iterable[str]) -> None:
        """Drop settings that were put back."""
        known = self.entries.sysctls
        for path in paths:
            self._change(path in known, known.pop, path)
        self._commit()

    def remember_address(self, interface: str, address: str) -> None:
        """Record an address such as `10.0.0.2/24` before it is added."""
        self._add(self.entries.addresses, (interface, address))

    def forget_address(self, interface: str, address: str) -> None:
        """Drop an address that was removed."""
        self._drop(self.entries.addresses, (interface, address))

    def remember_interface(self, name: str) -> None:
        """Record an interface before it is set up."""
        self._add(self.entries.interfaces, name)

    def forget_interface(self, name: str) -> None:
        """Drop an interface that was set down again or is gone."""
        self._drop(self.entries.interfaces, name)

    def remember_route(self, route: Mapping[str, Any]) -> None:
        """Record a foreign route before it is removed; JSON values only."""
        self._add(self.entries.routes, dict(route))

    def forget_route(self, route: Mapping[str, Any]) -> None:
        """Drop a foreign route that was put back."""
        self._drop(self.entries.routes, dict(route))

    def remember_resolver(self, path: Path, original: bytes | None) -> None:
        """Record a resolver file before it is written; None: there was none."""
        known = self.entries.resolver
        self._change(str(path) not in known, known.__setitem__, str(path), original)
        self._commit()

    def forget_resolver(self, path: Path) -> None:
        """Drop a resolver file that was put back."""
        known = self.entries.resolver
        self._change(str(path) in known, known.pop, str(path))
        self._commit()

    def _add(self, known: list[Any], item: Any) -> None:
        self._change(item not in known, known.append, item)
        self._commit()

    def _drop(self, known: list[Any], item: Any) -> None:
        self._change(item in known, known.remove, item)
        self._commit()

    def _change(self, needed: bool, action: Callable[..., object], *values: Any) -> None:
        if needed:
            action(*values)
            self._unsaved = True

    def _commit(self) -> None:
        if self._unsaved and not self._depth:
            self._save()

    def _save(self) -> None:
        try:
            self._store.save(_dump(self.entries, self._boot_id))
        except SystemFault as error:
            if self.fault != str(error):
                log.error("%s; until then conman release cannot undo what follows", error)
            self.fault = str(error)
            return
        if self.fault:
            log.info("%s can be written again", self._store.path)
        self.fault = None
        self._unsaved = False


def this_boot() -> str:
    """Return an id that each boot of the machine has of its own, empty if it cannot be known."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""  # no such file in some containers: their records live as long as the file


def _dump(entries: Entries, boot_id: str) -> dict[str, Any]:
    return {
        "boot": boot_id,
        "sysctls": {path: list(values) for path, values in entries.sysctls.items()},
        "addresses": [list(item) for item in entries.addresses],
        "interfaces": entries.interfaces,
        "routes": entries.routes,
        "resolver": {
            path: None if data is None else data.decode(errors="surrogateescape")
            for path, data in entries.resolver.items()
        },
    }


def _parse(values: Mapping[str, Any], boot_id: str) -> Entries:
    """Read what `_dump` wrote; a record of another shape is dropped, the others stay."""
    entries = Entries()
    for path, text in _items(values, "resolver"):
        if text is None:
            entries.resolver[path] = None
        elif isinstance(text, str):
            with contextlib.suppress(UnicodeEncodeError):
                entries.resolver[path] = text.encode(errors="surrogateescape")
    if values.get("boot") != boot_id:
        return entries
    for path, pair in _items(values, "sysctls"):
        if _is_pair(pair):
            entries.sysctls[path] = (pair[0], pair[1])
    pairs = (pair for pair in _list(values, "addresses") if _is_pair(pair))
    entries.addresses = [(pair[0], pair[1]) for pair in pairs]
    entries.interfaces = [name for name in _list(values, "interfaces") if isinstance(name, str)]
    entries.routes = [route for route in _list(values, "routes") if isinstance(route, dict)]
    return entries


def _items(values: Mapping[str, Any], key: str) -> Iterable[tuple[str, Any]]:
    found = values.get(key)
    return found.items() if isinstance(found, dict) else ()


def _list(values: Mapping[str, Any], key: str) -> list[Any]:
    found = values.get(key)
    return found if isinstance(found, list) else []


def _is_pair(value: Any) -> TypeGuard[list[str]]:
    return (
        isinstance(value, list) and len(value) == 2 and all(isinstance(item, str) for item in value)
    )
