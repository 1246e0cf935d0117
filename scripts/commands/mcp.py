"""The command for assistants: `backfile mcp`."""

from dataclasses import replace

import click

from backfile.archive.model.errors import ArchiveError
from backfile.archive.model.settings import Settings
from backfile.library import Archive
from backfile.scripts.commands.options import with_settings


@click.command()
@click.option("--http", is_flag=True, help="Serve at http://HOST:PORT/mcp; needs BACKFILE_TOKEN.")
@click.option("--host", help="The address to listen on.  [default: $BACKFILE_HOST or 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: $BACKFILE_PORT or 8080]")
@with_settings
def mcp(settings: Settings, http: bool, host: str | None, port: int | None) -> None:
    """Offer the archive to a language model (MCP), by stdin and stdout or by HTTP.

    The tools search, passages, article, related, timeline and facets only read.
    """
    try:
        from backfile.scripts.assistants.server import serve_http, server_of
        from backfile.scripts.assistants.tools import ArchiveTools
    except ModuleNotFoundError as exc:
        if exc.name != "mcp":
            raise
        raise ArchiveError("`backfile mcp` needs a package: pip install 'backfile[mcp]'") from exc
    settings = replace(settings, host=host or settings.host, port=port or settings.port)
    if http:
        settings.require_token("--http")
    with Archive(settings) as archive:
        server = server_of(ArchiveTools(archive))
        if http:
            click.echo(f"Backfile is at http://{settings.host}:{settings.port}/mcp", err=True)
            serve_http(server, settings.host, settings.port, settings.token)
        else:
            server.run("stdio")
