"""Arguments and helpers of the commands for a divided archive."""

from dataclasses import replace
from pathlib import Path

import click

from backfile.archive.model.settings import Settings

in_folder = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
address = click.option(
    "--address",
    default="auto",
    show_default=True,
    help="The address of Ray's head node, or `auto` for one on this machine.",
)


def settings_of(*, trust: bool) -> Settings:
    settings = Settings.from_environment()
    return replace(settings, trust=trust or settings.trust)
