"""Prints what an article said before, and what has changed since."""

import json
from collections.abc import Iterator
from difflib import unified_diff
from itertools import pairwise

import click

from archive.article import Article
from archive.errors import ArticleNotFound
from archive.store.catalog import Catalog
from archive.store.history import Version
from web.representation import article_json

SEEN = ("title", "published", "source", "section", "authors", "language", "url", "version")


def print_history(catalog: Catalog, article_id: str, *, as_json: bool) -> None:
    """Print the versions of an article, the latest first; raise ArticleNotFound."""
    earlier = catalog.history.of(article_id)
    withdrawal = catalog.history.withdrawn([article_id]).get(article_id)
    current = _current(catalog, article_id)
    if current is None and not earlier:
        raise ArticleNotFound(article_id)
    versions = [*([current] if current else ()), *earlier]
    if as_json:
        told = [
            {"kept_at": each.kept_at, "replaced_at": each.replaced_at} | article_json(each.article)
            for each in versions
        ]
        withdrawn = withdrawal._asdict() if withdrawal else None
        click.echo(json.dumps({"versions": told, "withdrawn": withdrawn}, ensure_ascii=False))
        return
    if withdrawal:
        click.echo(f"withdrawn {withdrawal.withdrawn_at}: {withdrawal.reason}\n")
    for later, former in pairwise(versions):
        _print_version(later)
        for line in _changes(former.article, later.article):
            click.echo(f"    {line}")
        click.echo()
    _print_version(versions[-1])


def _current(catalog: Catalog, article_id: str) -> Version | None:
    try:
        article = catalog.article(article_id)
    except ArticleNotFound:
        return None
    return Version(article, catalog.history.kept_at(article_id), "")


def _print_version(version: Version) -> None:
    until = f" to {version.replaced_at}" if version.replaced_at else " on"
    click.echo(f"from {version.kept_at or 'an unknown instant'}{until}, {version.article.origin}")
    click.secho(f"    {version.article.title}", bold=True)


def _changes(former: Article, later: Article) -> Iterator[str]:
    """What differs, a line each, with - for what was and + for what is."""
    for name in SEEN:
        was, is_now = getattr(former, name), getattr(later, name)
        if was != is_now:
            yield f"{name}: {_shown(was)} -> {_shown(is_now)}"
    lines = unified_diff(former.text.splitlines(), later.text.splitlines(), lineterm="", n=0)
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")) and line[1:])


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value or "nothing")
