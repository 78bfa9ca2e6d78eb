#!/bin/sh
# Builds digits-python.wasm in the current folder: sh .../samples/components/python/build.sh
# Needs Python 3.10 or later. componentize-py comes from PyPI, and is installed into venv-python/.
set -eu
here=$(dirname "$0")

python3 -m venv venv-python
venv-python/bin/pip install -q componentize-py==0.25.1
venv-python/bin/componentize-py -d "$here/../wit" -w python \
    componentize digits -p "$here" -o digits-python.wasm
