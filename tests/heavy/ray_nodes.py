"""A Ray cluster whose nodes are processes of this machine."""

from __future__ import annotations

import os
import socket
from collections import Counter

os.environ |= {
    "GRPC_ENABLE_FORK_SUPPORT": "0",  # gRPC does not always survive that Ray forks
    "RAY_AUTH_MODE": "disabled",
    "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "1",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # which keeps all of it on 127.0.0.1
    "RAY_USAGE_STATS_ENABLED": "0",
}

import ray
from ray.cluster_utils import Cluster
from ray.util.state import list_actors

__all__ = ["Nodes", "ray"]  # after the variables, which Ray reads when it is imported

_STORE = 100 << 20
"""Bytes of each object store."""


class Nodes:
    """A head without processors, and two nodes with one each."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"ray://127.0.0.1:{port}"
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "ray_client_server_port": port,
                "node_ip_address": "127.0.0.1",
                "object_store_memory": _STORE,
            },
        )
        self._workers = [self._added(), self._added()]

    def _added(self) -> object:
        return self._cluster.add_node(
            num_cpus=1, num_gpus=1, node_ip_address="127.0.0.1", object_store_memory=_STORE
        )

    def actors(self) -> Counter[str]:
        """How many are alive on each node, as Ray has it."""
        dashboard = self._cluster.head_node.webui_url
        alive = list_actors(address=f"http://{dashboard}", filters=[("state", "=", "ALIVE")])
        return Counter(str(actor.node_id) for actor in alive)

    def gpus(self) -> list[float]:
        """How many each actor has that is alive, as Ray has it."""
        dashboard = self._cluster.head_node.webui_url
        alive = list_actors(
            address=f"http://{dashboard}", filters=[("state", "=", "ALIVE")], detail=True
        )
        return [(actor.required_resources or {}).get("GPU", 0) for actor in alive]

    def kill_one(self) -> None:
        self._cluster.remove_node(self._workers.pop(), allow_graceful=False)

    def kill_all(self) -> None:
        """First the head, with Ray's client server."""
        self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)
        while self._workers:
            self.kill_one()

    def mend(self) -> None:
        while len(self._workers) < 2:
            self._workers.append(self._added())
        self._cluster.wait_for_nodes()

    def close(self) -> None:
        self._cluster.shutdown()
