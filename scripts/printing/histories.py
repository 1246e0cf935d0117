"""Prints the earlier versions of an article, and the changes between them."""

import json
from collections.abc import Iterator
from difflib import unified_diff
from itertools import pairwise

import click

from backfile.archive.model.article import Article
from backfile.archive.store.history import Version
from backfile.archive.store.reader import Versions
from backfile.web.api.json import versions_json
from backfile.web.article.changes import field_changes


def print_history(found: Versions, *, as_json: bool) -> None:
    """Print the versions of an article, the latest first."""
    versions, withdrawal = found
    if as_json:
        click.echo(json.dumps(versions_json(found), ensure_ascii=False))
        return
    if withdrawal:
        click.echo(f"withdrawn {withdrawal.withdrawn_at}: {withdrawal.reason}\n")
    for later, former in pairwise(versions):
        _print_version(later)
        for line in _changes(former.article, later.article):
            click.echo(f"    {line}")
        click.echo()
    _print_version(versions[-1])


def _print_version(version: Version) -> None:
    until = f" to {version.replaced_at}" if version.replaced_at else " on"
    click.echo(f"from {version.kept_at or 'an unknown instant'}{until}, {version.article.origin}")
    click.secho(f"    {version.article.title}", bold=True)


def _changes(former: Article, later: Article) -> Iterator[str]:
    """The differences, one a line; in the text, - marks old lines and + new ones."""
    for change in field_changes(former, later):
        yield f"{change.name}: {change.before or 'nothing'} -> {change.after or 'nothing'}"
    lines = unified_diff(former.text.splitlines(), later.text.splitlines(), lineterm="", n=0)
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")) and line[1:])
