"""The stage after words and meaning: reads the names in articles, newest first."""

import threading
from collections.abc import Iterator, Sequence

from backfile.archive.store.names import Read, Unread
from backfile.archive.workers import Task, Workers, batches
from backfile.index.indexing.stages import Progress, Stage
from backfile.index.model.mentions import RULES, Mention, names_of
from backfile.index.seams.engines import Engines

SPLIT = 8  # articles that a worker is given, of one language
MOST_CHARACTERS = 100_000  # of an article; the rest of a book names the same


class NamesStage:
    """Reads the names of one archive; `writing` is held while the catalogue is changed.

    Without a model, and for languages that have none, there is nothing to do.
    """

    def __init__(
        self, engines: Engines, progress: Progress, writing: threading.Lock, at_once: int
    ) -> None:
        self._at_once = at_once
        self._names = engines.catalog.names
        self._reader = engines.names
        self._progress = progress
        self._writing = writing

    def read_all(self, workers: Workers, *, again: bool = False) -> None:
        """Read all articles that were not read; `again` also those that another model read."""
        if not (models := self._models()):
            return
        waiting = self._names.waiting(models)
        waiting += self._names.by_others(models) if again else []
        if len(waiting) > self._at_once:
            workers.start()
            workers.wait()
        for start in range(0, len(waiting), self._at_once):
            self._progress(Stage.NAMES, start, len(waiting))
            self._read(waiting[start : start + self._at_once], workers)
        self._progress(Stage.NAMES, len(waiting), len(waiting))

    def read_some(self, first: int, most: int, workers: Workers) -> int:
        """Read at most so many articles with passages from row `first` on; return how many."""
        models = self._models()
        waiting = self._names.waiting(models, first)[:most] if models else []
        if waiting:
            self._read(waiting, workers)
        return len(waiting)

    def _models(self) -> dict[str, str]:
        """The model of each language, and the rules by which its mentions become names."""
        models = self._reader.models() if self._reader else {}
        return {language: f"{model}, rules {RULES}" for language, model in models.items()}

    def _read(self, numbers: Sequence[int], workers: Workers) -> None:
        models = self._models()
        tasks = list(self._submitted(self._names.unread(numbers), workers))
        found = [
            Read(article, models[article.language], names_of(mentions))
            for articles, task in tasks
            for article, mentions in zip(articles, task.result(), strict=True)
        ]
        with self._writing:
            self._names.put(found)

    def _submitted(
        self, articles: Sequence[Unread], workers: Workers
    ) -> Iterator[tuple[list[Unread], Task[list[list[Mention]]]]]:
        """Have articles read in lots of one language."""
        for language in dict.fromkeys(each.language for each in articles):
            for some in batches((each for each in articles if each.language == language), SPLIT):
                texts = [_beginning(each.texts) for each in some]
                if self._reader:
                    yield some, workers.submit(self._reader.mentions, language, texts)


def _beginning(texts: Sequence[str]) -> list[str]:
    """The first texts of an article, of MOST_CHARACTERS together and the one that goes beyond."""
    kept, size = [], 0
    for text in texts:
        if size >= MOST_CHARACTERS:
            break
        kept.append(text)
        size += len(text)
    return kept
