"""Which model and which request an answer is of: a proxy may mix them up.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

import re

from runtime_shim.backends.remote.endpoints import Endpoint
from runtime_shim.backends.remote.failures import contradiction
from runtime_shim.backends.remote.interface import ID_BEGINNING
from runtime_shim.backends.remote.speaker import Speaker
from runtime_shim.errors import HostError

__all__ = ["Identity"]

_OF_A_ROUTER = r"_[0-9]+"
"""What Seldon Core 2 puts after a model's name: `_` and its version.

https://github.com/SeldonIO/seldon-core/blob/v2/docs-gb/cli/seldon_model_infer.md
"""

_OF_A_REVISION = r"__isvc-[0-9a-f]+"
"""What KServe's ModelMesh puts after a model's name: a digest of the InferenceService.

https://github.com/kserve/modelmesh-serving/blob/main/docs/predictors/run-inference.md
"""


class Identity:
    """A model on one server. May be shared by threads."""

    def __init__(self, endpoint: Endpoint, server: Speaker) -> None:
        self.server = server
        self._model, self._version = endpoint.model, endpoint.version
        self.repeats_ids = False
        """Whether the server has repeated an id, so that it has to repeat all of them."""

    def check_described(self, name: object, versions: object) -> None:
        """Raise HostError if the metadata are those of another model. Some servers leave out its
        name, or list no versions."""
        if not _is_absent(name) and not self._has_name(name, f"({_OF_A_ROUTER}|{_OF_A_REVISION})?"):
            raise self._of_another("model", name)
        listed = versions if isinstance(versions, list) else []
        if self._version and listed and self._version not in listed:
            raise self._of_another("version", listed)

    def check_inferred(self, asked: str, found: object, name: object, version: object) -> None:
        """Raise HostError if an inference's answer is that of another model, version or request.
        `asked` and `found` are the ids of the request and of the answer.

        A server without versions leaves them out, and so it has none that can be asked for. Some
        give an id of their own to each answer, or none.
        """
        if found == asked and name == self._model and self._version in ("", version):
            self.repeats_ids = True
            return
        if name != self._model and not _is_absent(name):
            of_a_router = f"_{version}" if re.fullmatch(r"[0-9]+", str(version)) else ""
            if not self._has_name(name, f"({of_a_router}|{_OF_A_REVISION})?"):
                raise self._of_another("model", name)
        if self._version and version != self._version:
            raise self._of_another("version", version)
        if not _is_absent(found) and not isinstance(found, str):
            raise contradiction(self.server, f"its id is {self.server.quoted(found)}")
        if found == asked:
            self.repeats_ids = True
        elif self.repeats_ids or (isinstance(found, str) and found.startswith(ID_BEGINNING)):
            raise contradiction(self.server, "it is that of another request")

    def _has_name(self, name: object, ending: str) -> bool:
        return isinstance(name, str) and bool(re.fullmatch(re.escape(self._model) + ending, name))

    def _of_another(self, what: str, named: object) -> HostError:
        asked = self._version if what == "version" else self._model
        said = (
            f"it does not say its {what}"
            if _is_absent(named)
            else f"its {what} is {self.server.quoted(named)}"
        )
        return contradiction(self.server, f"{said}, and {self.server.quoted(asked)} was asked for")


def _is_absent(told: object) -> bool:
    """Whether a server leaves something out."""
    return told is None or told == ""
