"""A repository in a registry: what it has is read, and artifacts are put there.

Specification: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md; tokens:
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from urllib.request import parse_http_list, parse_keqv_list

from nnshim.registries.connection import Answer, Connection, joined, origin
from nnshim.registries.credentials import Credentials, credentials_for
from rewriter.errors import InputError, OutputError
from rewriter.oci.descriptor import Descriptor, describe, digest_of
from rewriter.oci.manifest import INDEX_TYPES, LARGEST_MANIFEST, MANIFEST_TYPES
from rewriter.oci.reference import RegistryReference

__all__ = ["Registry"]

_TOKEN_SIZE = 1 << 20

_REASON = 300
"""Characters of a registry's message that are shown."""


class Registry:
    """What a reference names, as a Store and as a Sink (rewriter.oci.artifact). `error` is what is
    raised: InputError, or OutputError for a registry that is written to.

    A user and a password go to the registry, and to the service for tokens that it names; a token
    goes to the registry only.
    """

    def __init__(self, reference: RegistryReference, error: type[InputError | OutputError]) -> None:
        self.name = str(reference)
        self._reference, self._error = reference, error
        self._connection = Connection(self.name, reference.is_plain, error)
        self._authorization: str | None = None
        self._manifests: dict[str, bytes] = {}

    def roots(self) -> Sequence[Descriptor]:
        """The manifest or index that the reference names, compared with its digest."""
        wanted = self._reference.wanted
        answer = self._get(f"manifests/{wanted}", LARGEST_MANIFEST, manifest=True)
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if len(answer.data) > LARGEST_MANIFEST:
            raise self._error(
                f"{self.name}: a manifest of more than {LARGEST_MANIFEST} bytes is too large",
                "NN026",
            )
        stated = self._reference.digest or answer.headers.get("Docker-Content-Digest") or None
        root = describe(media_type, answer.data)
        if stated is not None:
            algorithm = stated.partition(":")[0]
            if algorithm not in ("sha256", "sha512"):
                raise self._error(f"{self.name}: {stated} is not a digest", "NN026")
            if digest_of(answer.data, algorithm) != stated:
                raise self._error(f"{self.name}: what {stated} names is {root.digest}", "NN026")
        self._manifests[root.digest] = answer.data
        return [root]

    def manifest(self, wanted: Descriptor) -> bytes:
        if wanted.digest not in self._manifests:
            answer = self._get(f"manifests/{wanted.digest}", wanted.size, manifest=True)
            self._manifests[wanted.digest] = answer.data
        return self._manifests[wanted.digest]

    def blob(self, wanted: Descriptor) -> bytes:
        return self._get(f"blobs/{wanted.digest}", wanted.size).data

    def head(self, wanted: Descriptor, size: int) -> bytes:
        return self._get(f"blobs/{wanted.digest}", min(size, wanted.size)).data

    def has(self, wanted: Descriptor) -> bool:
        answer = self._request("HEAD", self._url(f"blobs/{wanted.digest}"))
        return answer.status == 200

    def put_blob(self, content: Descriptor, data: bytes) -> None:
        started = self._request("POST", self._url("blobs/uploads/"), data=b"")
        place = started.headers.get("Location")
        if started.status != 202 or place is None:
            raise self._refused(started, "an upload")
        url = joined(self._url("blobs/uploads/"), place)
        headers = {"Content-Type": "application/octet-stream"}
        query = {"digest": content.digest}
        done = self._request("PUT", url, headers=headers, data=data, query=query)
        if done.status != 201:
            raise self._refused(done, "a layer")

    def put_manifest(self, content: Descriptor, data: bytes) -> None:
        self.put_at(self._reference.tag or content.digest, content, data)

    def put_at(self, where: str, content: Descriptor, data: bytes) -> bool:
        """Put a manifest under a tag or its digest. Returns whether the registry lists it as a
        referrer of its subject."""
        url = self._url(f"manifests/{where}")
        headers = {"Content-Type": content.media_type}
        done = self._request("PUT", url, headers=headers, data=data)
        if done.status != 201:
            raise self._refused(done, "the manifest")
        stated = done.headers.get("Docker-Content-Digest", content.digest)
        if stated != content.digest:
            raise self._error(
                f"{self.name}: the registry says that it has {stated}, and {content.digest} was"
                " sent",
                "NN027",
            )
        return "OCI-Subject" in done.headers

    def manifest_at(self, tag: str) -> bytes | None:
        """What a tag names, None if the registry does not have the tag."""
        return self._found(f"manifests/{tag}")

    def referrers(self, digest: str) -> bytes | None:
        """The registry's list of referrers, None if it has no such lists."""
        return self._found(f"referrers/{digest}")

    def _found(self, path: str) -> bytes | None:
        headers = {"Accept": ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))}
        url = self._url(path)
        answer = self._request("GET", url, headers=headers, limit=LARGEST_MANIFEST)
        if answer.status == 404:
            return None
        if answer.status != 200 or len(answer.data) > LARGEST_MANIFEST:
            raise self._refused(answer, path)
        return answer.data

    def _url(self, path: str) -> str:
        return f"{self._reference.base}/v2/{self._reference.repository}/{path}"

    def _get(self, path: str, limit: int, manifest: bool = False) -> Answer:
        headers = {"Accept": ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))} if manifest else {}
        answer = self._request("GET", self._url(path), headers=headers, limit=limit)
        if answer.status != 200:
            raise self._refused(answer, path)
        return answer

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        limit: int = 0,
        data: bytes | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """With what the registry asks for to let the user in, if the request goes to it."""
        is_own = origin(url) == origin(self._reference.base)
        for attempt in (1, 2):
            sent = dict(headers or {})
            if is_own and self._authorization is not None:
                sent["Authorization"] = self._authorization
            answer = self._connection.request(
                method, url, headers=sent, limit=limit, data=data, query=query
            )
            if answer.status != 401 or not is_own or attempt == 2:
                break
            if origin(answer.url) != origin(url) or not self._log_in(answer):
                break
        return answer

    @cached_property
    def _credentials(self) -> Credentials | None:
        return credentials_for(self._reference.host, self._error)

    def _log_in(self, refused: Answer) -> bool:
        """Get what the registry asks for; False if there is nothing that it would take."""
        scheme, _, rest = refused.headers.get("WWW-Authenticate", "").partition(" ")
        found = self._credentials
        if scheme.lower() == "basic":
            self._authorization = None if found is None or found.is_token else found.basic
            return self._authorization is not None
        if scheme.lower() != "bearer":
            return False
        items = [item for item in parse_http_list(rest) if "=" in item]
        asked: Mapping[str, str] = parse_keqv_list(items)
        if "realm" not in asked:
            return False
        query = {key: asked[key] for key in ("service", "scope") if key in asked}
        realm, headers = asked["realm"], {"Accept": "application/json"}
        if found is not None and found.is_token:
            form = {"grant_type": "refresh_token", "client_id": "nnshim", **query}
            form["refresh_token"] = found.secret
            answer = self._connection.request(
                "POST", realm, headers=headers, limit=_TOKEN_SIZE, data=form
            )
        else:
            headers |= {} if found is None else {"Authorization": found.basic}
            answer = self._connection.request(
                "GET", realm, headers=headers, limit=_TOKEN_SIZE, query=query
            )
        token = _token(answer)
        self._authorization = None if token is None else f"Bearer {token}"
        return token is not None

    def _refused(self, answer: Answer, what: str) -> InputError | OutputError:
        said = _message(answer.data)
        reason = f": {said}" if said else ""
        if answer.status in (401, 403):
            return self._error(f"{self.name}: the registry refuses access{reason}", "NN023")
        if answer.status == 404 and self._error is InputError:
            return self._error(f"{self.name}: the registry does not have {what}{reason}", "NN024")
        code = "NN022" if self._error is InputError else "NN027"
        return self._error(
            f"{self.name}: the registry answers {answer.status} for {what}{reason}", code
        )


def _token(answer: Answer) -> str | None:
    try:
        fields = json.loads(answer.data) if answer.status == 200 else None
    except (ValueError, RecursionError):
        return None
    found = fields.get("token") or fields.get("access_token") if isinstance(fields, dict) else None
    return found if isinstance(found, str) and found.isascii() and found.isprintable() else None


def _message(data: bytes) -> str:
    """What a registry says of an error.

    https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
    """
    try:
        errors = json.loads(data)["errors"]
        first = errors[0]
        return str(first.get("message") or first.get("code") or "")[:_REASON]
    except (ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
        return ""
