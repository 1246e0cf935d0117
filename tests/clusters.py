"""Divided archives as commands make them, and clients that ask without a pause."""

import threading
from collections import Counter
from dataclasses import replace

from backfile.archive.model.settings import DEFAULT_MODEL
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.vector.embedding.model import find_model, hash_modules
from tests.builders import backfile

MORE = {"title": "Ferry sold", "source": "Courier", "text": "The old ferry was sold for scrap."}


def succeeds(*arguments):
    """Run `backfile cluster` with these arguments; return what it prints."""
    result = backfile("cluster", *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def divided_into(folder, archive, n_shards=3):
    """Divide an archive into shards in a folder; return that."""
    succeeds("import", folder, "--shards", n_shards, "--archive", archive)
    return folder


def give_another_model(archive, folder):
    """Give an archive a model in this folder, which reads words as the bundled one does.

    It is another one for all that is known: a file beside its weights differs.
    """
    folder.mkdir()
    for path in find_model(DEFAULT_MODEL).iterdir():
        (folder / path.name).symlink_to(path)
    config = folder / "config.json"
    text = config.read_text()
    config.unlink()
    config.write_text(text + "\n")
    path = ArchiveDirectory(archive).manifest
    replace(Manifest.read(path), model=str(folder), modules=hash_modules(folder)).write(path)
    return str(folder)


def agrees(archive, folder):
    """The shards hold what the archive holds, and are sound."""
    for words in ([], ["ferry"], ["--sort", "oldest", "bridge"]):
        whole = backfile("export", *words, "--archive", archive, "--format", "jsonl")
        shards = backfile("cluster", "export", folder, *words, "--format", "jsonl")
        assert shards.exit_code == whole.exit_code, (shards.output, shards.exception)
        assert shards.stdout == whole.stdout
    assert succeeds("verify", folder) == "all shards are sound\n"


class Asking:
    """Clients that ask in threads while the block runs.

    Each of `clients` is called, and asks until `ends` is set. They count answers, and note those
    that are `wrong`.
    """

    def __init__(self, *clients):
        self.ends = threading.Event()
        self.counts, self.wrong = Counter(), []
        self._threads = [threading.Thread(target=each) for each in clients]

    def __enter__(self):
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for each in self._threads:
            each.join()
