"""Records what an archive was made with, and refuses to mix it with anything else."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from archive.errors import ArchiveMismatch, EngineUnavailable
from archive.store.whole_files import write_json

SCHEMA = 1  # of the catalogue's tables


@dataclass(frozen=True, slots=True)
class Manifest:
    """What determines an archive's contents; `precision` is how it was embedded, for the record."""

    schema: int
    splitter: str
    analyser: str
    model: str
    weights: str
    dimension: int
    precision: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest; raise EngineUnavailable if it is damaged."""
        try:
            stored = json.loads(path.read_text())
            return cls(**{field.name: stored[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError) as exc:
            reason = f"{path} cannot be read; restore it from a backup or index into a new archive"
            raise EngineUnavailable("the manifest", reason) from exc

    def write(self, path: Path) -> None:
        """Write whole or not at all."""
        write_json(path, asdict(self))

    def require_tables(self) -> None:
        """Raise ArchiveMismatch unless this program reads and writes such archives."""
        if self.schema != SCHEMA:
            remedy = "use the release it was made with, or index into a new archive"
            raise ArchiveMismatch(f"schema {self.schema}", f"schema {SCHEMA}", remedy)

    def require_text(self, *, splitter: str, analyser: str) -> None:
        """Raise ArchiveMismatch unless text is cut and analysed as it was."""
        remedy = "index into a new archive with --archive DIR"
        if self.splitter != splitter:
            raise ArchiveMismatch(f"splitter {self.splitter}", f"splitter {splitter}", remedy)
        if self.analyser != analyser:
            remedy = "`backfile rebuild lexical` brings it up to date"
            raise ArchiveMismatch(f"analyser {self.analyser}", f"analyser {analyser}", remedy)

    def require_model(self, *, model: str, weights: str) -> None:
        """Raise ArchiveMismatch unless queries are embedded by the very weights of the archive."""
        if (self.model, self.weights) == (model, weights):
            return
        remedy = f"set BACKFILE_MODEL={self.model}, or index into a new archive with --archive DIR"
        if self.model == model:
            remedy = "install the weights it was made with, or index into a new archive"
        raise ArchiveMismatch(
            f"the model {self.model} (weights {self.weights[:12]})",
            f"{model} (weights {weights[:12]})",
            remedy,
        )
