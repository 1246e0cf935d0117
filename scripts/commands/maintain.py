"""Commands that keep an archive in order: remove, verify, rebuild, reembed."""

from dataclasses import replace

import click

from backfile.archive.model.settings import Settings
from backfile.archive.store.damage import find_damage, find_damaged_versions
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.indexing.jobs import do_all
from backfile.index.indexing.recovery import recover, set_versions_aside
from backfile.index.indexing.verify import Problem, count_received
from backfile.index.indexing.verify import repair as repair_archive
from backfile.index.indexing.verify import verify as verify_archive
from backfile.index.reembedding import reembed as reembed_archive
from backfile.index.wiring import open_engines
from backfile.index.writing import open_for_writing, rebuild_words, salvage_record
from backfile.library import Archive
from backfile.scripts.commands.options import quiet, with_settings, with_threads
from backfile.scripts.printing.counts import count_of
from backfile.scripts.printing.progress import Bars
from backfile.scripts.printing.reports import (
    print_earlier,
    print_jobs,
    print_recovered,
    print_reembedded,
    print_set_aside,
)


@click.command()
@click.argument("ids", nargs=-1, required=True)
@with_settings
def remove(settings: Settings, ids: tuple[str, ...]) -> None:
    """Remove articles from the record and from what is found."""
    with Archive(settings) as archive:
        removed = archive.remove(ids)
    click.echo(f"removed {removed} of {count_of(len(ids), 'article')}")
    raise SystemExit(0 if removed == len(set(ids)) else 1)


@click.command()
@click.option("--repair", is_flag=True, help="Restore what the archive's own copies allow.")
@quiet
@with_settings
def verify(settings: Settings, repair: bool, quiet: bool) -> None:
    """Check the archive against itself; exit 1 if something is wrong with it."""
    if not repair:
        directory = ArchiveDirectory(settings.archive)
        engines = open_engines(settings)
        problems = list(verify_archive(engines, is_written_to=directory.is_written_to))
        received = 0 if problems else count_received(engines)
        engines.catalog.require_in_place()  # else some of it was of another archive
        _print_problems(problems)
        if directory.is_written_to():
            click.echo(
                "another process writes to it; what that has still to do is left out", err=True
            )
        elif received:
            click.echo(
                f"{count_of(received, 'passage')} that came in over HTTP cannot be found by "
                "meaning yet; the server goes on with that when it is started again",
                err=True,
            )
        raise SystemExit(1 if problems else 0)
    directory = ArchiveDirectory(settings.archive)
    with (
        Bars(quiet=quiet) as bars,
        open_for_writing(settings, bars, prepare=salvage_record) as opened,
    ):
        print_earlier(opened.earlier)
        damaged = list(find_damage(directory.catalog))
        if damaged or opened.engines.catalog.is_unfinished():
            print_recovered(recover(directory, opened.engines, opened.indexer, damaged))
        if versions := list(find_damaged_versions(directory.catalog)):
            aside = set_versions_aside(directory, opened.engines.catalog, versions)
            print_set_aside(versions, aside)
        print_jobs(do_all(opened.engines.catalog, opened.indexer))
        repair_archive(opened.engines, opened.indexer)
        left = list(verify_archive(opened.engines))
    _print_problems(left)
    raise SystemExit(1 if left else 0)


@click.command()
@click.argument("what", type=click.Choice(["lexical", "vectors", "names"]), required=False)
@quiet
@with_settings
@with_threads
def rebuild(settings: Settings, what: str | None, quiet: bool) -> None:
    """Make an index anew from the record, without embedding again; if none is named, both.

    Searches use the earlier index until the new one is complete. `names` reads the articles again
    whose names another model has read, or another version of it.
    """
    rebuilding = what != "names"
    with (
        Bars(quiet=quiet) as bars,
        open_for_writing(settings, bars, rebuilding=rebuilding) as opened,
    ):
        if what in ("lexical", None):
            rebuild_words(settings, opened.indexer)
        if what in ("vectors", None):
            opened.indexer.rebuild_neighbours()
        if what == "names":
            opened.indexer.read_names(again=True)
    click.echo(f"rebuilt {what or 'lexical and vectors'} in {settings.archive}")


model_option = click.option(
    "--model", metavar="NAME",
    help="The new model, a name or a path.  [default: $BACKFILE_MODEL or the bundled one]",
)  # fmt: skip
keep_option = click.option(
    "--keep", is_flag=True, help="Keep the archive that is replaced, beside the new one."
)


@click.command()
@model_option
@keep_option
@quiet
@with_settings
@with_threads
def reembed(settings: Settings, model: str | None, keep: bool, quiet: bool) -> None:
    """Give the archive another model, from its record, while searches go on.

    A second archive is made beside it, and takes its place in one step. Other commands that write
    are refused meanwhile. Interrupted, it goes on where it was when it is run again.
    """
    with Bars(quiet=quiet) as bars:
        done = reembed_archive(replace(settings, model=model or settings.model), bars, keep=keep)
    print_reembedded(done, settings)


def _print_problems(problems: list[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem))
    if problems:
        click.echo("`backfile verify --repair` restores what it can", err=True)
    else:
        click.echo("the archive is sound")
