#!/usr/bin/env bash
# A whole job, from what was built to what is in a registry, and back:
#     job.sh BUILT HOST REGISTRY KEY PUBLIC OUT
# BUILT is a folder with anything in it, and stays as it is. HOST is where the modules are to run,
# such as wamr-legacy@2.3.1. REGISTRY is oci://HOST/NAME, KEY and PUBLIC are a private key and its
# public key (PEM), and OUT is a folder that is made. Needs bash, jq, and `nnshim[attest,oci]`. The
# exit code is that of the last check, of what is in the registry: 6 if there is nothing to push.
set -Eeuo pipefail
command -v jq >/dev/null || { echo "job.sh: jq is not installed" >&2; exit 2; }
built=$1 host=$2 registry=$3 key=$4 public=$5 out=$6
mkdir "$out" "$out/pulled" "$out/back"
key=$(realpath "$key") public=$(realpath "$public") original=$(realpath "$built")

log=$(realpath "$out")/log.txt
: >"$log"
trap 'echo "job.sh: line $LINENO failed; the end of $log:" >&2; tail -n 3 "$log" >&2' ERR

exec 3>&1
step() { # NAME COMMAND...: runs it, and says how it ended
    local name=$1 code=0
    shift
    "$@" || code=$?
    echo "$name: exit code $code" >&3
}

# What was built, in a report for each reader. What does not pass is not the end of the job.
step check nnshim check --for "$host" --quiet \
    --report "jsonl=$out/built.jsonl" --report "sarif=$out/built.sarif" \
    --report "gitlab=$out/built.gitlab.json" --report "junit=$out/built.xml" \
    --report "markdown=$out/built.md" "$built" >"$out/built.txt" 2>"$out/built.errors.txt"

# What a rewrite fixes is fixed, in a copy.
cp -a "$built" "$out/tree"
cd "$out/tree"
step fix nnshim check --for "$host" --fix --report "jsonl=../fixed.jsonl" . \
    >../fixed.txt 2>../fixed.errors.txt

# Each module that runs now is pushed, with a signed attestation beside it; then pulled, compared,
# and rewritten back to what it was.
jq -j 'select(.verdict == "runs" and .fix != null) | .file + "\u0000"' ../fixed.jsonl >../fixed.list
number=0
while IFS= read -r -d '' file; do
    number=$((number + 1))
    artifact="$registry:module-$number"
    nnshim rewrite --for "$host" "$original/$file" "$artifact" --attestation auto --key "$key"
    nnshim verify --attestation auto --key "$public" "$original/$file" "$artifact"
    nnshim rewrite --for "$host" "$artifact" "../pulled/$number.wasm"
    cmp "$file" "../pulled/$number.wasm"
    nnshim rewrite --abi witx "../pulled/$number.wasm" "../back/$number.wasm"
    nnshim verify "$original/$file" "../back/$number.wasm"
done 2>>"$log" >>"$log" <../fixed.list
echo "modules pushed, verified, pulled and rewritten back: $number"

# What the gate lets through from now on.
cd ..
code=0
nnshim check --for "$host" pulled >gate.txt 2>&1 || code=$?
echo "gate: exit code $code"
exit "$code"
