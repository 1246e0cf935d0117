"""Shards on several machines, each with a disk of its own, hold what their archive holds."""

import pickle
import random
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import date
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.archive.model.cluster_errors import HolderLost, ShardAway, ShardTouched, ShardUnsplit
from backfile.archive.model.errors import ArchiveError
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import PARCELS, ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.sharding import generation_of, numbers_in
from backfile.index.cluster.map.cluster_map import FILE, SHARDS, ClusterMap
from backfile.index.cluster.writing import copies, distant_holder, parcels
from backfile.index.cluster.writing.distant_holder import DistantHolder, HolderServer
from backfile.index.cluster.writing.dividing import divide
from backfile.index.cluster.writing.following import follow
from backfile.index.cluster.writing.holding import LocalHolder
from backfile.index.cluster.writing.inspecting import problems_of
from backfile.index.cluster.writing.parcels import Piece, parcel_of, pieces_of, put
from backfile.index.cluster.writing.shared_folders import MarkedFolder, first_with_folder
from backfile.index.indexing.stages import silent
from tests.builders import STORIES, backfile, damage, write_records
from tests.clusters import MORE, agrees, give_another_model

LATER = MORE | {"id": "later", "published": "2032-02-02"}


class Network:
    """This machine and others, each in a folder; `fails` says where one has had enough."""

    def __init__(self, folder, archive, n_others=2):
        self.folder, self.archive = folder, archive
        self.settings = Settings(archive=archive)
        self.folders = [folder / f"machine-{n}" for n in range(n_others + 1)]
        self.fails = lambda place, method: False
        self.lost = []

    @property
    def here(self):
        return self.folders[0]

    def others(self):
        """The other machines, as a run finds them."""
        return [self._other(folder) for folder in self.folders[1:]]

    def _other(self, folder):
        server = HolderServer(self.settings, folder)

        def ask(method, *arguments):
            if self.fails(folder.name, method):
                raise HolderLost(folder.name, "it does not answer")
            sent = pickle.loads(pickle.dumps(arguments))
            return partial(answer, method, *sent)

        def answer(method, *arguments):
            try:
                return pickle.loads(pickle.dumps(getattr(server, method)(*arguments)))
            except ArchiveError as exc:
                raise HolderLost(folder.name, str(exc)) from exc

        return DistantHolder(self.settings, folder.name, ask, server._locked.close)

    def divide(self, n_copies=2, n_shards=2):
        return self._run(divide, n_shards, silent, lambda *_: None, n_copies=n_copies)

    def follow(self, **options):
        self.followed = []
        return self._run(follow, silent, self.followed.append, **options)

    def _run(self, what, *arguments, **options):
        others = self.others()
        self.lost = []
        try:
            return what(
                self.settings, self.here, *arguments,
                elsewhere=others, lost=self.lost.append, **options,
            )  # fmt: skip
        finally:
            for each in others:  # as their processes end with this one
                each.close()

    def copies(self):
        """The folders of each shard's copies, by its place."""
        shards = ClusterMap.read(self.here).shards
        there = [[each / SHARDS / entry.folder for each in self.folders] for entry in shards]
        return [[path for path in paths if path.exists()] for paths in there]

    def agrees(self):
        """All copies of a shard are sound, in one generation, and have what the archive has."""
        cluster = ClusterMap.read(self.here)
        whole = articles_in(self.archive)
        days = np.array([day or 0 for _, day, *_ in whole], np.int32)
        places = cluster.place_of(days)
        for place, (entry, paths) in enumerate(zip(cluster.shards, self.copies(), strict=True)):
            own = [each for each, at in zip(whole, places, strict=True) if at == place]
            assert [articles_in(path) for path in paths] == [own] * len(paths)
            assert {generation_of(ArchiveDirectory(path)) for path in paths} == {entry.generation}
        found = problems_of(self.settings, self.here, self.others())
        assert [each for each in found if each.folder] == []  # others lack a copy

    def answers_as_the_archive(self):
        """So do the shards, with one copy of each."""
        whole = self.folder / "whole"
        for paths in self.copies():
            chosen = random.choice(paths)
            shutil.copytree(chosen, whole / SHARDS / chosen.name)
        ClusterMap.read(self.here).write(whole)
        for each in (whole, whole / SHARDS):
            each.chmod(0o700)
        agrees(self.archive, whole)

    def index(self, *articles):
        news = write_records(self.folder / "more.jsonl", articles)
        made = backfile("index", news, "--no-vectors", "--archive", self.archive)
        assert made.exit_code == 0, made.output


