"""The environment variables that a guest needs for models on inference servers. Their values are
secrets, so they are not passed on to other machines: Ray would keep them in its object store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rewriter.errors import UsageError

if TYPE_CHECKING:
    from runtime_shim.engine.options import HostOptions

__all__ = ["check_set", "variables_of"]


def variables_of(host: HostOptions) -> Sequence[str]:
    """The names of those of headers; and that of the bearer token, if a host made from these
    arguments can use it and it is set here."""
    from runtime_shim.backends.remote.endpoints import TOKEN

    remotes = [graph.remote for graph in host.get("graphs", ()) if graph.remote is not None]
    found = {variable for remote in remotes for variable in remote.headers.values()}
    uses_token = "remote" in map(str.lower, host.get("devices", {})) or any(
        each.takes_token for each in remotes
    )
    if uses_token and TOKEN in os.environ:
        found.add(TOKEN)
    return sorted(found)


def check_set(variables: Iterable[str]) -> None:
    """Raise UsageError for one that is not set in this process."""
    import ray

    for variable in variables:
        if variable not in os.environ:
            from runtime_shim.backends.remote.model import shown

            node = ray.util.get_node_ip_address()
            raise UsageError(
                f"the environment variable {shown(variable)}, which a model on an inference server"
                f" needs, is not set for the workers on the node {node}, and is not passed on,"
                " because it is a secret: set it there when Ray is started"
            )
