# shellcheck shell=bash disable=SC2034 # $installed is read by the scripts that source this
# What script/demo and script/test share: programs, the virtual environment, progress while they
# are installed. Source it; it defines functions, $root, and $installed: yes if it installed any.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

installed=no

# Print the Debian packages of those programs that are missing.
missing_packages() {
    local entry
    for entry in "$@"; do
        command -v "${entry%%:*}" >/dev/null || printf '%s\n' "${entry##*:}"
    done
}

# quietly LABEL COMMAND...: run it with a sign of life every second; its output only if it fails.
quietly() {
    local label=$1 log status=0 started=$SECONDS pid
    shift
    log=$(mktemp)
    printf '  %s ' "$label"
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        # ends with the job, not at the next full second
        timeout 1 tail --pid="$pid" -s 0.1 -f /dev/null || printf '.'
    done
    wait "$pid" || status=$?
    if ((status)); then
        printf ' failed\n'
        cat "$log" >&2
    else
        printf ' %d s\n' "$((SECONDS - started))"
    fi
    rm -f "$log"
    return "$status"
}

apt_install() {
    local get=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
    "${get[@]}" install --no-install-recommends "$@" && return
    # No package lists, or stale ones.
    "${get[@]}" update && "${get[@]}" install --no-install-recommends "$@"
}

# need_programs PROGRAM:PACKAGE...: install what is missing, or say what it is.
need_programs() {
    local packages
    mapfile -t packages < <(missing_packages "$@")
    ((${#packages[@]})) || return 0
    if ! command -v apt-get >/dev/null; then
        echo "These programs are needed; their names in Debian are: ${packages[*]}" >&2
        return 1
    fi
    quietly "installing ${packages[*]}" apt_install "${packages[@]}"
    installed=yes
}

# Run a command as the owner of the checkout, so that sudo leaves no files of root's in it.
as_owner() {
    local owner
    owner=$(stat -c %U "$root")
    if ((EUID)) || [[ $owner == root || $owner == UNKNOWN ]]; then
        "$@"
    else
        runuser -u "$owner" -- env HOME="$(getent passwd "$owner" | cut -d: -f6)" "$@"
    fi
}

# Print a Python that is new enough and can make virtual environments.
find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        as_owner "$candidate" -c '
import sys, venv, ensurepip
if sys.version_info < (3, 11): sys.exit(1)
print(sys.executable)' 2>/dev/null && return
    done
    return 1
}

make_venv() {
    local python
    if ! python=$(find_python); then
        if ((EUID == 0)) && command -v apt-get >/dev/null; then
            quietly 'installing python3-venv' apt_install python3-venv
        fi
        if ! python=$(find_python); then
            echo 'Python 3.11 or newer with venv is needed: apt install python3-venv' >&2
            return 1
        fi
    fi
    as_owner "$python" -m venv --clear "$root/.venv"
}

# The requirements of a dependency group, one a line.
dependency_group() {
    "$root/.venv/bin/python" - "$root/pyproject.toml" "$1" <<'PYTHON'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    print(*tomllib.load(file)["dependency-groups"][sys.argv[2]], sep="\n")
PYTHON
}

# is_installed STAMP GROUP...: whether it was installed so, with these groups and perhaps others.
is_installed() {
    local stamp=$1 file group
    shift
    for file in "$root"/.venv/.conman-installed-conman*; do
        [[ -e $file && $(<"$file") == "$stamp" ]] || continue
        for group in "$@"; do
            [[ ${file##*/}- == *-"$group"-* ]] || continue 2
        done
        return 0
    done
    return 1
}

# ensure_venv [GROUP...]: the checkout's own environment with conman, its drivers (editable) and
# dependency groups. Installs only what the pyproject files have changed since the last time.
ensure_venv() {
    local packages=("$root") wanted=() stamp stamp_file group folder
    for folder in "$root"/conman_plugins/*/; do
        [[ -e $folder/pyproject.toml ]] && packages+=("${folder%/}")
    done
    if ! "$root/.venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        quietly 'making the virtual environment .venv' make_venv
    fi
    stamp=$(cat "${packages[@]/%//pyproject.toml}" | sha256sum)
    stamp_file="$root/.venv/.conman-installed-$(IFS=-; echo "conman${*:+-$*}")"
    is_installed "$stamp" "$@" && return
    for group in "$@"; do
        mapfile -t -O "${#wanted[@]}" wanted < <(dependency_group "$group")
    done
    quietly "installing conman${*:+ and tools ($*)} into .venv" \
        as_owner "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        "${packages[@]/#/--editable=}" "${wanted[@]}"
    as_owner tee "$stamp_file" <<<"$stamp" >/dev/null
    installed=yes
}