def articles_in(archive):
    """All articles of an archive, with the texts of their passages."""
    with closing(sqlite3.connect(archive / "catalog.db")) as catalog:
        return catalog.execute(
            "SELECT number, published, id, title, text, source, language, count(row) "
            "FROM articles LEFT JOIN passages ON article = number GROUP BY number ORDER BY number"
        ).fetchall()


@pytest.fixture(autouse=True, scope="module")
def nobody_reads():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(copies, "SECONDS_UNTIL_READ", 0.0)
        yield


@pytest.fixture
def network(indexed_by_words, tmp_path):
    return Network(tmp_path, shutil.copytree(indexed_by_words, tmp_path / "archive"))


def test_each_shard_is_written_on_as_many_machines_as_asked(network):
    cluster = network.divide()
    assert [len(each) for each in network.copies()] == [2] * len(cluster.shards)
    assert all(any((folder / SHARDS).iterdir()) for folder in network.folders)
    assert all(ClusterMap.read(each) == cluster for each in network.folders)
    assert not [path for each in network.folders for path in each.rglob(PARCELS)]
    network.agrees()


def test_what_is_new_is_written_where_its_shard_lies_and_nowhere_else(network):
    network.divide()
    network.index(LATER)
    network.follow()
    changed = [(each.name, each.changed) for each in network.followed]
    last = ClusterMap.read(network.here).shards[-1].name
    assert changed == [(last, 1)] * 2
    assert len({each.place for each in network.followed}) == 2
    network.agrees()
    network.follow()
    assert network.followed == []


def test_an_article_leaves_and_one_moves_on_all_machines(network):
    network.divide()
    ferry = next(each for each in STORIES if each["id"] == "ferry")
    network.index(ferry | {"published": "1999-01-01"})
    network.follow()
    network.agrees()
    assert backfile("remove", "ferry", "--archive", network.archive).exit_code == 0
    network.follow()
    network.agrees()
    network.answers_as_the_archive()


def test_a_machine_that_fails_is_named_and_its_copies_are_brought_up_the_next_time(network):
    network.divide()
    network.index(LATER)
    network.fails = lambda place, method: place == "machine-1" and method == "write"
    network.follow()
    assert [each.place for each in network.lost] == ["machine-1"]
    network.fails = lambda place, method: False
    network.index(LATER | {"id": "still later"})
    network.follow()
    assert network.lost == []
    network.agrees()


def test_where_no_copy_of_a_shard_can_be_written_nothing_is_said_to_be(network):
    cluster = network.divide(n_copies=1)
    network.index(LATER)
    network.fails = lambda place, method: method == "write"
    held = [each for each in network.copies()[-1] if not each.is_relative_to(network.here)]
    network.index(*(LATER | {"id": f"{n}", "published": f"{n}-01-01"} for n in (1900, 2031)))
    with pytest.raises(HolderLost, match=r"no machine that has it could write it"):
        network.follow()
    assert held
    assert ClusterMap.read(network.here) == cluster
    network.fails = lambda place, method: False
    network.follow()
    network.agrees()


def test_a_shard_whose_machines_are_away_is_not_made_again_unasked(network):
    network.divide(n_copies=1)
    away = next(n for n in (1, 2) if any((network.folders[n] / SHARDS).glob("*")))
    network.fails = lambda place, method: place == f"machine-{away}"
    with pytest.raises(ShardAway, match="start the machine that has it"):
        network.follow()
    network.follow(everything=True)
    assert [each.place for each in network.lost] == [f"machine-{away}"]
    network.fails = lambda place, method: False
    network.follow()  # the map is another one now: what the machine had is deleted an hour later
    network.agrees()


def test_what_a_lost_machine_had_is_made_on_others_if_asked(network):
    network.divide(n_copies=2)
    shutil.rmtree(network.folders[2])
    network.follow(n_copies=2)
    assert [len(each) for each in network.copies()] == [2] * len(network.copies())
    network.agrees()


