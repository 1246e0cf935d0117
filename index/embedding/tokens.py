"""Counts tokens with the model's own tokenizer, in Rust and without torch."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from archive.errors import EngineUnavailable
from index.embedding.model import window_of


class ModelTokenizer:
    """Where the tokens of a text start, as the model in the folder cuts it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            reason = "it has no tokenizer.json; save it once with `AutoTokenizer`, fast version"
            raise EngineUnavailable(f"the model in {folder}", reason)
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.window = window_of(folder) - self._tokenizer.num_special_tokens_to_add(False)

    def starts(self, text: str) -> Sequence[int]:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return [start for start, _ in encoded.offsets]
