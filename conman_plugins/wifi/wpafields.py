"""The variables of a network block in wpa_supplicant.conf, and what each accepts. Pure.

`ssid_fields` of wpa_supplicant 2.10 (config.c) with the options that Debian builds it with. A
number's lower limit of 0 is not enforced there, nor is a value refused that is the default.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from conman_plugins.wifi.wpavalue import is_hex, number, starts_with_mac, text, words


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LONGEST = {"ssid": 32, "roaming_consortium_selection": 15}  #: bytes
_TEXTS = _names(
    """
    ssid sae_password sae_password_id id_str bgscan ht_mcs roaming_consortium_selection
    identity anonymous_identity imsi_identity machine_identity private_key_passwd
    ca_cert ca_path client_cert private_key dh_file subject_match check_cert_subject
    altsubject_match domain_suffix_match domain_match ca_cert2 ca_path2 client_cert2 private_key2
    private_key2_passwd dh_file2 subject_match2 check_cert_subject2 altsubject_match2
    domain_suffix_match2 domain_match2 phase1 phase2 machine_phase2 pcsc pin engine_id key_id
    cert_id ca_cert_id pin2 engine_id2 key_id2 cert_id2 ca_cert_id2 machine_ca_cert machine_ca_path
    machine_client_cert machine_private_key machine_private_key_passwd machine_dh_file
    machine_subject_match machine_check_cert_subject machine_altsubject_match
    machine_domain_suffix_match machine_domain_match machine_pin machine_engine_id machine_key_id
    machine_cert_id machine_ca_cert_id openssl_ciphers pac_file
    dpp_connector dpp_netaccesskey dpp_csign dpp_pp_key
    """
)
_NUMBERS = _names(
    """
    mem_only_psk bg_scan_period vht_center_freq1 vht_center_freq2 engine engine2 machine_engine
    machine_ocsp eapol_flags sim_num erp wep_tx_keyidx priority eap_workaround fragment_size ocsp
    ocsp2 dot11MeshMaxRetries dot11MeshRetryTimeout dot11MeshConfirmTimeout dot11MeshHoldingTimeout
    wpa_ptk_rekey group_rekey vht_capa vht_capa_mask ap_max_inactivity dtim_period beacon_int
    macsec_replay_window update_identifier dpp_netaccesskey_expiry
    """
)
_SWITCHES = _names(
    """
    scan_ssid ht vht no_auto_peer mesh_fwding proactive_key_caching mixed_cell fixed_freq
    enable_edmg acs disable_ht disable_sgi disable_ldpc ht40_intolerant disable_vht
    macsec_policy macsec_integ_only macsec_replay_protect wps_disabled owe_only
    owe_ptk_workaround multi_ap_backhaul_sta ft_eap_pmksa_caching beacon_prot
    """
)
_UP_TO_2 = _names(
    "disabled ieee80211w wpa_deny_ptk0_rekey ignore_broadcast_ssid mac_addr pbss dpp_pfs sae_pk"
)
_RANGES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(_SWITCHES, (0, 1)),
    **dict.fromkeys(_UP_TO_2, (0, 2)),
    **dict.fromkeys(_names("ht40 disable_ht40 tx_stbc disable_max_amsdu"), (-1, 1)),
    **dict.fromkeys(
        [f"vht_{way}_mcs_nss_{n}" for way in ("rx", "tx") for n in range(1, 9)], (-1, 3)
    ),
    **{"rx_stbc": (-1, 3), "ampdu_factor": (-1, 3), "ampdu_density": (-1, 7)},
    **{"mode": (0, 5), "max_oper_chwidth": (0, 3), "mesh_rssi_threshold": (-255, 1)},
    **{"frequency": (0, 70200), "edmg_channel": (9, 13), "macsec_port": (1, 65534)},
    **{"mka_priority": (0, 255), "transition_disable": (0, 255)},
    **{"fils_dh_group": (0, 65535), "owe_group": (0, 65535)},
}
#: defaults that lie outside of the range
_DEFAULTS = {"ieee80211w": 3, "edmg_channel": 0, "macsec_port": 0}

_AKM = """
    WPA-PSK WPA-EAP IEEE8021X NONE WPA-NONE FT-PSK FT-EAP FT-EAP-SHA384 WPA-PSK-SHA256
    WPA-EAP-SHA256 WPS SAE FT-SAE OSEN WPA-EAP-SUITE-B WPA-EAP-SUITE-B-192 FILS-SHA256 FILS-SHA384
    FT-FILS-SHA256 FT-FILS-SHA384 OWE DPP
    """
_EAP = """
    AKA AKA' EKE FAST GPSK GTC IKEV2 LEAP MD5 MSCHAPV2 OTP PAX PEAP PSK PWD SAKE SIM TLS TNC TTLS
    WSC
    """
_WORDS = {
    name: frozenset(known.encode().split())
    for name, known in {
        "proto": "WPA RSN WPA2 OSEN",
        "key_mgmt": _AKM,
        "pairwise": "CCMP GCMP TKIP NONE GCMP-256 CCMP-256",
        "group": "CCMP GCMP TKIP GCMP-256 CCMP-256 GTK_NOT_USED WEP104 WEP40",
        "group_mgmt": "AES-128-CMAC BIP-GMAC-128 BIP-GMAC-256 BIP-CMAC-256",
        "auth_alg": "OPEN SHARED LEAP",
        "eap": _EAP,
    }.items()
}
#: of later releases, and of builds unlike Debian's: for the wpa_supplicant at hand to judge
NEWER = _names(
    """
    alt_sae_password_ids disable_eht disable_he disable_uhr dpp_connector_privacy enable_4addr_mode
    he imsi_privacy_attr imsi_privacy_cert mac_value macsec_csindex macsec_icv_indicator
    macsec_offload max_idle multi_ap_profile rsn_overriding sae_pwe ssid_protection
    """
)

_PAIRS = rb"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}"
_PLAIN = re.compile(_PAIRS + rb"(?:\Z|\s)")
_MASKED = re.compile(_PAIRS + rb"(?:\Z|\s|/" + _PAIRS + rb")")
_STRAIGHT = "write it in straight double quotes"
_Fault = str  #: why a value is refused, without the value; empty if it is fine


def check(name: str, value: bytes, before: bytes | None = None) -> _Fault:
    """Return why wpa_supplicant refuses this value, without the value; empty if it takes it.

    `before` is what the block has set this variable to before: what changes nothing is taken, even
    if it is out of range. Raises KeyError for a name that is no variable.
    """
    if name in _TEXTS:
        return _check_text(value, _LONGEST.get(name, 1 << 30))
    if name in _NUMBERS or name in _RANGES:
        present = _DEFAULTS.get(name) if before is None else number(before)
        return _check_number(value, _RANGES.get(name), present)
    if name in _WORDS:
        return _check_words(value, _WORDS[name], may_be_empty=name == "eap")
    return "" if name in NEWER else _CHECKS[name](value)


def _check_text(value: bytes, longest: int) -> _Fault:
    if value == b"NULL":
        return ""
    found = text(value)
    if found is None:
        return _STRAIGHT
    return f"it is longer than {longest} bytes" if len(found) > longest else ""


def _check_number(value: bytes, limits: tuple[int, int] | None, present: int | None) -> _Fault:
    found = number(value)
    if found is None:
        return "it is not a whole number"
    if limits is None or found == present:
        return ""
    least, most = limits
    too_small = least != 0 and found < least
    return f"it must be from {least} to {most}" if too_small or found > most else ""


def _check_words(value: bytes, known: frozenset[bytes], *, may_be_empty: bool) -> _Fault:
    found = words(value)
    if not found and not may_be_empty:
        return "it is empty"
    return "" if known.issuperset(found) else "it has a word that wpa_supplicant does not know"


def _psk(value: bytes) -> _Fault:
    if value.startswith(b"ext:"):
        return "passwords from elsewhere cannot be used; write the key itself"
    if value.startswith(b'"'):
        inside = value[1:].rpartition(b'"')[0]
        if not 8 <= len(inside) <= 63:
            return f"the key has {len(inside)} characters; it must have 8 to 63"
        return "the key has a control character" if re.search(rb"[\0-\x1f\x7f]", inside) else ""
    return "" if is_hex(value, 32) else f"{_STRAIGHT}; without them it must be 64 hex digits"


def _password(value: bytes) -> _Fault:
    if value.startswith(b"hash:"):
        return "" if is_hex(value[5:], 16) else "a hash must have 32 hex digits"
    return _check_text(value, 1 << 30)


def _wep(value: bytes) -> _Fault:
    found = text(value)
    if found is None:
        return _STRAIGHT
    return "it is longer than 16 bytes" if len(found) > 16 else ""


def _mac(value: bytes) -> _Fault:
    if value in {b"", b'""', b"any"} or starts_with_mac(value):
        return ""
    return "it must be a MAC address such as 00:11:22:33:44:55"


def _macs(value: bytes, strict: bool = True, one: re.Pattern[bytes] = _MASKED) -> _Fault:
    rest: bytes | None = value
    good = 0
    while rest:
        rest = rest.lstrip(b" ")
        if one.match(rest):
            good += 1
        elif strict or not good:
            return "it must be MAC addresses with a space between them"
        space = rest.find(b" ")
        rest = rest[space:] if space >= 0 else None
    return ""


def _psk_list(value: bytes) -> _Fault:
    rest = value.removeprefix(b"P2P-")
    good = starts_with_mac(rest) and rest[17:18] == b"-" and is_hex(rest[18:], 32)
    return "" if good else "it must be a MAC address, a minus sign and 64 hex digits"


def _ocv(value: bytes) -> _Fault:
    return "" if number(value) in {0, 1} else "it must be 0 or 1"


def _cak(value: bytes) -> _Fault:
    return "" if is_hex(value, 16) or is_hex(value, 32) else "it must be 32 or 64 hex digits"


def _ckn(value: bytes) -> _Fault:
    size = len(value) // 2
    return "" if 1 <= size <= 32 and is_hex(value, size) else "it must be 2 to 64 hex digits"


def _anything(value: bytes) -> _Fault:
    return ""


_CHECKS: dict[str, Callable[[bytes], _Fault]] = {
    **dict.fromkeys(_names("bssid bssid_hint go_p2p_dev_addr"), _mac),
    **dict.fromkeys(_names("bssid_ignore bssid_accept bssid_blacklist bssid_whitelist"), _macs),
    **dict.fromkeys(_names("scan_freq freq_list mesh_basic_rates peerkey"), _anything),
    **dict.fromkeys([f"wep_key{n}" for n in range(4)], _wep),
    **dict.fromkeys(["password", "machine_password"], _password),
    **{"psk": _psk, "psk_list": _psk_list, "ocv": _ocv, "mka_cak": _cak, "mka_ckn": _ckn},
    "p2p_client_list": lambda value: _macs(value, strict=False, one=_PLAIN),
}
#: the names of all variables
NAMES = _TEXTS | _NUMBERS | frozenset(_RANGES) | frozenset(_WORDS) | frozenset(_CHECKS) | NEWER
