"""Worker processes: they work, they fail in words, and they never outlive their owner."""

import os
import re
import signal
import time
from pathlib import Path

import pytest

from backfile.archive.model.errors import EngineUnavailable, UnreadableArticle, WorkerLost
from backfile.archive.workers import GRACE, Workers, once
from tests.builders import started
from tests.processes import PROCESSES

pytestmark = pytest.mark.crash


def fail(reason):
    raise EngineUnavailable("the model", reason)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class StoppedWhileItIsSent:
    """A result whose sender is told to stop just then."""

    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        return str, ("whole",)


def own_workers(pipe):
    """Start workers, tell who they are, and wait to be killed."""
    with Workers(2) as workers:
        started(workers)
        asked = [workers.submit(slow_pid) for _ in range(2)]
        pipe.send([each.result() for each in asked])
        for _ in range(2):
            workers.submit(time.sleep, 60)
        time.sleep(60)


def slow_pid():
    time.sleep(0.2)  # so that one process does not do all
    return os.getpid()


def is_alive(pid):
    """Whether a process runs: one that has ended may stay listed until its parent asks for it."""
    try:
        os.kill(pid, 0)
        return not re.search(r"^State:\s+[ZX]", Path(f"/proc/{pid}/status").read_text(), re.M)
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # ended just now, or a system without /proc
        return not Path("/proc/self").exists()


def test_work_is_done_in_place_until_there_are_processes():
    workers = Workers(0)
    workers.start()
    assert workers.submit(os.getpid).result() == os.getpid()
    assert not workers.ready()
    workers.close()


def test_processes_work_and_fail_in_the_projects_own_errors():
    with Workers(1, niceness=19) as workers:
        started(workers)
        assert workers.submit(os.getpid).result() != os.getpid()
        assert workers.submit(os.nice, 0).result() == 19
        with pytest.raises(EngineUnavailable, match="the model is unavailable: torn") as caught:
            workers.submit(fail, "torn").result()
        assert caught.value.reason == "torn"
        with pytest.raises(FileNotFoundError, match="nowhere"):
            workers.submit(os.stat, "nowhere").result()
        lost = workers.submit(die)
        with pytest.raises(WorkerLost, match="for want of memory"):
            lost.result()
        with pytest.raises(WorkerLost):
            workers.submit(os.getpid)


def test_closing_ends_what_is_being_done():
    workers = started(Workers(1))
    before, waiting = time.monotonic(), workers.submit(time.sleep, 60)
    workers.close()
    assert time.monotonic() - before < 5
    with pytest.raises(WorkerLost):
        waiting.result()


def test_a_result_that_is_being_sent_is_sent_whole():
    with started(Workers(1)) as workers:
        sent, waiting = workers.submit(StoppedWhileItIsSent), workers.submit(os.getpid)
        assert sent.result() == "whole"
        with pytest.raises(WorkerLost):
            waiting.result()


def test_workers_end_with_an_owner_that_is_killed():
    ours, theirs = PROCESSES.Pipe()
    owner = PROCESSES.Process(target=own_workers, args=(theirs,))
    owner.start()
    workers = ours.recv()
    assert len(set(workers)) == 2
    os.kill(owner.pid, signal.SIGKILL)
    owner.join()
    until = time.monotonic() + GRACE + 30  # a busy machine is no fault of theirs
    while any(map(is_alive, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_alive, workers))


def test_what_is_heavy_is_made_once():
    assert once(UnreadableArticle, "here", "torn") is once(UnreadableArticle, "here", "torn")