@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
def test_whatever_changes_and_whoever_fails_all_copies_become_as_the_archive(
    tmp_path_factory, indexed_by_words, seed
):
    choose = random.Random(seed)
    folder = tmp_path_factory.mktemp("network")
    network = Network(folder, shutil.copytree(indexed_by_words, folder / "archive"))
    network.divide(n_copies=choose.choice((1, 2, 3)), n_shards=choose.randint(1, 3))
    network.fails = lambda place, method: place == "machine-1" and choose.random() < 0.1
    for _ in range(choose.randint(1, 3)):
        changed = choose.sample(STORIES, 2)
        days = ["1999-01-01", "2024-03-23", "2032-02-02"]
        network.index(*(each | {"published": choose.choice(days)} for each in changed))
        if choose.random() < 0.3:
            backfile("remove", choose.choice(STORIES)["id"], "--archive", network.archive)
        with suppress(HolderLost, ShardAway):
            network.follow(n_copies=choose.choice((0, 2)))
    network.fails = lambda place, method: False
    network.follow()
    assert not [each for each in network.lost if each.place.startswith("machine")]
    network.agrees()


def test_a_shard_is_divided_on_the_machines_that_hold_it(network):
    before = network.divide()
    network.index(LATER)
    name = before.shards[-1].name
    after = network.follow(divided=(name, None))
    assert len(after.shards) == len(before.shards) + 1
    assert [len(each) for each in network.copies()] == [2] * len(after.shards)
    network.agrees()
    with pytest.raises(ShardUnsplit):
        network.follow(divided=("undated", None))


def test_all_machines_take_over_another_model(network, tmp_path):
    network.divide()
    model = give_another_model(network.archive, tmp_path / "model")
    network.settings = Settings(archive=network.archive, model=model)
    cluster = network.follow()
    assert [each.edition for each in cluster.shards] == [1] * len(cluster.shards)
    made_with = {
        Manifest.read(ArchiveDirectory(path).manifest).model
        for paths in network.copies()
        for path in paths
    }
    assert made_with == {model}
    assert all(ClusterMap.read(each) == cluster for each in network.folders)


def test_the_calibration_comes_to_machines_that_have_nothing_else_to_write(network):
    network.divide()
    weights = ArchiveDirectory(network.archive).ranking
    weights.write_text('{"fused": 0.25}')
    network.follow()
    for paths in network.copies():
        assert {ArchiveDirectory(each).ranking.read_text() for each in paths} == {'{"fused": 0.25}'}


def test_a_copy_that_another_command_has_changed_is_named_and_left_alone(network):
    network.divide()
    touched = next(each for each in network.copies()[-1] if not each.is_relative_to(network.here))
    news = write_records(network.folder / "own.jsonl", [LATER | {"id": "own"}])
    assert backfile("index", news, "--no-vectors", "--archive", touched).exit_code == 0
    network.follow()
    assert [str(ShardTouched(network.here / SHARDS / touched.name)) in str(x) for x in network.lost]
    with pytest.raises(ArchiveError):
        generation_of(ArchiveDirectory(touched))
    network.follow(everything=True)
    assert network.lost == []
    network.agrees()


def test_a_damaged_copy_is_named(network):
    network.divide()
    damaged = next(each for each in network.copies()[-1] if not each.is_relative_to(network.here))
    damage(damaged / "catalog.db", "cut", 0.4)
    found = problems_of(network.settings, network.here, network.others())
    assert {each.folder for each in found} == {damaged.name}
    assert all(str(each).startswith(f"{damaged.name} on machine-") for each in found)


def test_a_folder_with_other_shards_is_left_alone(network):
    others = network.folders[1] / SHARDS
    (others / "undated").mkdir(parents=True)
    network.divide(n_copies=1)
    assert network.lost == []
    assert list(others.rglob("*")) == [others / "undated"]
    shutil.rmtree(others)
    network.agrees()


