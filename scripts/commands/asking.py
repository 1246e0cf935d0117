"""Answers a file of queries with a table of hits, as `search --batch` asks for."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import click

from archive.settings import Settings
from index.query import Query
from index.search.batch import Answer, Parameters, answers, read_queries, text_of
from index.wiring import open_searcher
from scripts.printing.output import write_out
from scripts.printing.progress import watched
from web.search.batch import as_table


def answer_file(
    settings: Settings, queries: BinaryIO, usual: Parameters, output: Path | None
) -> int:
    """Write the hits of a file's queries, and return the exit code; raise BadQuery."""
    Query.from_parameters(usual)
    searcher = open_searcher(settings)
    content = queries.read()
    total = sum(1 for _ in read_queries(text_of(BytesIO(content))))
    asked = watched(read_queries(text_of(BytesIO(content))), total, " queries")
    told = _Told(answers(searcher, asked, usual))
    write_out(as_table(told), output)
    click.echo(told.summary, err=True)
    return 0 if told.found and not told.refused else 1


class _Told:
    """Passes answers on and counts them."""

    def __init__(self, answered: Iterable[Answer]) -> None:
        self._answered = answered
        self.asked = self.found = self.refused = 0

    def __iter__(self) -> Iterator[Answer]:
        for answer in self._answered:
            self.asked += 1
            self.found += bool(answer.hits)
            self.refused += bool(answer.error)
            yield answer

    @property
    def summary(self) -> str:
        refused = f", {self.refused:,} could not be answered" if self.refused else ""
        return f"{self.asked:,} queries, {self.found:,} with hits{refused}"
