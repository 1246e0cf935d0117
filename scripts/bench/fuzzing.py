"""Feeds a reader with mutated files, guided by coverage, and keeps the files that break it.

    python -m backfile.scripts.bench.fuzzing "web page" SEEDS... --minutes 10 --found DIR

Needs the `fuzz` extra (atheris). A crash, an article that takes more than five seconds, or more
than 500 MB of memory beyond what the program itself takes, ends the run. The file is written to
DIR; once the reader is repaired, it becomes a test. What is read in a separate process otherwise is
read in this one: a hundred times as many files a second, and guided.
"""

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import click

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile, open_bytes
from backfile.archive.formats.processes import Message
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

LONGEST_SEED = 200_000  # bytes
SECONDS_AN_INPUT = 5
WARM = b"<!doctype html><p lang=fr>3. Mai 2023. " + b"Le bac ne part plus du quai. " * 30
MEGABYTES = 1_000  # the readers' libraries and their instruments take half of it


@click.command()
@click.argument("kind")
@click.argument("seeds", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--longest", default=20_000, show_default=True, help="Bytes of one input.")
@click.option("--found", type=click.Path(path_type=Path), required=True)
def main(kind: str, seeds: tuple[Path, ...], minutes: float, longest: int, found: Path) -> None:
    """Fuzz the reader of one KIND of file, or with `any` the choice of a reader by content too."""
    import atheris

    with atheris.instrument_imports(include=["backfile.archive.formats"]):
        from backfile.archive.formats.documents import formats as documents
        from backfile.archive.formats.documents import wiki_pages
        from backfile.archive.formats.inputs import READING_ERRORS, read_file
        from backfile.archive.formats.registry import BINARY_FORMATS, FORMATS
        from backfile.archive.formats.text import references

    def messages_here(module: str, content: bytes, *arguments: str) -> Iterator[Message]:
        source = _in_memory(content) if module == wiki_pages.__name__ else io.BytesIO(content)
        for message in import_module(module).messages_of(source, *arguments):
            if "end" not in message:
                yield message

    for room in (documents, references):
        room.messages_from = messages_here  # type: ignore[attr-defined]

    readers = {each.name: each.read for each in FORMATS}
    readers |= {each.name: each.read for each in BINARY_FORMATS}
    if kind not in ("any", *readers):
        raise click.UsageError(f"no kind {kind!r}; one of: any, {', '.join(readers)}")
    read = read_file if kind == "any" else readers[kind]

    def read_input(content: bytes) -> None:
        try:
            for each in read(_in_memory(content), FieldMap()):
                check(each)
        except READING_ERRORS as exc:
            str(exc)

    list(read_file(_in_memory(WARM), FieldMap()))  # libraries are loaded late, and take seconds
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for number, path in enumerate(_files(seeds)):
            shutil.copyfile(path, Path(corpus, f"{number}"))
        limits = {
            "max_total_time": round(minutes * 60),
            "timeout": SECONDS_AN_INPUT,
            "rss_limit_mb": MEGABYTES,
            "max_len": longest,
            "artifact_prefix": f"{found}/{kind.replace(' ', '-')}-",
            "print_final_stats": 1,
        }
        flags = [f"-{name}={value}" for name, value in limits.items()]
        atheris.Setup([sys.argv[0], *flags, corpus], read_input)
        atheris.Fuzz()


def check(found: Article | UnreadableArticle) -> None:
    """Raise AssertionError unless an article can be stored, or a refusal reported."""
    if isinstance(found, UnreadableArticle):
        assert found.reason.strip(), "a refusal without a reason"  # noqa: S101
        str(found).encode()
        return
    assert found.id, "an article without an id"  # noqa: S101
    assert found.text.strip(), "an article without a text"  # noqa: S101
    assert found.digest, "an article that has no digest"  # noqa: S101
    found.text.encode(), found.title.encode(), found.id.encode()


def _in_memory(content: bytes) -> SourceFile:
    return SourceFile("fuzzed!/input", "fuzzed/input", partial(open_bytes, content))


def _files(seeds: tuple[Path, ...]) -> list[Path]:
    walked = [path for seed in seeds for path in ([seed] if seed.is_file() else seed.rglob("*"))]
    return [path for path in walked if path.is_file() and path.stat().st_size <= LONGEST_SEED]


if __name__ == "__main__":
    main()
