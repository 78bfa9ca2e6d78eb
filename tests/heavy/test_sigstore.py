"""sigstore's own packages verify what nnshim signs. Needs Node.js, and SIGSTORE: a folder with
@sigstore/core and @sigstore/verify in node_modules."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from nnshim.attesting.envelope import sign
from nnshim.attesting.keys import read_private_key
from rewriter import RewriteOptions
from rewriter.attesting.statement import encode, statement
from tests.support.attestations import pair, rewritten

SIGSTORE = Path(os.environ["SIGSTORE"])

CORE = """
const { crypto, dsse } = require("@sigstore/core");
const [envelope, pem] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const signed = dsse.preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, "base64"));
const signature = Buffer.from(envelope.signatures[0].sig, "base64");
const key = crypto.createPublicKey(pem);
console.log(crypto.verify(signed, key, signature));
"""

VERIFY = """
const { crypto } = require("@sigstore/core");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");
const { bundleFromJSON } = require("@sigstore/bundle");
const [envelope, pem] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const bundle = bundleFromJSON({
  mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
  dsseEnvelope: envelope,
  verificationMaterial: { publicKey: { hint: "ours" }, tlogEntries: [] },
});
const key = { publicKey: crypto.createPublicKey(pem), validFor: () => true };
const none = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const trusted = { ...none, publicKey: () => key };
const verifier = new Verifier(trusted, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0 });
try {
  verifier.verify(toSignedEntity(bundle));
  console.log(true);
} catch (error) {
  console.log(error.code === "SIGNATURE_ERROR" ? false : error);
}
"""


def verdict(script: str, envelope: object, public: Path) -> str:
    done = subprocess.run(
        ["node", "-e", script],
        cwd=SIGSTORE,
        input=json.dumps([envelope, public.read_text()]),
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("script", [CORE, VERIFY], ids=["core", "verify"])
@pytest.mark.parametrize("kind", ["ecdsa", "ed25519"])
def test_sigstore_verifies_an_attestation(kind: str, script: str, tmp_path: Path) -> None:
    keys, other = pair(tmp_path, kind), pair(tmp_path, kind)
    said = encode(statement(rewritten(tmp_path, RewriteOptions())))
    envelope = sign(said, read_private_key(str(keys.private)))
    assert verdict(script, envelope, keys.public) == "true"
    assert verdict(script, envelope, other.public) == "false"
    changed = base64.b64encode(said + b" ").decode()
    assert verdict(script, {**envelope, "payload": changed}, keys.public) == "false"


def test_sigstore_has_no_pss(tmp_path: Path) -> None:
    """As docs/provenance.md says."""
    keys = pair(tmp_path, "rsa")
    envelope = sign(b"{}", read_private_key(str(keys.private)))
    assert verdict(CORE, envelope, keys.public) == "false"
