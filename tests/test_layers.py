"""The architecture, read from the imports: archive <- index <- web, vendors in their place."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {
    "archive": {"archive"},
    "index": {"archive", "index"},
    "web": {"archive", "index", "web"},
    "scripts": {"archive", "index", "web", "scripts"},
}
OURS = {*LAYERS, "tests"}
VENDORS = {
    # The rivals of a benchmark are the stock engines themselves, not our adapters of them.
    "whoosh": ("index/lexical/", "index/rivals/stock_whoosh.py"),
    "chromadb": ("index/vector/chroma_part.py", "index/rivals/vectors.py"),
    "tantivy": ("index/rivals/tantivy_index.py",),
    "bm25s": ("index/rivals/bm25s_index.py",),
    "torch": (
        "index/embedding/sentence_transformer.py",
        "index/embedding/export.py",
        "index/embedding/cross_encoder.py",
    ),
    "onnxruntime": ("index/embedding/query_graph.py",),
    "sentence_transformers": (
        "index/embedding/sentence_transformer.py",
        "index/embedding/cross_encoder.py",
    ),
    "ir_measures": ("index/evaluation/",),
    "scipy": ("index/evaluation/statistics.py",),
    "datasketch": ("index/stories/signatures.py",),
    "warcio": ("archive/reading/web/web_archives.py",),
    "feedparser": ("archive/reading/web/feeds.py",),
    "lxml": ("archive/reading/web/markup.py", "archive/reading/wire/"),
    "trafilatura": ("archive/reading/web/pages.py",),
    "htmldate": ("archive/reading/web/page_metadata.py",),
    "pyarrow": ("archive/reading/tables/parquet_rows.py",),
    "sqlite3": ("archive/reading/tables/", "archive/store/", "index/rivals/"),
    "httpcore2": ("archive/fetching/",),
    "flask": ("web/",),
    "sqlalchemy": ("archive/store/",),
    "tqdm": ("scripts/printing/progress.py",),
}
ENGINES = {
    "WhooshIndex",
    "ChromaIndex",
    "SentenceTransformerEmbedder",
    "ModelTokenizer",
    "CrossEncoderReranker",
}


def modules():
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module


MODULES = dict(modules())


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_its_own_layer_and_those_below(name):
    layer = name.split("/")[0]
    ours = {module.split(".")[0] for module in imported(MODULES[name])} & OURS
    assert ours <= LAYERS[layer]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_is_imported_only_by_its_adapter(vendor):
    users = [
        name
        for name, tree in MODULES.items()
        if any(module.split(".")[0] == vendor for module in imported(tree))
    ]
    assert users, f"{vendor} is used"
    assert all(user.startswith(VENDORS[vendor]) for user in users)


def test_the_environment_is_read_only_in_settings():
    readers = [
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv", "putenv")
        and ast.unparse(node) != "request.environ"  # that is of WSGI, and of one request
    ]
    assert set(readers) == {"archive/settings.py"}


def test_concrete_engines_are_named_only_where_they_are_made_and_in_the_composition_root():
    users = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in ENGINES
    }
    assert users == {"index/wiring.py"}


def test_modules_are_of_a_size_to_be_read_at_once():
    too_long = {
        name: len((ROOT / name).read_text().splitlines())
        for name in MODULES
        if len((ROOT / name).read_text().splitlines()) > 270
    }
    assert not too_long


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_in_its_first_line_what_it_is_for(name):
    assert ast.get_docstring(MODULES[name])
