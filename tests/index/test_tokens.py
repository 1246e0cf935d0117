"""Tokens counted word by word are the tokens of the whole text."""

import random

import pytest

from backfile.archive.model.settings import DEFAULT_MODEL
from backfile.index.vector.embedding.model import find_model
from backfile.index.vector.embedding.tokens import ModelTokenizer

WHOLE = [
    'He said: "No comment," and left... at 5.30 p.m.',
    "Zoe\u0308's co-op — “don’t”, 中文 e-mail\u200b\ufffd\x1c\x85a@b.example\u2028end",
    "[MASK] in, a [SEP]text [mask]\t\n\r x",
    "",
]


@pytest.fixture(scope="module")
def tokenizer():
    return ModelTokenizer(find_model(DEFAULT_MODEL))


@pytest.mark.parametrize("text", WHOLE)
def test_tokens_start_where_they_do_when_the_text_is_cut_whole(tokenizer, text):
    assert tokenizer.starts(text) == tokenizer._cut(text)


def test_so_they_do_whatever_stands_beside_each_other(tokenizer):
    choose = random.Random(11)
    pieces = [*" \t\n,.\"“”'’-abé中", "the", "ing", "[MASK]", *map(chr, range(0x20, 0x2100, 7))]
    for _ in range(2_000):
        text = "".join(choose.choices(pieces, k=choose.randint(1, 25)))
        assert tokenizer.starts(text) == tokenizer._cut(text), ascii(text)
