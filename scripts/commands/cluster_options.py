"""Arguments and helpers of the commands for a divided archive."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from backfile.archive.model.cluster_errors import HolderLost
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.ray.actors import join
from backfile.index.cluster.writing.machines import OtherHolder

in_folder = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
address = click.option(
    "--address",
    default="auto",
    show_default=True,
    help="The address of Ray's head node, or `auto` for one on this machine.",
)

nodes_option = click.option(
    "--address",
    help="Write the shards on the machines of this Ray cluster, or of `auto`, that hold them.",
)
copies_option = click.option(
    "--copies", type=click.IntRange(1, 100), metavar="N",
    help="On how many machines of the Ray cluster each shard is to lie, on a disk of its own.  "
    "A smaller number than before removes none.  [default: as many as it does, a new one on one]",
)  # fmt: skip


def settings_of(*, trust: bool) -> Settings:
    settings = Settings.from_environment()
    return replace(settings, trust=trust or settings.trust)


class Losses:
    """Says which machines have failed, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def note(self, exc: HolderLost) -> None:
        click.echo(str(exc), err=True)
        self.count += 1


def elsewhere_of(
    settings: Settings,
    directory: Path,
    address: str | None,
    copies: int | None,
    *,
    new: bool = False,
) -> Sequence[OtherHolder] | None:
    """The machines of a Ray cluster with folders of their own; None without an address.

    The divided archive must be there, unless it is `new`: then its folder is made.
    """
    if address is None:
        if copies:
            raise click.UsageError("--copies goes with --address")
        return None
    if not new:
        ClusterMap.read(directory)
    join(address)
    from backfile.index.cluster.ray.holders import holders_elsewhere

    if new:
        ArchiveDirectory(directory).create()  # whoever sees it is no other machine
    return holders_elsewhere(settings, directory)
