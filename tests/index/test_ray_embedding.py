"""News that is read and embedded by processes of Ray: the same, also if some of them end."""

import json
import os
import shutil
import signal
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Lots, Reading
from backfile.archive.model.errors import EngineUnavailable, WorkerLost
from backfile.archive.model.settings import DEFAULT_MODEL, Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.vector.embedding.model import find_model
from backfile.index.wiring import open_engines
from backfile.index.writing import open_for_writing
from tests.archive.exports import mailbox
from tests.builders import STORIES, backfile, invented_text, silent, write_records
from tests.fakes import HashedWords

ray = pytest.importorskip("ray", reason="Ray is not installed: backfile[cluster]")
from backfile.index.cluster.ray import embedding as ray_embedding  # noqa: E402
from backfile.index.cluster.ray.embedding import PooledEmbedder, start_embedding  # noqa: E402
from backfile.index.cluster.ray.workers import RayWorkers  # noqa: E402

pytestmark = [pytest.mark.cluster, pytest.mark.model, pytest.mark.filterwarnings("ignore")]
TEXTS = [f"The ferry left the harbour {n} times in the year {1900 + n}." for n in range(300)]


@pytest.fixture(scope="module")
def cluster():
    """The address of a node with two cores."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    ray.init(address=made.address, log_to_driver=False)
    yield made.address
    ray.shutdown()
    made.shutdown()


class Server:
    """Embeds with the fake model; ends where it is told to, by a file that is there."""

    def __init__(self, fatal):
        self.fatal = fatal

    def ready(self):
        return "fake"

    def embed(self, texts):
        if self.fatal.exists():
            self.fatal.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return HashedWords().embed_passages(texts)


def test_what_is_lost_with_a_process_is_embedded_by_another(cluster, tmp_path):
    actors = [
        ray.remote(Server).options(num_cpus=0, max_restarts=-1).remote(tmp_path / str(n))
        for n in range(3)
    ]
    own = HashedWords()
    pooled = PooledEmbedder(own, actors)
    expected = own.embed_passages(TEXTS)
    for n in range(3):
        (tmp_path / str(n)).touch()
        assert np.array_equal(pooled.embed_passages(TEXTS), expected)
    for actor in actors:
        ray.kill(actor)


def test_without_any_process_it_says_so(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_embedding, "SECONDS_ALONE", 2.0)
    actor = ray.remote(Server).options(num_cpus=0).remote(tmp_path / "none")
    pooled = PooledEmbedder(HashedWords(), [actor])
    ray.kill(actor)
    with pytest.raises(EngineUnavailable, match="no process of the cluster answers"):
        pooled.embed_passages(TEXTS)


def test_the_vectors_of_a_cluster_are_those_of_one_machine(cluster, sample):
    settings = replace(Settings(), archive=sample)
    own = open_engines(settings).embedder
    found = start_embedding(settings, own, 2).embed_passages(TEXTS[:40])
    cosines = (found * own.embed_passages(TEXTS[:40])).sum(axis=1)
    assert cosines.min() > 0.999


def test_an_archive_in_int8_is_embedded_by_one_machine(cluster, sample, monkeypatch):
    made_with = replace(Manifest.read(ArchiveDirectory(sample).manifest), graph="digest")
    monkeypatch.setattr(ray_embedding, "Manifest", SimpleNamespace(read=lambda _: made_with))
    with pytest.raises(EngineUnavailable, match="in int8, which one machine embeds"):
        start_embedding(replace(Settings(), archive=sample), HashedWords(), 1)


def ends_once(fatal, value):
    if fatal.exists():
        fatal.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def ends(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_call_that_is_lost_with_its_process_is_made_again(cluster, tmp_path):
    (tmp_path / "fatal").touch()
    workers = RayWorkers()
    assert workers.submit(ends_once, tmp_path / "fatal", "read").result() == "read"
    assert not (tmp_path / "fatal").exists()
    with pytest.raises(WorkerLost):
        workers.submit(ends, None).result()


def test_an_error_of_a_call_is_the_error_of_its_result(cluster):
    with pytest.raises(ValueError, match="invalid literal"):
        RayWorkers().submit(int, "no number").result()


def test_nodes_read_and_cut_as_one_machine_does(cluster, tmp_path):
    news = tmp_path / "news"
    news.mkdir()
    for n in range(40):
        text = f"{invented_text(n)}\n\nStory {n} of the day."
        (news / f"story{n:02}.txt").write_text(text, encoding="utf-8")
    (news / "broken.json").write_text("{", encoding="utf-8")
    letters = [{"id": n, "title": f"Letter {n}", "text": invented_text(n)} for n in range(40, 80)]
    (news / "letters.mbox").write_text(mailbox(letters), encoding="utf-8")
    few = Lots(carried=1 << 14, records=16)
    expected = indexed(news, tmp_path / "one")
    assert indexed(news, tmp_path / "nodes", RayWorkers()) == expected
    assert indexed(news, tmp_path / "pieces", RayWorkers(), few) == expected
    assert expected[1] == 1  # refused


def indexed(news, archive, nodes=None, lots=None):
    """The passages of an archive of these news, and how many files were refused."""
    settings = replace(Settings(), archive=archive)
    with open_for_writing(settings, silent, create=True, elsewhere=nodes) as opened:
        more = {"pool": nodes, "lots": lots or nodes.lots} if nodes else {}
        report = opened.indexer.index(Reading([news], FieldMap(), **more))
        catalog = opened.engines.catalog
        passages = [(each.row, each.passage) for each in catalog.stored(catalog.rows_after(0))]
    return passages, len(report.refused)


def test_news_is_embedded_on_the_cluster_and_found_by_meaning_in_its_shard(cluster, tmp_path):
    archive, folder = tmp_path / "archive", tmp_path / "cluster"
    assert backfile("cluster", "init", folder, "--archive", archive).exit_code == 0
    news = write_records(tmp_path / "news.jsonl", STORIES)
    options = ["--archive", archive, "--address", cluster, "--actors", 2, "--quiet"]
    ray.shutdown()  # the command joins by itself
    result = backfile("cluster", "index", folder, news, *options)
    assert result.exit_code == 0, result.output
    found = backfile(
        "cluster", "search", folder, "the night ferry stops in May", "--mode", "semantic"
    )
    assert "Ferry timetable cut" in found.stdout, found.output
    assert "100% by meaning" in backfile("cluster", "status", folder).stdout


def test_an_archive_gets_another_model_on_the_cluster(cluster, tmp_path):
    archive, folder = tmp_path / "archive", tmp_path / "cluster"
    news = write_records(tmp_path / "news.jsonl", STORIES)
    assert backfile("index", news, "--archive", archive, "--quiet").exit_code == 0
    made = backfile("cluster", "import", folder, "--shards", 2, "--archive", archive)
    assert made.exit_code == 0, made.output
    model = shutil.copytree(find_model(DEFAULT_MODEL), tmp_path / "model")
    (model / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 48}))
    if ray.is_initialized():
        ray.shutdown()  # the command joins by itself
    options = ["--archive", archive, "--address", cluster, "--actors", 1, "--quiet"]
    result = backfile("cluster", "reembed", folder, "--model", model, *options)
    assert result.exit_code == 0, result.output
    found = backfile(
        *("search", "the night ferry stops in May", "--mode", "semantic", "--archive", archive),
        BACKFILE_MODEL=str(model),
    )
    assert "Ferry timetable cut" in found.stdout, found.output
    sound = backfile("verify", "--archive", archive, BACKFILE_MODEL=str(model))
    assert sound.output == "the archive is sound\n"
