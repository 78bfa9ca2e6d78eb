#!/usr/bin/env bash
# Runs tests with the Python of another release of Debian, in a folder that becomes its root:
#     tests/heavy/other_python.sh forky 3.14 FOLDER [ARGUMENTS OF PYTEST]
# Needs root, mmdebstrap and Debian's mirror; takes 1.3 GB.
set -euo pipefail

suite=$1 python=python$2 root=$(realpath -m "$3")
shift 3
cd "$(dirname "$0")/../.."

# The lists of testing and unstable are good for a week, and a mirror may be older than that.
mmdebstrap --quiet --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' \
    --include="$python,$python-venv,ca-certificates,libgomp1,mount,python3,python3-venv" \
    "$suite" "$root" http://deb.debian.org/debian
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" # whom this machine trusts
mkdir "$root/nnshim"
git ls-files -z --cached --others --exclude-standard \
    | tar --create --null --files-from=- | tar --extract --directory="$root/nnshim"

# Mounted for these processes alone, so that nothing is left mounted when they end.
unshare --mount bash -euo pipefail -s "$root" "$python" "$@" <<'END'
root=$1 python=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
inside() { chroot "$root" env --chdir=/nnshim "$@" </dev/null; }
inside "$python" -m venv .venv
inside .venv/bin/pip install -q 'uv>=0.9'
inside .venv/bin/uv pip install -q --python .venv/bin/python -e '.[test]'
inside .venv/bin/pytest "$@"
END
