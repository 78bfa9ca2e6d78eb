"""A repository in a registry: what it has is read, and artifacts are put there.

Specification: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nnshim.registries.again import BUSY, asked_wait
from nnshim.registries.connection import Answer, Connection, joined, next_page, origin
from nnshim.registries.login import Login, said_in
from rewriter.errors import InputError, OutputError
from rewriter.oci.descriptor import Descriptor, describe, digest_of
from rewriter.oci.manifest import INDEX_TYPES, LARGEST_MANIFEST, MANIFEST_TYPES
from rewriter.oci.reference import RegistryReference

__all__ = ["Registry"]

_MOST_PAGES = 100
"""Parts of a list of referrers."""


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
        self._login = Login(reference, self._connection, error)
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
        done = self._request("PUT", url, headers=headers, data=data, repeatable=True)
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
        path = f"manifests/{tag}"
        answer = self._found(self._url(path), path)
        return None if answer is None else answer.data

    def referrers(self, digest: str) -> Sequence[bytes] | None:
        """The registry's list of referrers, in one part or several, None if it has no such lists.

        https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
        """
        path = f"referrers/{digest}"
        pages: list[bytes] = []
        url: str | None = self._url(path)
        while url is not None:
            answer = self._found(url, path)
            if answer is None:
                break
            pages.append(answer.data)
            url = next_page(answer)
            if url is not None and len(pages) == _MOST_PAGES:
                raise self._error(
                    f"{self.name}: a list of referrers with more than {_MOST_PAGES} parts is not"
                    " read",
                    "NN022",
                )
        return pages or None

    def _found(self, url: str, path: str) -> Answer | None:
        headers = {"Accept": ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))}
        answer = self._request("GET", url, headers=headers, limit=LARGEST_MANIFEST)
        if answer.status == 404:
            return None
        if answer.status != 200 or len(answer.data) > LARGEST_MANIFEST:
            raise self._refused(answer, path)
        return answer

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
        repeatable: bool = False,
    ) -> Answer:
        """With what the registry asks for to let the user in, if the request goes to it."""
        is_own = origin(url) == origin(self._reference.base)
        for attempt in (1, 2):
            sent = dict(headers or {})
            if is_own and self._login.authorization is not None:
                sent["Authorization"] = self._login.authorization
            answer = self._connection.request(
                method,
                url,
                headers=sent,
                limit=limit,
                data=data,
                query=query,
                repeatable=repeatable,
            )
            if answer.status != 401 or not is_own or attempt == 2:
                break
            if origin(answer.url) != origin(url) or not self._login.log_in(answer):
                break
        return answer

    def _refused(self, answer: Answer, what: str) -> InputError | OutputError:
        said = self._login.hidden(said_in(answer.data))
        reason = f": {said}" if said else ""
        if answer.status in (401, 403):
            if answer.status == 401 and self._login.denied is not None:
                reason += f"; {self._login.denied}"
            return self._error(f"{self.name}: the registry refuses access{reason}", "NN023")
        if answer.status == 404 and self._error is InputError:
            return self._error(f"{self.name}: the registry does not have {what}{reason}", "NN024")
        status = str(answer.status)
        if answer.status in BUSY:
            status += " (too many requests)" if answer.status == 429 else " (it is not available)"
            wait = asked_wait(answer.headers)
            tries = f", after {answer.attempts} attempts" if answer.attempts > 1 else ""
            reason = f"{tries}{'' if wait is None else f'; it asks to wait {wait:.0f} s'}{reason}"
        code = "NN022" if self._error is InputError else "NN027"
        return self._error(f"{self.name}: the registry answers {status} for {what}{reason}", code)
