"""The prompts of a model: what it was trained to read before a query and before a passage.

They are those of sentence-transformers' `encode_query` and `encode_document`, from the model's own
`config_sentence_transformers.json`, read without torch.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from backfile.index.vector.embedding.model import read_json

CONFIGURATION = "config_sentence_transformers.json"
OF_PASSAGES = ("document", "passage", "corpus")  # the names that are tried, as they are documented


class Prompts(NamedTuple):
    """What is put before each query and before each passage; both may be empty."""

    query: str = ""
    passage: str = ""

    def named(self) -> dict[str, str]:
        """The prompts that are not empty, by name."""
        return {name: prompt for name, prompt in self._asdict().items() if prompt}


# The models of the E5 family require prompts, and are published without that file.
# https://huggingface.co/intfloat/multilingual-e5-small#faq
E5 = re.compile(r"(^|[/_-])e5-(small|base|large)(-v2)?$", re.I)
PROMPTS_OF_E5 = Prompts("query: ", "passage: ")


def prompts_of(name: str, folder: Path) -> Prompts:
    """Read the prompts of the model in a folder; those of a known name if it states none.

    >>> prompts_of("intfloat/multilingual-e5-small", Path("nowhere"))
    Prompts(query='query: ', passage='passage: ')
    >>> prompts_of("all-MiniLM-L6-v2", Path("nowhere"))
    Prompts(query='', passage='')
    """
    stated = read_json(folder / CONFIGURATION).get("prompts")
    prompts = stated if isinstance(stated, Mapping) else {}
    found = Prompts(_first(prompts, "query"), _first(prompts, *OF_PASSAGES))
    return found if any(found) or not E5.search(name.rstrip("/")) else PROMPTS_OF_E5


def _first(prompts: Mapping[str, object], *names: str) -> str:
    """The first prompt of these names that is text and not empty."""
    given = (prompts.get(name) for name in names)
    return next((prompt for prompt in given if isinstance(prompt, str) and prompt), "")
