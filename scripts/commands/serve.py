"""The command that serves: `backfile serve`."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click

from backfile.archive.model.settings import Settings
from backfile.scripts.commands.options import with_settings


@click.command()
@click.option("--host", help="The address to listen on.  [default: $BACKFILE_HOST or 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: $BACKFILE_PORT or 8080]")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many processes to serve with.  [default: $BACKFILE_WORKERS or 1]",
)
@click.option(
    "--cluster",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Serve the divided archive in the folder DIR in place of an archive.",
)
@click.option(
    "--address",
    help="Its shards are those that `backfile cluster start` has opened in this Ray cluster.",
)
@with_settings
def serve(
    settings: Settings,
    host: str | None,
    port: int | None,
    workers: int | None,
    cluster: Path | None,
    address: str | None,
) -> None:
    """Serve the search page and the JSON API."""
    from backfile.web.request_log import log_to_stderr
    from backfile.web.served import Source
    from backfile.web.server import serve as serve_archive

    if address and not cluster:
        raise click.UsageError("--address is that of a divided archive; name it with --cluster DIR")

    log_to_stderr(settings)
    settings = replace(
        settings,
        host=host or settings.host,
        port=port or settings.port,
        workers=workers or settings.workers,
        given=settings.given - {"port"} if port else settings.given,
    )
    click.echo(f"opening the archive in {cluster or settings.archive}")
    source = Source(settings, cluster, address)
    with suppress(KeyboardInterrupt):
        serve_archive(source, lambda url: click.echo(f"Backfile is at {url}"))
    click.echo("\nstopped")
