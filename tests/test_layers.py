"""The architecture, read from the imports: floors, the rooms of a floor, and vendors in place."""

import ast
import graphlib
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
# A room imports only rooms that stand before it. A name with a slash is one module.
ORDER = [
    "archive/model", "archive/workers.py", "archive/passages.py", "archive/furniture.py",
    "archive/formats", "archive/store", "archive/follow",
    "index/model", "index/seams", "index/naming",
    "index/lexical/analysis", "index/lexical/query_parser", "index/lexical/storage",
    "index/lexical/spelling", "index/lexical/scoring", "index/lexical/highlighter.py",
    "index/vector/embedding", "index/vector", "index/asking",
    "index/duplicates", "index/answers", "index/search", "index/indexing", "index/evaluation",
    "index/wiring.py", "index/writing.py", "index/reembedding.py", "index/followed_archive.py",
    "index/resident.py",
    "index/cluster/map", "index/cluster/search", "index/cluster/writing", "index/cluster/ray",
    "web/i18n", "web/parts.py", "web/packed_links.py", "web/links.py", "web/api", "web/search",
    "web/template_filters.py", "web/article", "web/help", "web/admission.py",
    "web/worker_metrics.py", "web/metrics.py", "web/request_log.py", "web/public_address.py",
    "web/collections",
    "web/site.py", "web/trial.py", "web/rates.py", "web/errors.py", "web/app.py",
    "web/uploads.py", "web/connections.py", "web/workers.py", "web/writer_process.py",
    "web/served.py", "web/server.py",
    "scripts/library", "scripts/printing", "scripts/assistants", "scripts/commands",
    "scripts/bench",
    "scripts/translations.py", "scripts/backfile.py", "scripts/reference.py",
]  # fmt: skip
VENDORS = {
    # The baselines of a benchmark are the stock engines themselves, not our adapters of them.
    "whoosh": ("index/lexical/", "scripts/bench/baselines/stock_whoosh.py"),
    "chromadb": ("index/vector/chroma_part.py", "scripts/bench/baselines/vectors.py"),
    "tantivy": ("scripts/bench/baselines/tantivy_index.py",),
    "faiss": ("scripts/bench/baselines/faiss_index.py",),
    "bm25s": ("scripts/bench/baselines/bm25s_index.py",),
    "torch": (
        "index/vector/embedding/sentence_transformer.py",
        "index/vector/embedding/export.py",
        "index/vector/embedding/cross_encoder.py",
    ),
    "openvino": ("index/vector/embedding/passage_graph.py",),
    "nncf": ("index/vector/embedding/int8_embedder.py",),
    "onnx": ("index/vector/embedding/int8_embedder.py",),
    "onnxruntime": ("index/vector/embedding/query_graph.py",),
    "sentence_transformers": (
        "scripts/bench/embedding.py",
        "index/vector/embedding/sentence_transformer.py",
        "index/vector/embedding/cross_encoder.py",
    ),
    "ir_measures": ("index/evaluation/",),
    "scipy": ("index/evaluation/statistics.py",),
    "warcio": ("archive/formats/web/web_archives.py",),
    "brotli": ("archive/formats/web/content_codings.py",),
    "zstandard": ("archive/formats/web/content_codings.py",),
    "pypdfium2": ("archive/formats/documents/pdf.py",),
    "pybtex": ("archive/formats/text/bibtex.py",),
    "mwparserfromhell": ("archive/formats/documents/wiki_pages.py",),
    "striprtf": ("archive/formats/documents/extraction.py",),
    "feedparser": ("archive/formats/web/feeds.py",),
    "lxml": (
        "archive/formats/web/markup.py",
        "archive/formats/wire/",
        "archive/formats/documents/packed.py",
    ),
    "trafilatura": ("archive/formats/web/pages.py", "archive/formats/web/article_text.py"),
    "htmldate": ("archive/formats/web/page_metadata.py",),
    "pyarrow": ("archive/formats/tables/parquet_rows.py",),
    "sqlite3": ("archive/formats/tables/", "archive/store/", "scripts/bench/baselines/"),
    "httpcore2": ("archive/follow/",),
    "flask": ("web/",),
    "pydantic": ("web/api/", "scripts/assistants/tools.py"),
    "limits": ("web/rates.py",),
    "sqlalchemy": ("archive/store/", "scripts/bench/hops.py"),
    "tqdm": ("scripts/printing/progress.py",),
    "mcp": ("scripts/assistants/server.py",),
    "spacy": ("index/naming/spacy_names.py",),
    "ray": ("index/cluster/ray/", "scripts/bench/shards.py"),
}
ENGINES = {
    "WhooshIndex",
    "ChromaIndex",
    "SentenceTransformerEmbedder",
    "ModelTokenizer",
    "CrossEncoderReranker",
    "SpacyNames",
}
SHORTEST, LONGEST = 60, 400  # lines
# What is shorter has a reason: nouns that many rooms use, one command, one format, one algorithm.
SHORT = {
    "archive/formats/tables/columns.py",
    "archive/formats/tables/parquet.py",
    "archive/formats/wire/formats.py",
    "archive/store/record.py", "archive/store/rereading.py",
    "archive/store/switching.py",
    "index/cluster/writing/cluster_backup.py", "index/cluster/search/packing.py",
    "index/search/query_embedding.py",
    "scripts/printing/counts.py",
    "index/lexical/spelling/wildcards.py",
    "index/seams/engines.py", "index/seams/failures.py",
    "index/vector/embedding/prompts.py",
    "index/vector/exact_scan.py",
    "scripts/bench/baselines/bm25s_index.py", "scripts/bench/baselines/faiss_index.py",
    "scripts/bench/baselines/registry.py",
    "scripts/bench/whole_searches.py", "scripts/commands/mcp.py",
    "web/api/tokens.py", "web/parts.py", "index/answers/marks.py", "archive/model/message.py",
}  # fmt: skip