def test_shards_of_an_earlier_division_are_left_alone(network):
    network.divide(n_copies=1, n_shards=3)
    shutil.rmtree(network.here)
    before = [files_in(each) for each in network.folders[1:]]
    network.divide(n_copies=1, n_shards=1)
    assert [each.place for each in network.lost] == ["machine-1", "machine-2"]
    network.index(LATER)
    network.follow()
    assert all("other shards lie in" in str(each) for each in network.lost)
    assert [files_in(each) for each in network.folders[1:]] == before
    for each in network.folders[1:]:
        shutil.rmtree(each)
    network.agrees()


def test_a_copy_that_was_restored_gets_what_it_misses(network):
    network.divide(n_copies=2)
    restored = network.copies()[-1][1]
    shutil.copytree(restored, network.folder / "backup")
    network.index(LATER)
    network.follow()
    shutil.rmtree(restored)
    shutil.copytree(network.folder / "backup", restored)
    network.index(LATER | {"id": "still later", "text": "The winter market opens on Sunday."})
    network.follow()
    assert sorted(each.changed for each in network.followed) == [1, 2]
    network.agrees()


def test_a_killed_import_is_run_again(network):
    network.fails = lambda place, method: method == "finish"
    network.divide()
    shutil.rmtree(network.here)
    network.fails = lambda place, method: False
    network.divide()
    network.agrees()


def test_what_a_killed_import_has_left_elsewhere_is_not_taken_for_a_shard(network):
    network.fails = lambda place, method: method == "finish"
    network.divide(n_copies=1, n_shards=2)
    shutil.rmtree(network.here)
    (network.folders[1] / PARCELS / "begun").mkdir(parents=True)
    network.fails = lambda place, method: False
    network.divide(n_copies=1, n_shards=4)
    assert all((each / FILE).exists() for each in network.folders)
    network.agrees()


def test_what_a_killed_split_has_left_elsewhere_holds_other_days(network):
    name = network.divide(n_copies=3, n_shards=1).shards[-1].name
    finish = LocalHolder.finish

    def killed(self, *arguments):
        if self._folder == network.here:
            raise KeyboardInterrupt
        finish(self, *arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LocalHolder, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            network.follow(divided=(name, date(2023, 12, 1)))
    assert (network.folders[1] / SHARDS / "from-2023-12-01").exists()
    network.fails = lambda place, method: place == "machine-1"
    for shard, day in ((name, date(2024, 4, 1)), (f"{name}-to-2024-03-31", date(2023, 12, 1))):
        network.follow(divided=(shard, day))
    network.fails = lambda place, method: False
    network.follow()
    network.agrees()


def test_copies_from_before_the_archive_was_restored_are_compared_as_a_whole(network):
    network.divide(n_copies=3)
    backup = network.folder / "backup"
    assert backfile("backup", backup, "--archive", network.archive).exit_code == 0
    here = shutil.copytree(network.here, network.folder / "here")
    network.index(LATER)
    network.follow()
    shutil.rmtree(network.archive)
    assert backfile("restore", backup, "--archive", network.archive).exit_code == 0
    shutil.rmtree(network.here)
    shutil.copytree(here, network.here)
    network.index(LATER | {"id": "another", "text": "The winter market opens on Sunday."})
    network.fails = lambda place, method: True
    network.follow()
    network.fails = lambda place, method: False
    network.follow()
    network.agrees()


def test_a_shard_that_another_command_writes_to_meanwhile_is_not_called_whole(network):
    network.divide(n_copies=1, n_shards=1)
    [shard] = network.copies()[-1]
    news = write_records(network.folder / "own.jsonl", [LATER | {"id": "own"}])
    settle = LocalHolder.settle

    def settle_late(self, folder, *others):
        if folder == shard.name:
            backfile("index", news, "--no-vectors", "--archive", shard)
        settle(self, folder, *others)

    network.index(LATER)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LocalHolder, "settle", settle_late)
        with pytest.raises(ArchiveError):
            network.follow()
    with pytest.raises(ArchiveError):
        network.follow()
    network.follow(everything=True)
    network.agrees()


def test_a_copy_that_was_changed_is_neither_replaced_nor_divided(network):
    network.divide(n_copies=2)
    touched = next(each for each in network.copies()[-1] if not each.is_relative_to(network.here))
    news = write_records(network.folder / "own.jsonl", [LATER | {"id": "own"}])
    assert backfile("index", news, "--no-vectors", "--archive", touched).exit_code == 0
    network.follow(n_copies=3)
    assert "own" in {name for _, _, name, *_ in articles_in(touched)}
    with pytest.raises(ShardTouched):
        network.follow(divided=(touched.name, None))
    network.follow(everything=True, n_copies=3)
    network.agrees()


