"""Watches the actors of shards for a web process, and writes their addresses to stdout.

It is a process of its own, as Ray ends every process that has lost the head of the cluster for a
minute. It ends with the process that started it, when its stdin is closed.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.cluster.ray.actors import Address, actors_there, join

SECONDS_BETWEEN_LOOKS = 1.0
Places = dict[str, dict[str, Any]]


class Watch:
    """The last known address of each actor, None where it has none."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names  # of the shards, as `actor_name` gives them
        self._asked: dict[Any, tuple[str, int]] = {}  # by the call that asks for its address
        self._found: dict[tuple[str, int], Address | None] = {}

    def look(self, seconds: float) -> Places:
        """Ask all actors, wait for so many seconds, and return what is known of each."""
        import ray

        there = actors_there()
        actors = {
            (name, n): each for name in self._names for n, each in there.get(name, {}).items()
        }
        pending = set(self._asked.values())
        for key in actors.keys() - pending:
            self._asked[actors[key].address.remote()] = key
        threading.Event().wait(seconds)
        ready, _ = ray.wait(list(self._asked), num_returns=len(self._asked) or 1, timeout=0)
        for call in ready:
            key = self._asked.pop(call)
            try:
                self._found[key] = ray.get(call)
            except ray.exceptions.RayError:  # it has ended, or its shard cannot be opened
                self._found[key] = None
        self._found = {key: self._found.get(key) for key in actors}
        return {name: self._of(name) for name in self._names}

    def _of(self, name: str) -> dict[str, Any]:
        return {
            str(number): found and [*found[:2], found.key.hex(), *found[3:]]
            for (other, number), found in self._found.items()
            if other == name
        }


def main() -> None:
    """Watch the actors of the shards that stdin names, a line of JSON, at the address before it."""
    address, names = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Ray writes there that a node was lost
    try:
        join(address)
    except EngineUnavailable:
        raise SystemExit(1) from None  # the parent tries again
    watch, seen = Watch(names), None
    while True:
        places = watch.look(SECONDS_BETWEEN_LOOKS)
        if places != seen:
            out.write(json.dumps(places) + "\n")
            out.flush()
            seen = places


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not `sys.stdin`, whose lock others may wait for
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
