"""The command for collections of starred articles: list, show, add, remove, rename, delete."""

import json

import click

from backfile.archive.model.settings import Settings
from backfile.archive.store.collections import Collection, Entry
from backfile.library import Archive
from backfile.scripts.commands.options import as_json, with_settings
from backfile.scripts.printing.counts import count_of


@click.command()
@click.argument("name", required=False)
@click.option("--add", "added", multiple=True, metavar="ID", help="Put an article in.")
@click.option("--remove", "removed", multiple=True, metavar="ID", help="Take an article out.")
@click.option("--rename", "new", metavar="NAME", help="Give it another name.")
@click.option("--delete", is_flag=True, help="Delete it, with its notes and tags.")
@as_json
@with_settings
def collections(
    settings: Settings,
    name: str | None,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    new: str | None,
    delete: bool,
    as_json: bool,
) -> None:
    """List the collections, or the articles of the one that is named.

    --add makes a collection that is not there yet. `backfile search --collection NAME` searches in
    it, and `backfile export --collection NAME` writes its articles.
    """
    with Archive(settings) as archive:
        if name is None:
            if added or removed or new or delete:
                raise click.UsageError("Missing argument 'NAME'.")
            _print_collections(archive.collections(), as_json=as_json)
            return
        if delete:
            gone = archive.delete_collection(name)
            click.echo(f"deleted {gone.name}, which had {count_of(gone.articles, 'article')}")
            return
        if added:
            count = archive.collect(name, added)
            of = count_of(len(added), "article")
            click.echo(f"put {count:,} of {of} into {name}", err=as_json)
        if removed:
            count = archive.uncollect(name, removed)
            of = count_of(len(removed), "article")
            click.echo(f"took {count:,} of {of} out of {name}", err=as_json)
        if new:
            name = archive.rename_collection(name, new).name
            click.echo(f"it is named {name} now", err=as_json)
        if as_json or not (added or removed or new):
            _print_entries(archive.collected(name), as_json=as_json)


def _print_collections(found: list[Collection], *, as_json: bool) -> None:
    if as_json:
        values = [{"name": each.name, "articles": each.articles} for each in found]
        click.echo(json.dumps(values, ensure_ascii=False))
        return
    for each in found:
        click.echo(f"{each.articles:>8,}  {each.name}")
    if not found:
        click.echo("there is no collection; `backfile collections NAME --add ID` makes one")


def _print_entries(found: list[Entry], *, as_json: bool) -> None:
    if as_json:
        values = [{**each._asdict(), "tags": list(each.tags)} for each in found]
        click.echo(json.dumps(values, ensure_ascii=False))
        return
    for each in found:
        tags = f"  [{', '.join(each.tags)}]" if each.tags else ""
        click.echo(f"{each.article_id}  {each.title}{tags}")
        for line in each.note.splitlines():
            click.echo(f"    {line}")
