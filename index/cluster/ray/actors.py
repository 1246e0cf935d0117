"""A Ray cluster, and the actors in it that have shards open: their names and addresses."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from backfile.archive.model.errors import EngineUnavailable

NAMESPACE = "backfile"
PREFIX = "shard:"
REMEDY = "set RAY_AUTH_MODE=token on all machines, and copy ~/.ray/auth_token from the first one"
NUMBER = "#"  # in the name of an actor, before the number of the replica


class Address(NamedTuple):
    """Where a shard takes part in searches, the key for it, and the number of its articles.

    `process` is the number of its process on the machine `host`.
    """

    host: str
    port: int
    key: bytes
    articles: int
    process: int


def join(address: str) -> None:
    """Connect to a Ray cluster, unless this process is; raise EngineUnavailable with what to do."""
    try:
        import ray
    except ImportError as exc:
        reason = "it is not installed; install backfile[cluster]"
        raise EngineUnavailable("Ray", reason) from exc
    if ray.is_initialized():
        return
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except ray.exceptions.AuthenticationError as exc:
        reason = f"{address} expects another token; {REMEDY}"
        raise EngineUnavailable("Ray", reason) from exc
    except (ConnectionError, ValueError, RuntimeError) as exc:
        reason = f"no cluster is at {address}; `ray start --head` starts one"
        raise EngineUnavailable("Ray", reason) from exc


def leave() -> None:
    """End the connection to a Ray cluster, which a child process does not inherit."""
    import ray

    ray.shutdown()


def actor_name(archive: Path) -> str:
    """The name of all actors that have the archive of a shard open, without their numbers."""
    return f"{PREFIX}{archive.absolute()}"


def actors_there() -> Mapping[str, Mapping[int, Any]]:
    """The actors of all shards in the cluster, by name and number; they may be opening still."""
    import ray

    found: dict[str, dict[int, Any]] = defaultdict(dict)
    for each in ray.util.list_named_actors(all_namespaces=True):
        name, _, number = str(each["name"]).rpartition(NUMBER)
        if each["namespace"] == NAMESPACE and name.startswith(PREFIX) and number.isdecimal():
            with suppress(ValueError):  # it has ended at this moment
                found[name][int(number)] = ray.get_actor(each["name"], NAMESPACE)
    return {name: dict(sorted(actors.items())) for name, actors in found.items()}


def on_node(node: str, *, soft: bool) -> Any:
    """To be run on a node; if it is `soft`, on any other one if that is lost."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=soft)


def last_line(exc: Exception) -> str:
    """What an error of Ray's says, without the calls that led to it."""
    return str(exc).strip().splitlines()[-1] if str(exc).strip() else type(exc).__name__
