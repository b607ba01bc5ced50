# shellcheck shell=bash
# Runs a program that makes network namespaces, and removes whatever carries its prefix when it
# ends, also after a crash. Source it after setup.sh.

# sandboxed PREFIX COMMAND...: $PREFIX is part of every name that the command makes. Ends the script.
sandboxed() {
    prefix=$1
    shift
    had_netns_folder=$([[ -d /etc/netns ]] && echo yes || echo no)
    TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/${prefix}XXXXXX")
    export TMPDIR
    child=
    trap _remove_sandbox EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    local status=0
    "$@" &
    child=$!
    wait "$child" || status=$?
    child=
    exit "$status"
}

_remove_sandbox() {
    local status=$? name
    trap '' INT TERM HUP
    if [[ $child ]] && kill -TERM "$child" 2>/dev/null; then
        timeout 20 tail --pid="$child" -s 0.1 -f /dev/null || kill -KILL "$child"
    fi
    while read -r name _; do
        [[ $name == "$prefix"* ]] || continue
        ip netns pids "$name" | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
        ip netns del "$name"
        rm -rf "/etc/netns/$name"
    done < <(ip netns list)
    [[ $had_netns_folder == yes ]] || rmdir /etc/netns 2>/dev/null || true
    rm -rf "$TMPDIR"
    exit "$status"
}
