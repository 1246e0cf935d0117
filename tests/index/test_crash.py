"""A run that is killed anywhere, and run again, ends in the archive of an undisturbed run."""

import faulthandler
import os
import random
import signal
import threading
from pathlib import Path

import pytest

from backfile.index.indexing.stages import Stage
from tests.builders import index_in_small_batches, seen, write_news
from tests.processes import PROCESSES, share_forkserver

pytestmark = pytest.mark.crash
KILLS_A_STAGE = 6
STAGES = [stage for stage in Stage if stage is not Stage.CUTTING]  # of a run that reads articles


def index(folder: Path, news: Path, kill_in: Stage | None = None, after: float = 0.0) -> None:
    """Index in this process; once the stage has begun, wait so long and die as by `kill -9`."""
    faulthandler.enable()
    share_forkserver()
    armed = []

    def progress(stage: Stage, done: int, total: int) -> None:
        if stage is kill_in and not armed:
            armed.append(stage)
            timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()

    index_in_small_batches(folder, news, progress)


def run(*arguments: object) -> int:
    process = PROCESSES.Process(target=index, args=arguments)
    process.start()
    process.join(120)  # a few seconds, but for a machine that is busy
    if process.exitcode is None:
        os.kill(process.pid, signal.SIGABRT)
        process.join()
        pytest.fail("it goes on without an end; its stderr says where each thread stood")
    return process.exitcode


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    news = write_news(folder / "news.jsonl")
    assert run(folder / "archive", news) == 0
    found = seen(folder / "archive")
    assert found["copies of a9"].listed[0].id == "a8"
    return news, found


@pytest.mark.parametrize("kill", range(KILLS_A_STAGE))
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_run_is_finished_by_the_next(stage, kill, undisturbed, tmp_path):
    news, expected = undisturbed
    delay = random.uniform(0, 0.25) * kill / KILLS_A_STAGE  # at once, or well into the stage
    killed = run(tmp_path / "archive", news, stage, delay)
    assert killed in (-signal.SIGKILL, 0)
    assert killed == -signal.SIGKILL or kill > 0, "the first kill of each stage always strikes"
    assert run(tmp_path / "archive", news) == 0
    assert seen(tmp_path / "archive") == expected


def test_a_run_that_is_killed_over_and_over_gets_there_too(undisturbed, tmp_path):
    news, expected = undisturbed
    for stage in [*STAGES, *STAGES]:
        run(tmp_path / "archive", news, stage, random.uniform(0, 0.05))
    assert run(tmp_path / "archive", news) == 0
    assert seen(tmp_path / "archive") == expected
