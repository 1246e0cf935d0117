"""Commands that read articles into an archive: index, reread."""

import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from backfile.archive.formats.dates.order import DateOrder
from backfile.archive.formats.documents.recognition import find_program
from backfile.archive.formats.fields import FieldMap, PdfReading, WatchedFields
from backfile.archive.formats.files import ReadResult, SourceFile
from backfile.archive.formats.inputs import Reading
from backfile.archive.formats.records import read_json_lines
from backfile.archive.formats.rejects import Rejects, write_rejects
from backfile.archive.model.article import STANDARD_INPUT, Article
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.rereading import Rereading
from backfile.index.indexing.ingest_batch import Report
from backfile.index.indexing.jobs import do_all
from backfile.index.indexing.recovery import end_recovery
from backfile.index.writing import Writing, open_for_writing, refill_record
from backfile.scripts.commands.options import as_json, quiet, with_settings, with_threads
from backfile.scripts.printing.progress import Bars
from backfile.scripts.printing.reports import (
    print_dry_run,
    print_earlier,
    print_jobs,
    print_recovered,
    print_report,
)

DASH = Path("-")  # stands for standard input
no_vectors_option = click.option(
    "--no-vectors", is_flag=True, help="Words only; meaning can follow later."
)
no_originals_option = click.option(
    "--no-originals", is_flag=True, help="Keep no copies of the files that are read."
)
rejects_option = click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what was refused to this file, to be mended and given to --retry.",
)


class Source:
    """Articles from rejects that were mended, then from standard input, then from files."""

    def __init__(
        self, rejects: Rejects | None, lines: Iterable[ReadResult], reading: Reading
    ) -> None:
        self._rejects = rejects
        self._lines = lines
        self._reading = reading

    @property
    def bytes_done(self) -> int:
        return self._reading.bytes_done

    @property
    def bytes_total(self) -> int:
        return self._reading.bytes_total

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        return chain(self._rejects or (), self._lines, self._reading)


class Lines:
    """The JSON lines of a file, if there is one; they may be read more than once."""

    def __init__(self, file: SourceFile | None, names: FieldMap) -> None:
        self._file = file
        self._names = names

    def __iter__(self) -> Iterator[ReadResult]:
        return iter(read_json_lines(self._file, self._names) if self._file else ())


@contextmanager
def standard_input() -> Iterator[SourceFile]:
    """A copy of standard input, so that it can be read more than once."""
    with NamedTemporaryFile(suffix=".jsonl") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield replace(SourceFile.at(Path(copy.name), "stdin.jsonl"), place=STANDARD_INPUT)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Read and report, keep nothing.")
@click.option("--map", "mapping", multiple=True, metavar="FIELD=NAME", help="Which record field.")
@click.option(
    "--date-order",
    type=click.Choice([order.value for order in DateOrder]),
    help="Of dates such as 4/11/2023; else as the file, the language or the country has it.",
)
@click.option(
    "--ocr",
    is_flag=True,
    help="Recognise the text of scanned PDF with tesseract, in $BACKFILE_OCR_LANGUAGES.",
)
@click.option(
    "--clippings", is_flag=True, help="Cut PDF at headlines: each clipping is an article."
)
@no_vectors_option
@no_originals_option
@rejects_option
@click.option(
    "--retry",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Read again what --rejects wrote, as it stands in that file now.",
)
@as_json
@quiet
@with_settings
@with_threads
def index(
    settings: Settings,
    paths: tuple[Path, ...],
    mapping: tuple[str, ...],
    date_order: str | None,
    ocr: bool,
    clippings: bool,
    retry: Path | None,
    rejects: Path | None,
    dry_run: bool,
    no_vectors: bool,
    no_originals: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read files and folders, keep the articles, and index them. Safe to run again.

    `-` stands for JSON lines on standard input, of which no copy is kept.
    What was received over HTTP, and is not in the archive yet, comes first.
    """
    names = FieldMap.from_options(mapping, DateOrder(date_order) if date_order else None)
    if ocr:
        find_program(settings.ocr_languages)
    pdf = PdfReading(settings.ocr_languages if ocr else "", clippings)
    names = replace(names, pdf=pdf)
    again = Rejects(retry, names) if retry else None
    inputs = [*(path for path in paths if path != DASH), *(again.paths if again else ())]
    if not paths and not again:
        raise click.UsageError("Missing argument 'PATHS...'.")
    with standard_input() if DASH in paths else nullcontext() as given:
        if dry_run:
            watched = WatchedFields(names.chosen, names.dates, names.remedy, pdf)
            source = Source(again, Lines(given, watched), Reading(inputs, watched))
            print_dry_run(source, watched)
        lines = Lines(given, names)
        if not ArchiveDirectory(settings.archive).exists():
            found = _refusals_of(Source(again, lines, Reading(inputs, names)))
            if found:
                reason = f"no article was found, so no archive was made in {settings.archive}"
                click.echo(reason, err=True)
                _finish(found, rejects, as_json=as_json, code=1)
        with (
            Bars(quiet=quiet) as bars,
            open_for_writing(settings, bars, create=True) as opened,
        ):
            print_jobs(do_all(opened.engines.catalog, opened.indexer))
            originals = None if no_originals else opened.engines.catalog.originals
            reading = Reading(inputs, names, originals=originals, pool=opened.workers)
            report = _run(opened, Source(again, lines, reading), no_vectors=no_vectors)
    hint = "" if quiet or as_json or not report.read else _next_command(settings)
    _finish(report, rejects, as_json=as_json, hint=hint)


@click.command()
@click.option(
    "--all", "refill", is_flag=True, help="If the record is lost, make it again from these copies."
)
@no_vectors_option
@rejects_option
@as_json
@quiet
@with_settings
@with_threads
def reread(
    settings: Settings,
    refill: bool,
    rejects: Path | None,
    no_vectors: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read again what the archive was made of, from the copies it keeps, with today's readers."""
    prepare = refill_record if refill else None
    with (
        Bars(quiet=quiet) as bars,
        open_for_writing(settings, bars, prepare=prepare) as opened,
    ):
        catalog = opened.engines.catalog
        recovering = catalog.is_unfinished()
        report = _run(opened, Rereading(catalog, recovering=recovering), no_vectors=no_vectors)
        if recovering:
            aside = ArchiveDirectory(settings.archive).new_set_aside()
            recovered = end_recovery(catalog, aside)
            if not as_json:
                print_earlier(opened.earlier)
                print_recovered(recovered)
    _finish(report, rejects, as_json=as_json)


def _run(opened: Writing, source: Source | Rereading, *, no_vectors: bool) -> Report:
    return opened.indexer.index(source) if no_vectors else opened.indexer.run(source)


def _refusals_of(source: Source) -> Report | None:
    """The report of an input without any article; None as soon as one is found."""
    report = Report()
    for found in source:
        if isinstance(found, Article):
            return None
        report.refused.append(found)
    return report


def _finish(
    report: Report, rejects: Path | None, *, as_json: bool, hint: str = "", code: int = 0
) -> None:
    if rejects:
        write_rejects(rejects, report.refused)
    print_report(report, as_json=as_json)
    if hint:
        click.echo(hint, err=True)
    raise SystemExit(1 if report.refused else code)


def _next_command(settings: Settings) -> str:
    """Name the commands that search what was indexed; with the archive, unless it is the usual."""
    usual = Settings.from_environment().archive == settings.archive
    option = "" if usual else f" --archive {shlex.quote(str(settings.archive))}"
    return (
        f"search it with `backfile search{option} WORDS`, "
        f"or in a browser with `backfile serve{option}`"
    )