def modules():
    for floor in ("archive", "index", "web", "scripts"):
        for path in sorted((ROOT / floor).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


MODULES = dict(modules())


def imported(tree):
    """The dotted names that a module imports, `from a import b` as a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def owner(dotted):
    """The file of ours that a dotted name is imported from, None for a vendor's."""
    parts = dotted.split(".")
    if parts[0] != "backfile":
        return None
    for end in range(len(parts), 1, -1):
        name = "/".join(parts[1:end])
        for path in (f"{name}.py", f"{name}/__init__.py", f"scripts/library/{name}.py"):
            if path in MODULES:
                return path
    return "scripts/library/__init__.py"


ARROWS = {
    name: {path for dotted in imported(tree) if (path := owner(dotted)) and path != name}
    for name, tree in MODULES.items()
}


def place(name):
    return next(i for i, room in enumerate(ORDER) if f"{name}/".startswith(f"{room}/"))


def test_no_module_imports_from_a_room_further_down():
    upward = {
        (name, path)
        for name, paths in ARROWS.items()
        for path in paths
        if place(path) > place(name)
    }
    assert upward == set()


def test_the_seam_knows_nouns_alone():
    nouns = ("archive/model/", "index/model/")
    assert [path for path in ARROWS["index/seams/protocols.py"] if not path.startswith(nouns)] == []


def test_nothing_above_the_seam_imports_how_an_engine_stores_words():
    storage = "index/lexical/storage/"
    users = {
        name
        for name, paths in ARROWS.items()
        if not name.startswith(storage) and any(path.startswith(storage) for path in paths)
    }
    assert users == {"index/wiring.py"}


def test_no_modules_import_each_other_in_a_circle():
    order = tuple(graphlib.TopologicalSorter(ARROWS).static_order())
    assert len(order) == len(MODULES)


def test_a_vendor_is_imported_only_by_its_adapter():
    for vendor, places in VENDORS.items():
        users = [
            name
            for name, tree in MODULES.items()
            if any(dotted.split(".")[0] == vendor for dotted in imported(tree))
        ]
        assert users, f"{vendor} is used"
        assert [user for user in users if not user.startswith(places)] == [], vendor


def test_the_product_needs_nothing_of_what_only_measures_it():
    needed = {
        name
        for name, paths in ARROWS.items()
        for path in paths
        if path.startswith("scripts/bench/") and not name.startswith("scripts/bench/")
    }
    assert needed <= {"scripts/backfile.py"}


def test_the_environment_is_read_only_in_settings():
    readers = [
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv", "putenv")
        and ast.unparse(node) != "request.environ"  # that is of WSGI, and of one request
    ]
    assert set(readers) == {"archive/model/settings.py"}


def test_concrete_engines_are_named_only_where_they_are_made_and_in_the_composition_root():
    users = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in ENGINES
    }
    assert users == {"index/wiring.py"}


def test_modules_are_of_a_size_to_be_read_at_once():
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
    packages = {name for name in lengths if name.endswith("__init__.py")}
    assert {name for name, lines in lengths.items() if lines < SHORTEST} - packages == SHORT


def test_a_module_says_in_its_first_line_what_it_is_for():
    assert [name for name, tree in MODULES.items() if not ast.get_docstring(tree)] == []


def test_every_file_of_the_library_is_linked_into_the_package_that_the_checkout_shows():
    links = {path.name: path for path in (ROOT / ".types" / "backfile").iterdir()}
    library = {path.name: path for path in (ROOT / "scripts" / "library").iterdir()}
    library.pop("__pycache__", None)
    assert {name: links[name].resolve() for name in library if name in links} == library


def test_no_test_imports_another_test():
    found = {
        f"{path.relative_to(ROOT)}: {dotted}"
        for path in (ROOT / "tests").rglob("*.py")
        for dotted in imported(ast.parse(path.read_text()))
        if re.match(r"tests\.(.*\.)?(test_|conftest)", dotted)
    }
    assert found == set()
