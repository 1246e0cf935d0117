"""Divided archives as commands make them, and clients that ask without a pause."""

import threading
from collections import Counter

from tests.builders import backfile

MORE = {"title": "Ferry sold", "source": "Courier", "text": "The old ferry was sold for scrap."}


def succeeds(*arguments):
    """Run `backfile cluster` with these arguments; return what it prints."""
    result = backfile("cluster", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def divided_into(folder, archive, n_shards=3):
    """Divide an archive into shards in a folder; return that."""
    succeeds("import", folder, "--shards", n_shards, "--archive", archive)
    return folder


def agrees(archive, folder):
    """The shards hold what the archive holds, and are sound."""
    for words in ([], ["ferry"], ["--sort", "oldest", "bridge"]):
        whole = backfile("export", *words, "--archive", archive, "--format", "jsonl")
        shards = backfile("cluster", "export", folder, *words, "--format", "jsonl")
        assert shards.exit_code == whole.exit_code, shards.output
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
