"""The weight that suits an archive: how it is chosen, kept, read, and overruled."""

import pytest

from archive.errors import EngineUnavailable
from archive.settings import Settings
from archive.store.tuning import Tuning
from index.wiring import ranking_options


def settings(archive, **environment):
    return Settings.from_environment({"BACKFILE_ARCHIVE": str(archive), **environment})


def test_what_was_tuned_is_read_back_and_written_whole(tmp_path):
    path = tmp_path / "ranking.json"
    assert Tuning.read(path) is None
    Tuning(0.3).write(path)
    Tuning(0.45).write(path)
    assert Tuning.read(path) == Tuning(0.45)
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "ranking.json"
    Tuning(0.3).write(path)

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        Tuning(0.45).write(path)
    assert Tuning.read(path) == Tuning(0.3)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"vector_weight": 2}', b"\xff"])
def test_a_damaged_file_says_what_to_do(tmp_path, content):
    (tmp_path / "ranking.json").write_bytes(content)
    with pytest.raises(EngineUnavailable, match="remove it, and run `backfile tune` again"):
        ranking_options(settings(tmp_path))


def test_what_was_tuned_goes_before_the_default_and_the_environment_before_both(tmp_path):
    usual = Settings().vector_weight
    assert ranking_options(settings(tmp_path)).vector_weight == usual
    Tuning(0.3).write(tmp_path / "ranking.json")
    assert ranking_options(settings(tmp_path)).vector_weight == 0.3
    for given in (0.9, usual):
        there = settings(tmp_path, BACKFILE_VECTOR_WEIGHT=str(given))
        assert ranking_options(there).vector_weight == given
