"""The machines of a Ray cluster that hold shards on disks of their own, and write them there."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backfile.archive.model.cluster_errors import HolderLost
from backfile.archive.model.errors import ArchiveError
from backfile.archive.model.settings import Settings
from backfile.index.cluster.ray.actors import last_line, on_node
from backfile.index.cluster.writing.distant_holder import Answer, DistantHolder, HolderServer
from backfile.index.cluster.writing.shared_folders import MarkedFolder, first_with_folder


def holders_elsewhere(settings: Settings, folder: Path) -> Sequence[DistantHolder]:
    """Find the machines whose folder of shards is not that of this one. Ray is initialised.

    Nodes that see one folder are one machine. They may have no such folder yet. One that does not
    answer is left out.
    """
    import ray

    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    there = [_started(settings, folder, each) for each in nodes if each["Alive"]]
    first = first_with_folder([MarkedFolder(folder), *there])
    own = [each for n, each in enumerate(there, start=1) if first[n] == n]
    for each in there:
        if each not in own:
            each.close()
    return own


def _started(settings: Settings, folder: Path, node: Mapping[str, Any]) -> DistantHolder:
    import ray

    server: Any = ray.remote(HolderServer)
    there = on_node(str(node["NodeID"]), soft=False)
    options = server.options(num_cpus=0, max_restarts=0, scheduling_strategy=there)
    actor = options.remote(settings, folder.absolute())
    place = str(node["NodeManagerAddress"])
    end = partial(ray.kill, actor, no_restart=True)
    return DistantHolder(settings, place, partial(_asked, actor, place), end)


def _asked(actor: Any, place: str, method: str, *arguments: object) -> Answer:
    """Have a method called in another process."""
    return partial(_answer, getattr(actor, method).remote(*arguments), place)


def _answer(call: Any, place: str) -> Any:
    """Wait for the answer; raise HolderLost."""
    import ray

    try:
        return ray.get(call)
    except ray.exceptions.RayTaskError as exc:
        is_known = isinstance(exc.cause, ArchiveError)
        raise HolderLost(place, str(exc.cause) if is_known else last_line(exc)) from exc
    except ray.exceptions.RayError as exc:
        raise HolderLost(place, "it does not answer; run this again once it does") from exc
