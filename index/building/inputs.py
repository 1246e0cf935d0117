"""Takes what is read in batches: small ones first, so that the first articles are found soon."""

from collections.abc import Iterator
from typing import Protocol

from archive.article import Article
from archive.errors import UnreadableArticle

FIRST_BATCH = 250  # articles; small, so that the first ones are found within seconds
LARGEST_BATCH = 2_000
LARGEST_TEXT = 20_000_000  # characters a batch, which bounds the memory where articles are long


class Input(Protocol):
    """Articles and refusals, and how many bytes of how many have been read."""

    @property
    def bytes_done(self) -> int: ...

    @property
    def bytes_total(self) -> int: ...

    def __iter__(self) -> Iterator[Article | UnreadableArticle]: ...


def growing_batches(source: Input) -> Iterator[list[Article | UnreadableArticle]]:
    """Cut an input into batches that grow from FIRST_BATCH to LARGEST_BATCH."""
    size, batch, characters = FIRST_BATCH, [], 0
    for found in source:
        batch.append(found)
        characters += len(found.text) if isinstance(found, Article) else 0
        if len(batch) >= size or characters >= LARGEST_TEXT:
            yield batch
            batch, characters, size = [], 0, min(2 * size, LARGEST_BATCH)
    if batch:
        yield batch
