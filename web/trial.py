"""Reads a file for an empty archive without keeping it: which of its columns would be what."""

import re
from collections import Counter
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from flask import Blueprint, abort, render_template, request
from werkzeug.datastructures import FileStorage

from backfile.archive.formats.fields import MAP_TEXT, WatchedFields
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import Article
from backfile.archive.model.errors import BadQuery, UnreadableArticle
from backfile.archive.model.message import Message
from backfile.index.search.question import ArchiveSearcher

KINDS = (".csv", ".tsv", ".json", ".jsonl")
MOST_READ = 1_000  # articles
EXAMPLES = 3
REASONS = 5
PROPOSED = re.compile(r"; try (--map .+)")  # at the end of a reason


class Trial(NamedTuple):
    """What reading a file gave: the columns of each field, and articles as they would be."""

    columns: dict[str, list[tuple[str, int]]]
    unused: list[str]
    read: int
    examples: list[Article]
    reasons: list[tuple[str, int]]

    @property
    def options(self) -> str:
        """The options that would read what was refused most often; empty if none were proposed."""
        proposed = (PROPOSED.search(reason) for reason, _ in self.reasons)
        return next((each[1] for each in proposed if each), "")


def blueprint(searcher: ArchiveSearcher) -> Blueprint:
    """The route that takes a file; once the archive has articles, it is not there."""
    routes = Blueprint("trial", __name__)

    @routes.post("/try")
    def read() -> str:
        if searcher.overview().articles:
            abort(404)
        file = request.files.get("file")
        suffix = Path(file.filename or "").suffix.lower() if file else ""
        if file is None or suffix not in KINDS:
            raise BadQuery("file", Message("choose a file of %(kinds)s", kinds=", ".join(KINDS)))
        return render_template("trial.html", trial=try_file(file, suffix), kinds=KINDS)

    return routes


def try_file(file: FileStorage, suffix: str) -> Trial:
    """Read a file of a kind, MOST_READ articles at most; nothing of it is kept."""
    names = WatchedFields(remedy=MAP_TEXT)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        with file.stream:
            file.save(path)
        found = list(islice(Reading([path], names), MOST_READ))
    articles = [each for each in found if isinstance(each, Article)]
    reasons = Counter(each.reason for each in found if isinstance(each, UnreadableArticle))
    return Trial(
        names.columns(),
        names.never_used(),
        len(articles),
        articles[:EXAMPLES],
        reasons.most_common(REASONS),
    )
