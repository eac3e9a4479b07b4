#!/usr/bin/env bash
# `make demo` and `make test` as on a machine with nothing but Python, git and make.
#
#     tools/bare_machine.sh
#
# What is committed is cloned into a temporary folder. There the data set and the browsers are
# hidden by empty folders mounted over them (in a mount namespace, so nowhere else), HOME is new,
# the environment is empty but for what pip needs to reach its index, and the PATH leads to the
# programs below and no others. The reasons of skipped tests are compared with
# tests/expected_skips.txt.
set -euo pipefail

PROGRAMS=(
    awk bash git grep make sed sh
    "[" basename cat chmod cp cut date dirname echo env expr false head id install ln ls mkdir
    mktemp mv nproc printf pwd readlink realpath rm rmdir seq sleep sort stat tail tee test timeout
    touch tr true tty uname uniq wc
)
HIDDEN=(
    /usr/share/datasets
    /usr/lib/chromium /usr/lib/chromium-browser /opt/google /opt/chromium /snap
)
BROWSERS=(chromium chromium-browser chrome google-chrome google-chrome-stable firefox)
# Where pip finds its index and whom it trusts; and the kernels that BLAS needs on some processors.
PASSED_ON='^(PIP_.*|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE'
PASSED_ON+='|(HTTP|HTTPS|NO|ALL)_PROXY|(http|https|no|all)_proxy|OPENBLAS_(CORETYPE|L2_SIZE))='

# Prints the optional packages, as listed for the type checker, that can be imported.
IMPORTABLE='
import importlib.util, tomllib
with open("pyproject.toml", "rb") as stream:
    overrides = tomllib.load(stream)["tool"]["mypy"]["overrides"]
optional = next(o["module"] for o in overrides if o.get("follow_imports") == "skip")
print(*filter(importlib.util.find_spec, (name.removesuffix(".*") for name in optional)))
'

fail() {
    echo "bare machine: $*" >&2
    exit 1
}

no_extra_imports() {
    local found
    found=$("$1" -c "$IMPORTABLE")
    [ -z "$found" ] || fail "not bare, $1 can import: $found"
}

timed() {
    local before=$SECONDS
    "$@"
    echo "bare machine: $* took $((SECONDS - before)) s"
}

# Called in the namespace, in the clone.
hide() {
    local folder
    for folder in "${HIDDEN[@]}"; do
        [ ! -d "$folder" ] || mount -t tmpfs tmpfs "$folder"
    done
}

# Called with the new environment, in the clone.
try() {
    local name
    for name in "${BROWSERS[@]}"; do
        [ -z "$(type -P "$name")" ] || fail "not bare, there is a browser: $(type -P "$name")"
    done
    [ ! -e /usr/share/datasets/fashion-mnist ] || fail "not bare, there is the data set"
    python3 -m venv --without-pip ../empty
    no_extra_imports ../empty/bin/python
    timed make demo
    timed make test
    no_extra_imports .venv/bin/python
}

case ${1:-} in
hide)
    hide
    shift
    exec "$@"
    ;;
try)
    try
    exit
    ;;
check)
    no_extra_imports "$2"
    exit
    ;;
esac

root=$(realpath "$(dirname "$0")/..")
if unshare --mount true 2>/dev/null; then
    isolated=(unshare --mount)
elif unshare --map-root-user --mount true 2>/dev/null; then
    isolated=(unshare --map-root-user --mount)
else
    echo "bare machine: not isolated, since no mount namespace may be made here"
    [ "${CI:-}" != true ] || exit 1
    isolated=()
fi
[ ${#isolated[@]} -eq 0 ] || isolated+=("$BASH" "$root/tools/bare_machine.sh" hide)

bare=$(mktemp -d)
trap 'rm -rf "$bare"' EXIT
mkdir "$bare/bin" "$bare/home" "$bare/tmp"
for program in "${PROGRAMS[@]}"; do
    ln -s "$(type -P "$program")" "$bare/bin/$program"
done
# The interpreter itself: not the shim of a version manager, not that of a virtual environment.
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys._base_executable))')
ln -s "$python" "$bare/bin/python3"
git clone --quiet "$root" "$bare/pastur"

mapfile -t passed_on < <(env | grep -E "$PASSED_ON" || true)
user_settings=${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf
if [ -z "${PIP_CONFIG_FILE:-}" ] && [ -f "$user_settings" ]; then
    passed_on+=("PIP_CONFIG_FILE=$user_settings")
fi

cd "$bare/pastur"
"${isolated[@]}" "$bare/bin/env" -i "${passed_on[@]}" \
    HOME="$bare/home" PATH="$bare/bin" TMPDIR="$bare/tmp" LANG=C.UTF-8 \
    PASTUR_EXPECTED_SKIPS="$bare/pastur/tests/expected_skips.txt" \
    bash tools/bare_machine.sh try
