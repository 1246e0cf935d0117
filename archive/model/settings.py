"""Every setting, in one frozen object; the only module that reads the environment."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from backfile.archive.model.errors import BadSetting

SHORTEST_TOKEN = 16  # characters
DEFAULT_MODEL = "all-MiniLM-L6-v2"
FULL, INT8 = "full", "int8"  # precisions of embeddings
PREFIX = "BACKFILE_"
# https://www.rfc-editor.org/rfc/rfc6454#section-6.2, as browsers send it: in lower case
ORIGIN = re.compile(r"\*|https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?")
YES, NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off")


def _setting(default: Any, meaning: str, *, shown: bool = True) -> Any:
    return field(default=default, metadata={"meaning": meaning}, repr=shown)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; the environment variable `BACKFILE_ARCHIVE` sets `archive`, and so on."""

    archive: Path = _setting(Path("var/archive"), "the archive directory")
    model: str = _setting(
        DEFAULT_MODEL, "a sentence-transformers model: a name or a path; the default is bundled"
    )
    embedding_precision: str = _setting(
        FULL,
        "how a new archive embeds passages: `full`, or `int8`, 1.2 times as fast and a little less "
        "exact (the extra `int8`); an archive keeps its own",
    )
    host: str = _setting("127.0.0.1", "the address `backfile serve` listens on")
    port: int = _setting(8080, "the port `backfile serve` listens on")
    threads: int = _setting(0, "threads for indexing, embedding and serving; 0 means one per core")
    workers: int = _setting(1, "processes of `backfile serve`, on one archive and one port")
    queue: int = _setting(
        32, "requests that `backfile serve` lets wait for its cores; a further one is answered 503"
    )
    fusion: str = _setting("convex", "how hybrid search merges both rankings: `convex` or `rrf`")
    vector_weight: float = _setting(
        0.6, "the share of meaning, 0 to 1, in a convex hybrid score; the rest is words"
    )
    floor: float = _setting(
        0.3,
        "the least closeness, -1 to 1, at which a passage counts as close in meaning; .1 is chance",
    )
    synonyms: str = _setting(
        "",
        "a file of words that mean the same, a group a line: `healthcare, health care`; "
        "each is searched with the others of its group",
    )
    reranker: str = _setting(
        "", "a sentence-transformers CrossEncoder that reads the first 30 hits again: name or path"
    )
    rerank_ms: int = _setting(500, "the most milliseconds a reranker has for an answer")
    budget_ms: int = _setting(
        5_000, "the milliseconds after which `backfile serve` answers a search with what is known"
    )
    furniture: bool = _setting(
        True, "whether sentences that recur in an outlet are left out of passages: `yes` or `no`"
    )
    names: bool = _setting(
        True, "whether names are read at indexing, if a model is installed: `yes` or `no`"
    )
    ocr_languages: str = _setting(
        "eng", "the languages in which `--ocr` recognises scans, as tesseract names them: `deu+eng`"
    )
    allow_private: bool = _setting(
        False, "whether `backfile follow` may fetch from one's own network: `yes` or `no`"
    )
    trust: bool = _setting(
        False, "whether to open an archive that other users own or can write to: `yes` or `no`"
    )
    token: str = _setting(
        "",
        "the secret for `backfile mcp --http` and, in `backfile serve`, for writes over HTTP; "
        "16 characters or more",
        shown=False,
    )
    upload: int = _setting(
        1024, "the most MiB that one `POST /api/articles` may have, packed and unpacked"
    )
    cors: tuple[str, ...] = _setting(
        (), "the origins whose web pages may read the API: `https://desk.example`, several, or `*`"
    )
    rate: int = _setting(0, "the most requests a minute from one address; 0 means any number")
    public_url: str = _setting(
        "", "the address that readers know if a proxy serves them: `https://archive.example`"
    )
    proxies: int = _setting(
        0, "how many proxies of yours stand before `backfile serve` and name the client's address"
    )
    log: str = _setting(
        "text", "how `backfile serve` logs: `text`, or `json`, with a line for each request"
    )
    log_queries: bool = _setting(False, "whether lines of requests have the query: `yes` or `no`")
    given: frozenset[str] = field(default=frozenset(), compare=False)
    """The names of settings from the environment; they override the archive's tuned values."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read each `BACKFILE_*` variable that is set and not empty; raise BadSetting."""
        given: dict[str, Any] = {}
        for name, convert in _CONVERT.items():
            variable = PREFIX + name.upper()
            if value := environment.get(variable, ""):
                try:
                    given[name] = convert(value)
                except ValueError as exc:
                    raise BadSetting(variable, f"{value!r} {exc}") from exc
        return cls(**given, given=frozenset(given))

    def require_token(self, what: str) -> None:
        """Raise BadSetting unless there is a token, and it is long enough to be none to guess."""
        if len(self.token) < SHORTEST_TOKEN:
            reason = f"is needed for {what}, of {SHORTEST_TOKEN} characters or more"
            raise BadSetting("BACKFILE_TOKEN", reason)

    @property
    def worker_threads(self) -> int:
        return self.threads or os.cpu_count() or 1


