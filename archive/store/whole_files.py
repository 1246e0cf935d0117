"""Writes small files whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: bytes) -> None:
    """Put the content in place of what was there; a kill at any point leaves the one or the other.

    One process at a time may do so, the one that holds the writer's lock.
    """
    draft = path.with_suffix(".tmp")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON in this way."""
    write_whole(path, json.dumps(content, indent=2).encode())
