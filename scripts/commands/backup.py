"""Commands that copy an archive and bring it back: backup, restore."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from backfile.archive.model.settings import Settings
from backfile.archive.store.backup import back_up
from backfile.archive.store.backup_list import BackupList
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.restore import restore as restore_archive
from backfile.archive.store.trust import require_trusted
from backfile.index.wiring import caches_of
from backfile.scripts.commands.options import as_json, quiet, with_settings
from backfile.scripts.printing.progress import bytes_bar


@click.command()
@click.argument("dest", type=click.Path(path_type=Path))
@as_json
@quiet
@with_settings
def backup(settings: Settings, dest: Path, as_json: bool, quiet: bool) -> None:
    """Copy the archive to DEST, also while it is written to or served.

    A later backup to the same DEST copies only what has changed. DEST is an archive, too, which can
    be searched. Exit 1 if a cache could not be copied.
    """
    require_trusted(settings.archive, trust=settings.trust)
    _require_trusted_backup(dest, settings)  # files that have not changed are taken from there
    directory = ArchiveDirectory(settings.archive)
    with bytes_bar("backup", quiet=quiet) as watch:
        report = back_up(directory, dest, caches_of(directory), watch)
    counts = {"copied": report.copied, "linked": report.linked, "unchanged": report.kept}
    files = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    said = f"backed up {_in_words(report.made)} to {dest}; files: {files}"
    _print(said, report.made, report.notes, counts, as_json=as_json)


@click.command()
@click.argument("src", type=click.Path(path_type=Path))
@click.option("--keep", is_flag=True, help="Keep the archive that is replaced, beside the new one.")
@as_json
@quiet
@with_settings
def restore(settings: Settings, src: Path, keep: bool, as_json: bool, quiet: bool) -> None:
    """Put the backup SRC in the place of the archive.

    SRC is checked first. The archive that is replaced is removed once the new one is there. Exit 1
    if a cache is not restored.
    """
    _require_trusted_backup(src, settings)
    directory = ArchiveDirectory(settings.archive)
    with bytes_bar("restore", quiet=quiet) as watch:
        report = restore_archive(src, directory, keep=keep, watch=watch)
    kept = f"; the earlier archive is {report.replaced}" if report.replaced else ""
    said = f"restored {_in_words(report.restored)} from {src} to {settings.archive}{kept}"
    replaced = {"replaced": str(report.replaced) if report.replaced else None}
    _print(said, report.restored, report.notes, replaced, as_json=as_json)


def _require_trusted_backup(folder: Path, settings: Settings) -> None:
    if ArchiveDirectory(folder).backup_list.exists():
        require_trusted(folder, trust=settings.trust)


def _in_words(listed: BackupList) -> str:
    return f"{listed.articles:,} articles ({listed.made_at})"


def _print(
    said: str, listed: BackupList, notes: Sequence[str], more: dict[str, Any], *, as_json: bool
) -> None:
    """Print what was done, and exit with 1 if there are notes of what was not."""
    if as_json:
        values = {name: value for name, value in asdict(listed).items() if name != "files"}
        click.echo(json.dumps({**values, **more, "files": len(listed.files), "notes": notes}))
    else:
        click.echo(said)
        for note in notes:
            click.echo(note, err=True)
    raise SystemExit(1 if notes else 0)