def test_a_damaged_copy_is_made_anew_if_all_is_compared(network):
    network.divide(n_copies=3)
    for paths in (network.copies()[-1], network.copies()[0]):
        damage(paths[0] / "manifest.json", "cut", 0.4)
        damage(paths[1] / "catalog.db", "cut", 0.4)
        network.follow(everything=True)
        network.agrees()


def test_a_folder_with_other_files_gets_no_shards_and_stays_as_it_is(network):
    site = network.folders[1]
    site.mkdir(mode=0o755)
    (site / "index.html").write_text("mine")
    network.divide(n_copies=3)
    assert [path.name for path in site.iterdir()] == ["index.html"]
    assert site.stat().st_mode & 0o777 == 0o755
    assert network.lost == []
    network.agrees()


def test_shards_that_others_can_write_to_are_not_taken_over(network):
    network.divide(n_copies=3)
    network.folders[1].chmod(0o777)
    (network.folders[1] / FILE).chmod(0o666)
    network.index(LATER)
    network.follow()
    assert [each.place for each in network.lost] == ["machine-1"]
    assert "can be written by" in str(network.lost[0])
    assert network.folders[1].stat().st_mode & 0o777 == 0o777


def test_the_archive_is_backed_up_after_an_update(network, tmp_path):
    network.divide()
    made = backfile("backup", tmp_path / "backup", "--archive", network.archive)
    assert made.exit_code == 0, made.output


def test_originals_that_a_copy_has_are_not_sent_again(network):
    network.divide(n_copies=3)
    sent = []

    def put_noted(piece, parcel):
        sent.append(piece.name)
        put(piece, parcel)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(distant_holder, "put", put_noted)
        network.follow(everything=True)
        assert "catalog.db" in sent
        assert not [name for name in sent if name.startswith("originals")]
        network.index(LATER)
        network.follow()
    assert [name for name in sent if name.startswith("originals")]
    network.agrees()


def test_shards_with_fewer_copies_than_asked_are_named(network):
    network.divide(n_copies=9)
    shards = len(network.copies())
    network.follow()
    assert [str(each).split(";")[0] for each in network.lost] == [
        f"{entry.name}: 3 of 9 copies could be reached"
        for entry in ClusterMap.read(network.here).shards
    ]
    found = problems_of(network.settings, network.here, network.others())
    assert len(found) == shards


def test_a_machine_that_does_not_answer_is_none(tmp_path):
    class Away:
        def mark(self, name):
            raise HolderLost("10.0.0.2", "it does not answer")

        marks = unmark = mark

    assert first_with_folder([MarkedFolder(tmp_path), Away()]) == [0, None]
    assert list(tmp_path.iterdir()) == []


def test_machines_that_see_one_folder_are_one(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    a, b, nowhere = (MarkedFolder(tmp_path / name) for name in ("a", "b", "none"))
    assert first_with_folder([a, b, a, nowhere, b, nowhere]) == [0, 1, 0, 3, 1, 5]
    assert list((tmp_path / "a").iterdir()) == []


def test_a_parcel_arrives_as_it_was_sent(network, tmp_path, monkeypatch):
    monkeypatch.setattr(parcels, "PIECE_BYTES", 1000)
    numbers = numbers_in(ArchiveDirectory(network.archive), None)
    with parcel_of(network.settings, numbers, {}, rest=True) as parcel:
        pieces = list(pieces_of(parcel))
        for each in pieces:
            put(each, tmp_path / "arrived")
        sent = {path.relative_to(parcel): path.read_bytes() for path in files_in(parcel)}
    arrived = tmp_path / "arrived"
    assert {path.relative_to(arrived): path.read_bytes() for path in files_in(arrived)} == sent
    assert len(pieces) > len(sent) > 3
    with pytest.raises(ValueError, match=r"a piece of catalog\.db is missing"):
        put(Piece("catalog.db", 5, b"x"), arrived)


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]
