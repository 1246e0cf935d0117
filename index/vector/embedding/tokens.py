"""Counts tokens with the model's own tokenizer, in Rust and without torch."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.workers import once
from backfile.index.vector.embedding.model import window_of

# Cut where BERT's pre-tokenizer cuts, whatever stands around: at spaces and frequent punctuation.
WORD = re.compile(r"""[^ \t\n\r,."“”]+|[,."“”]+""")
MOST_WORDS = 1 << 17  # remembered, with where the tokens of each start
LONGEST_WORD = 64  # characters; longer ones are hardly met twice


class ModelTokenizer:
    """Where the tokens of a text start, as the model in the folder cuts it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            reason = "it has no tokenizer.json; save it once with `AutoTokenizer`, fast version"
            raise EngineUnavailable(f"the model in {folder}", reason)
        self._folder = folder
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.window = window_of(folder) - self._tokenizer.num_special_tokens_to_add(False)
        self._by_words = isinstance(self._tokenizer.pre_tokenizer, BertPreTokenizer)
        self._known: dict[str, Sequence[int]] = {}

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Travel to another process as a folder, and be loaded there once."""
        return once, (type(self), self._folder)

    def starts(self, text: str) -> Sequence[int]:
        """Cut word by word where the model does so too, each word once: 2 to 4 times as fast."""
        if not self._by_words:
            return self._cut(text)
        starts: list[int] = []
        known = self._known
        for match in WORD.finditer(text):
            at, word = match.start(), match.group()
            within = known.get(word)
            if within is None:
                within = self._learn(word)
            if len(within) == 1:
                starts.append(at + within[0])
            else:
                starts += [at + start for start in within]
        return starts

    def _learn(self, word: str) -> Sequence[int]:
        within = self._cut(word)
        if len(self._known) >= MOST_WORDS:
            self._known.clear()
        if len(word) <= LONGEST_WORD:
            self._known[word] = within
        return within

    def _cut(self, text: str) -> Sequence[int]:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return [start for start, _ in encoded.offsets]
