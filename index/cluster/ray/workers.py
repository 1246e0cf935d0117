"""Has files read, articles cut and names read on all nodes of a cluster of Ray.

Only calls whose arguments hold all that they need go there: a node need not reach the files. What
writes the archive stays on the machine that has it.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from backfile.archive.formats.inputs import Lots
from backfile.archive.model.errors import WorkerLost
from backfile.archive.workers import Task, Workers

T = TypeVar("T")
RETRIES = 3  # of a call whose process or node ends
LOTS_A_CORE = 2  # that are read ahead
CORE = 0.5  # of a core, as Ray counts: what reads and what embeds share each, one after the other


class RayTask(Task[T]):
    """A call on some node of a cluster."""

    def __init__(self, reference: Any) -> None:
        self._reference = reference

    def done(self) -> bool:
        import ray

        ready, _ = ray.wait([self._reference], timeout=0)
        return bool(ready)

    def result(self) -> T:
        """Wait for the result; raise the exception of the call, or WorkerLost.

        A call is lost once RETRIES more processes have ended with it.
        """
        import ray

        try:
            found: T = ray.get(self._reference)
        except ray.exceptions.RayTaskError as exc:
            raise exc.cause if exc.cause else exc from None
        except ray.exceptions.RayError as exc:
            raise WorkerLost from exc
        return found


class RayWorkers(Workers):
    """The cores of all nodes of a cluster that this process has joined, as a pool of processes."""

    def __init__(self) -> None:
        import ray

        super().__init__(0)
        self._call: Any = ray.remote(_call)
        self._call = self._call.options(num_cpus=CORE, max_retries=RETRIES)
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        self.cores = max(1, int(there.get("CPU", 1)))

    @property
    def lots(self) -> Lots:
        """How many small files are given to the nodes, with their bytes, so that none waits."""
        return Lots(ahead=LOTS_A_CORE * self.cores, with_bytes=True)

    def submit(self, function: Callable[..., T], *arguments: object) -> Task[T]:
        """Call a function on any node with a free core."""
        return RayTask(self._call.remote(function, arguments))


def _call(function: Callable[..., T], arguments: Sequence[object]) -> T:
    return function(*arguments)
