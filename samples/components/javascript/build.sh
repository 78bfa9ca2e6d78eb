#!/bin/sh
# Builds digits-javascript.wasm in the current folder: sh .../samples/components/javascript/build.sh
# Needs Node.js and npm. componentize-js comes from npm, and is installed into node_modules/.
set -eu
here=$(dirname "$0")

[ -d node_modules/@bytecodealliance/componentize-js ] ||
    npm install --prefix . --silent --no-audit --no-fund @bytecodealliance/componentize-js@0.23.0
node_modules/.bin/componentize-js "$here/digits.js" --wit "$here/../wit" --world-name javascript \
    --disable http fetch-event --out digits-javascript.wasm