def _number(kind: Callable[[str], float], low: float, high: float) -> Callable[[str], Any]:
    def convert(value: str) -> float:
        try:
            number = kind(value)
        except ValueError:
            raise ValueError("is not a number") from None
        if not low <= number <= high:
            raise ValueError(f"is not between {low} and {high}")
        return number

    return convert


def _yes_or_no(value: str) -> bool:
    if value.casefold() not in (*YES, *NO):
        raise ValueError("is neither yes nor no")
    return value.casefold() in YES


def _one_of(*names: str) -> Callable[[str], str]:
    def convert(value: str) -> str:
        if value not in names:
            raise ValueError(f"is none of: {', '.join(names)}")
        return value

    return convert


def _origins(value: str) -> tuple[str, ...]:
    """Read origins between commas or spaces: a scheme and a host, perhaps a port, or `*`."""
    origins = tuple(value.replace(",", " ").split())
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise ValueError(f"has {origin!r}, which is no origin such as https://desk.example")
    return origins


def _public_url(value: str) -> str:
    """Read the address of a host, as an origin; with a path, links would lead elsewhere."""
    given = value.strip().rstrip("/")
    if "/" in given.partition("://")[2]:
        raise ValueError("has a path; Backfile is served at the root of a host of its own")
    if given == "*" or "[" in given or not ORIGIN.fullmatch(given):
        raise ValueError("is no address such as https://archive.example")
    return given


_CONVERT: dict[str, Callable[[str], Any]] = {
    "archive": Path,
    "model": str,
    "embedding_precision": _one_of(FULL, INT8),
    "host": str,
    "port": _number(int, 1, 65535),
    "threads": _number(int, 0, 1024),
    "workers": _number(int, 1, 64),
    "queue": _number(int, 0, 10_000),
    "fusion": _one_of("convex", "rrf"),
    "vector_weight": _number(float, 0, 1),
    "floor": _number(float, -1, 1),
    "synonyms": str,
    "reranker": str,
    "rerank_ms": _number(int, 1, 60_000),
    "budget_ms": _number(int, 1, 3_600_000),
    "furniture": _yes_or_no,
    "names": _yes_or_no,
    "ocr_languages": str,
    "allow_private": _yes_or_no,
    "trust": _yes_or_no,
    "token": str,
    "upload": _number(int, 1, 1 << 20),
    "cors": _origins,
    "rate": _number(int, 0, 1_000_000),
    "public_url": _public_url,
    "proxies": _number(int, 0, 10),
    "log": _one_of("text", "json"),
    "log_queries": _yes_or_no,
}


def caller_of_sudo(environment: Mapping[str, str] = os.environ) -> int | None:
    """The id of the user who called `sudo`, None without it. Others can set it, too."""
    given = environment.get("SUDO_UID", "")
    return int(given) if given.isdecimal() else None


def forbid_telemetry() -> None:
    """Keep onnxruntime and OpenVINO, before they are imported, from reporting to their vendors.

    They would leave a device id in the home folder, too, which may be read-only.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # OpenVINO has no such setting, but goes on without this package, which reports each import.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


def recognise_on_one_core() -> None:
    """Keep tesseract, before it is started, from taking all cores, which makes it slower."""
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")


def describe_settings() -> list[tuple[str, str, str]]:
    """List (variable, default, meaning) for each setting, for scripts/README.md."""
    return [
        (PREFIX + f.name.upper(), _shown(f.default), f.metadata["meaning"])
        for f in fields(Settings)
        if f.metadata
    ]


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return " ".join(default)
    return ("no", "yes")[default] if isinstance(default, bool) else str(default)
