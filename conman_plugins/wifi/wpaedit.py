"""Putting a network into the text of a wpa_supplicant.conf, and taking one out. Pure.

Every edit is read again before it is given away: the network must be there as wanted, and all the
others must be as they were.
"""

from __future__ import annotations

from dataclasses import replace

from conman_plugins.wifi.network import Network
from conman_plugins.wifi.wpablock import Block, Entry, split
from conman_plugins.wifi.wpanetwork import interpret
from conman_plugins.wifi.wpatext import block_text, line_ending, login, secrets
from conman_plugins.wifi.wpavalue import as_written

Changes = dict[bytes, bytes | None]

MARK = b"# added by conman"  #: above a block that was appended; it goes when the block goes
#: variables that tie a block to the access point of before
_TIES = frozenset(
    b"""
    bssid bssid_accept bssid_whitelist bssid_ignore bssid_blacklist freq_list scan_freq
    proto pairwise group group_mgmt auth_alg ieee80211w
    """.split()
)
_SECRETS = (b"psk", b"sae_password")


def with_network(data: bytes, network: Network) -> bytes:
    """Return the text with this network in it; see `KnownNetworks.with_network`."""
    before = _networks(data)
    for index in _candidates(before, network):
        block, known = before[index]
        for in_hex in (False, True):  # a comment after the value may not let it stand in quotes
            edited = _edited(data, block, _edits(known, network, in_hex=in_hex))
            if _is_as_wanted(before, _networks(edited), index, network):
                return edited
    appended = _appended(data, network)
    after = [known for _, known in _networks(appended)]
    if after != [known for _, known in before] + [network]:
        raise ValueError(f"{network.name} cannot be written to a wpa_supplicant.conf")
    return appended


def without(data: bytes, ssid: bytes) -> bytes:
    """Return the text without the networks of this SSID; see `KnownNetworks.without`."""
    known = _networks(data)
    wanted = [network for _, network in known if network.ssid != ssid]
    if len(wanted) == len(known):
        return data
    for rest in (b"", line_ending(data)):  # the blank line: what is before may swallow a line
        shorter = data
        for block, network in reversed(known):
            if network.ssid == ssid:
                start, end = _extent(data, block)
                shorter = shorter[:start] + rest + shorter[end:]
        if [network for _, network in _networks(shorter)] == wanted:
            return shorter
    raise ValueError("the file is damaged around this network: remove its block by hand")


def _networks(data: bytes) -> list[tuple[Block, Network]]:
    found = ((block, interpret(block)) for block in split(data).blocks if block.kind == "network")
    return [(block, network) for block, network in found if isinstance(network, Network)]


def _candidates(known: list[tuple[Block, Network]], wanted: Network) -> list[int]:
    """Return which blocks could hold this network: those with the very key first."""
    found = [
        index
        for index, (_, network) in enumerate(known)
        if network.ssid == wanted.ssid and (network.raw is None) == (wanted.raw is None)
    ]
    return sorted(found, key=lambda index: _login(known[index][1]) != _login(wanted))


def _is_as_wanted(
    before: list[tuple[Block, Network]],
    after: list[tuple[Block, Network]],
    index: int,
    wanted: Network,
) -> bool:
    if len(after) != len(before):
        return False
    same = [old == new for (_, old), (_, new) in zip(before, after, strict=True)]
    found = after[index][1]
    kept = replace(
        wanted,
        hidden=found.hidden,
        priority=found.priority,
        raw=found.raw if wanted.raw is not None else None,
        extras=found.extras,
    )
    return (
        all(same[:index] + same[index + 1 :])
        and found == kept
        and (found.hidden or not wanted.hidden)
        and sorted(found.raw or ()) == sorted(wanted.raw or ())
        and set(wanted.extras) <= set(found.extras)
    )


# -- a new block


def _appended(data: bytes, network: Network) -> bytes:
    """Add a block at the end, so that `_extent` can find all that was added."""
    end = line_ending(data)
    added = MARK + end + block_text(network, end)
    if not data:
        return added
    if data.endswith(b"\n"):
        return data + end + added
    return data + end + end + added.removesuffix(end)


def _extent(data: bytes, block: Block) -> tuple[int, int]:
    """Return where a block starts and ends, with all that `_appended` put around it."""
    ending = line_ending(data)
    at = block.start - len(MARK + ending)
    if not data[: block.start].endswith(MARK + ending) or data[at - 1 : at] not in {b"", b"\n"}:
        return block.start, block.end
    if data[:at] == ending or data[:at].endswith(b"\n" + ending):
        at -= len(ending)
    unended = data[block.end - 1 : block.end] != b"\n"
    if unended and data[:at].endswith(ending):  # nor was what is before it
        at -= len(ending)
    return at, block.end


# -- a block that is there


def _edits(known: Network, network: Network, *, in_hex: bool) -> tuple[Changes, frozenset[bytes]]:
    """Return the values to write (None: no such line), and the variables to turn into comments."""
    changes: Changes = {}
    ties: frozenset[bytes] = frozenset()
    if network.raw is not None:
        old, new = dict(known.raw or ()), dict(network.raw)
    else:
        old, new = dict(known.extras), dict(network.extras)
        if _login(known) != _login(network):
            changes.update(dict.fromkeys(_SECRETS))
            changes.update(secrets(network, in_hex=in_hex) | login(network))
            by_default = network.key is not None and not network.security
            if by_default and (known.key is None or known.security):
                changes[b"key_mgmt"] = b"WPA-PSK"
            ties = _TIES - changes.keys() - {name.encode() for name in new}
        if network.hidden and not known.hidden:
            changes[b"scan_ssid"] = b"1"
        if network.priority and network.priority != known.priority:
            changes[b"priority"] = b"%d" % network.priority
        if network.disabled != known.disabled:
            changes[b"disabled"] = b"%d" % network.disabled
    for name, value in new.items():
        if old.get(name) != value:
            changes[name.encode()] = as_written(value)
    return changes, ties


def _login(network: Network) -> tuple[object, ...]:
    return network.key, network.password, network.security


def _edited(data: bytes, block: Block, edits: tuple[Changes, frozenset[bytes]]) -> bytes:
    """Return the text with the values of one block changed, and nothing else."""
    changes, ties = edits
    spots: list[tuple[int, int, bytes]] = []
    last = {entry.name: entry for entry in block.entries}
    for entry in block.entries:
        if entry.name in ties:
            spots.append((entry.at, entry.at, b"#"))
        elif entry.name in changes:
            value = changes[entry.name]
            if value is None:
                spots.append(_removal(data, entry))
            elif entry is last[entry.name]:
                spots.append((entry.value_at, entry.value_at + len(entry.value), value))
    new = [
        b"%s%s=%s" % (_indentation(data, block), name, value)
        for name, value in changes.items()
        if value is not None and name not in last
    ]
    ending = line_ending(data)
    spots.append((block.closing, block.closing, b"".join(line + ending for line in new)))
    for start, stop, text in sorted(spots, reverse=True):
        data = data[:start] + text + data[stop:]
    return data


def _removal(data: bytes, entry: Entry) -> tuple[int, int, bytes]:
    """Return what to cut: the line, but for a comment after the value."""
    value_end = entry.value_at + len(entry.value)
    if data[value_end : entry.end].strip():
        return entry.at, value_end, b""
    return entry.start, entry.end, b""


def _indentation(data: bytes, block: Block) -> bytes:
    for entry in block.entries:
        indentation = data[entry.start : entry.at]
        return indentation if not indentation.strip(b" \t") else b"\t"
    return b"\t"
