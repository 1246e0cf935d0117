"""Keeps what `backfile tune` found best for one archive, beside it."""

import json
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Self

from archive.errors import EngineUnavailable
from archive.store.whole_files import write_json


@dataclass(frozen=True, slots=True)
class Tuning:
    """Goes before the default settings.

    `vector_weight`, 0 to 1, is as the setting is; `passage_share`, 0 to 1, of an article's second
    and third best passage is added to its score.
    """

    vector_weight: float
    passage_share: float = 0.0

    def __str__(self) -> str:
        return f"vector weight {self.vector_weight:g}, passage share {self.passage_share:g}"

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read what was tuned, None where nothing was; raise EngineUnavailable if it is damaged."""
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
        """Write whole or not at all; the caller holds the writer's lock."""
        write_json(path, asdict(self))
