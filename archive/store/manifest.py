"""The manifest of an archive (how it was made), and its tuned ranking weights."""

import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, astuple, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from backfile.archive.model.errors import ArchiveMismatch, EngineUnavailable
from backfile.archive.model.settings import FULL, INT8
from backfile.archive.store.directory import write_json

SCHEMA = 1  # of the catalogue's tables
MARKS = ("archive", "generation", "articles")  # fields that older manifests lack


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive was made with.

    `graph` is the digest of the int8 graph that embeds its passages; empty if they are embedded in
    full precision. Then `precision` and `engine`, which computed the latest embeddings, are for
    information only: the vectors of all engines agree.

    `archive` is the number by which the catalogue knows that it is of this archive, 0 if unknown.
    `generation` and `articles` are those of the catalogue when it was last closed after writing.
    `prompts` are those that the model reads before queries and passages, None if unknown. `modules`
    is the digest of what else decides on vectors beside the weights, empty if unknown: a model with
    the same of both is the same one, whatever its name.
    """

    schema: int
    splitter: str
    analyser: str
    model: str
    weights: str
    dimension: int
    precision: str
    archive: int = 0
    generation: int = 0
    articles: int = 0
    # Not hashed: an embedder that is given to a worker process is known there by its manifest.
    prompts: Mapping[str, str] | None = field(default=None, hash=False)
    engine: str = ""
    graph: str = ""
    modules: str = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest; raise EngineUnavailable if it is damaged."""
        try:
            stored = json.loads(path.read_text())
            given = {f.name: stored[f.name] for f in fields(cls) if f.default is MISSING}
            marks: dict[str, Any] = {name: int(stored.get(name, 0)) for name in MARKS}
            prompts = stored.get("prompts")
            return cls(
                **given,
                **marks,
                prompts=None if prompts is None else dict(prompts),
                engine=str(stored.get("engine", "")),
                graph=str(stored.get("graph", "")),
                modules=str(stored.get("modules", "")),
            )
        except (OSError, ValueError, KeyError, TypeError) as exc:
            reason = (
                f"{path} cannot be read; bring a backup back with `backfile restore`, "
                "or index into a new archive"
            )
            raise EngineUnavailable("the manifest", reason) from exc

    def write(self, path: Path) -> None:
        """Replace the file as a whole."""
        write_json(path, asdict(self))

    def require_tables(self) -> None:
        """Raise ArchiveMismatch unless this release reads and writes archives of this schema."""
        if self.schema != SCHEMA:
            remedy = "use the release it was made with, or index into a new archive"
            raise ArchiveMismatch(f"schema {self.schema}", f"schema {SCHEMA}", remedy)

    def require_text(self, *, splitter: Collection[str], analyser: Collection[str]) -> None:
        """Raise ArchiveMismatch unless the archive's splitter and analyser are among these.

        The first of each is that of today, the others those of releases before that can be read.
        """
        remedy = "index into a new archive with --archive DIR"
        if self.splitter not in splitter:
            today = next(iter(splitter))
            raise ArchiveMismatch(f"splitter {self.splitter}", f"splitter {today}", remedy)
        if self.analyser not in analyser:
            today = next(iter(analyser))
            remedy = "`backfile rebuild lexical` brings it up to date"
            raise ArchiveMismatch(f"analyser {self.analyser}", f"analyser {today}", remedy)

    def has_model_of(self, other: Self) -> bool:
        """Whether both archives were made with one model, the same prompts, and one graph."""
        mine, others = ((m.weights, m.prompts, m.graph) for m in (self, other))
        return mine == others and self.is_model(other.model, other.weights, other.modules)

    def is_model(self, name: str, weights: str, modules: str) -> bool:
        """Whether a model is that of the archive: by its name, or by all that it is made of."""
        has_modules = bool(modules) and modules == self.modules
        return weights == self.weights and (name == self.model or has_modules)

    def require_model(
        self, *, model: str, weights: str, modules: str, prompts: Mapping[str, str]
    ) -> None:
        """Raise ArchiveMismatch unless the model is that of the archive, with its prompts."""
        if self.is_model(model, weights, modules):
            if self.prompts not in (None, prompts):
                remedy = (
                    "set the prompts it was made with, or give it others with `backfile reembed`"
                )
                made_with, found = _quoted(self.prompts or {}), _quoted(prompts)
                raise ArchiveMismatch(f"the prompts {made_with}", f"the prompts {found}", remedy)
            return
        remedy = (
            f"set BACKFILE_MODEL={self.model}, or give it another model with `backfile reembed`"
        )
        if self.model == model:
            remedy = (
                "install the weights it was made with, or give it others with `backfile reembed`"
            )
        raise ArchiveMismatch(
            f"the model {self.model} (weights {self.weights[:12]})",
            f"{model} (weights {weights[:12]})",
            remedy,
        )

    def require_precision(self, asked: str) -> None:
        """Raise ArchiveMismatch unless the archive embeds its passages as is asked.

        `asked` is `full` or `int8`, as in the setting. Vectors of both are never in one archive.
        """
        made_with = INT8 if self.graph else FULL
        if asked != made_with:
            remedy = (
                f"set BACKFILE_EMBEDDING_PRECISION={made_with} or leave it out, "
                "or embed it so with `backfile reembed`"
            )
            raise ArchiveMismatch(f"embeddings in {made_with}", f"{asked} precision", remedy)


def _quoted(prompts: Mapping[str, str]) -> str:
    """Write prompts, by name.

    >>> _quoted({"query": "query: "}), _quoted({})
    ("query 'query: '", 'none')
    """
    return ", ".join(f"{name} {prompt!r}" for name, prompt in prompts.items()) or "none"


@dataclass(frozen=True, slots=True)
class Tuning:
    """Tuned ranking weights, which replace the defaults.

    `vector_weight`, 0 to 1, is the setting of that name. `passage_share`, 0 to 1, is the share of
    an article's second and third best passage that is added to its score.
    """

    vector_weight: float
    passage_share: float = 0.0

    def __str__(self) -> str:
        return f"vector weight {self.vector_weight:g}, passage share {self.passage_share:g}"

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read tuned weights, None if there are none; raise EngineUnavailable if damaged."""
        try:
            stored = json.loads(path.read_text())
            tuned = cls(float(stored["vector_weight"]), float(stored.get("passage_share", 0.0)))
            if not 0 <= min(astuple(tuned)) <= max(astuple(tuned)) <= 1:
                raise ValueError(f"{tuned} is not between 0 and 1")
            return tuned
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as exc:
            reason = f"{path} cannot be read; remove it, and run `backfile tune` again"
            raise EngineUnavailable("what was tuned", reason) from exc

    def write(self, path: Path) -> None:
        """Replace the file as a whole; the caller holds the writer's lock."""
        write_json(path, asdict(self))
