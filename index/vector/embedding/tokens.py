"""Counts tokens with the model's own tokenizer, in Rust and without torch."""

import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.workers import once
from backfile.index.vector.embedding.model import window_of

# BERT's pre-tokenizer always splits here: at spaces and at this punctuation.
WORD = re.compile(r"""([^ \t\n\r,."“”]+|[,."“”]+)""")
MOST_WORDS = 1 << 17  # words in the cache of token starts
LONGEST_WORD = 64  # characters of a cached word; longer ones hardly occur twice


class ModelTokenizer:
    """The tokenizer of the model in a folder; `window` is the number of tokens of a passage.

    The `prompt` that is put before each passage takes tokens of the model's window.
    """

    def __init__(self, folder: Path, prompt: str = "") -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            reason = "it has no tokenizer.json; save it once with `AutoTokenizer`, fast version"
            raise EngineUnavailable(f"the model in {folder}", reason)
        self._folder = folder
        self._prompt = prompt
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.window = window_of(folder) - self._tokenizer.num_special_tokens_to_add(False)
        self.window -= len(self._cut(prompt))
        self._by_words = isinstance(self._tokenizer.pre_tokenizer, BertPreTokenizer)
        self._cache: dict[str, Sequence[int]] = {}

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle as a folder: each process loads the tokenizer once."""
        return once, (type(self), self._folder, self._prompt)

    def starts(self, text: str) -> Sequence[int]:
        """The start offsets of the tokens of a text, in characters.

        If the tokenizer splits at words first, words are cached: 2 to 4 times as fast.
        """
        if not self._by_words:
            return self._cut(text)
        pieces = WORD.split(text)  # blanks and words in turn
        within = list(map(self._cache.get, pieces[1::2]))
        if None in within:
            within = [
                self._add_to_cache(word) if found is None else found
                for word, found in zip(pieces[1::2], within, strict=True)
            ]
        places = list(accumulate(map(len, pieces)))[::2]
        return [
            place + start
            for place, found in zip(places, within, strict=False)
            for start in found or ()
        ]

    def _add_to_cache(self, word: str) -> Sequence[int]:
        within = self._cut(word)
        if len(self._cache) >= MOST_WORDS:
            self._cache.clear()
        if len(word) <= LONGEST_WORD:
            self._cache[word] = within
        return within

    def _cut(self, text: str) -> Sequence[int]:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return [start for start, _ in encoded.offsets]
