"""Keeps what `backfile tune` found best for one archive, beside it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from archive.errors import EngineUnavailable
from archive.store.whole_files import write_json


@dataclass(frozen=True, slots=True)
class Tuning:
    """Goes before the default settings; `vector_weight` is 0 to 1, as the setting is."""

    vector_weight: float

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read what was tuned, None where nothing was; raise EngineUnavailable if it is damaged."""
        try:
            weight = json.loads(path.read_text())["vector_weight"]
            if not 0 <= weight <= 1:
                raise ValueError(f"{weight} is not between 0 and 1")
            return cls(float(weight))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as exc:
            reason = f"{path} cannot be read; remove it, and run `backfile tune` again"
            raise EngineUnavailable("what was tuned", reason) from exc

    def write(self, path: Path) -> None:
        """Write whole or not at all; the caller holds the writer's lock."""
        write_json(path, asdict(self))
