"""Seven hand-written stories, each there for a reason, and archives made of them."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import Article, DateSource, Origin, TitleSource
from backfile.archive.model.settings import DEFAULT_MODEL, Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.reader import ArchiveReader
from backfile.archive.store.vectors import VectorFile
from backfile.archive.workers import Workers
from backfile.index.indexing.indexer import Indexer
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.article_table_file import ArticleTableFile
from backfile.index.model.noise import NoiseFile
from backfile.index.model.query import Query
from backfile.index.seams.engines import Engines
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.index.vector.chroma_index import ChromaIndex
from backfile.index.vector.embedding.model import find_model
from backfile.index.wiring import open_engines, searcher_over
from backfile.scripts.backfile import main
from backfile.web.app import create_app
from tests.browsers import served, started_chromium
from tests.fakes import HashedWords, MemoryIndex, MemoryVectors

ROOT = Path(__file__).parent.parent

STORIES = [
    {  # a headline, a name with an accent, every field
        "id": "ferry",
        "title": "Ferry timetable cut",
        "published": "2024-03-23",
        "source": "Courier",
        "section": "Transport",
        "author": "Ana Ruiz and José Núñez",
        "language": "en",
        "url": "https://courier.example/ferry",
        "text": "The night ferry across the Ash stops in May. Commuters were told by letter.\n\n"
        "What happens next\n\nThe council votes on Tuesday. A bus may replace the boat.",
    },
    {  # the same words in another order: phrases must tell them apart
        "id": "bridge",
        "title": "Swing bridge shut",
        "published": "2023-03-15",
        "source": "Courier",
        "section": "Transport",
        "author": "Ana Ruiz",
        "language": "en",
        "text": "The swing bridge was shut after inspectors found cracks. The ferry runs instead.",
    },
    {  # no title: its first sentence stands in for one
        "id": "untitled",
        "published": "2023-12-31",
        "source": "Gazette",
        "section": "Culture",
        "language": "en",
        "text": "Fireworks closed the year over the harbour. Nobody was hurt.",
    },
    {  # no date: it is found, and no filter by date lets it through
        "id": "undated",
        "title": "How the lighthouse keeper lived",
        "source": "Gazette",
        "section": "Culture",
        "text": "The keeper lit the lamp at dusk. A bridge of planks led to the rock.",
    },
    {  # another language, and an id that is a URL
        "id": "https://bote.example/a?b=1",
        "title": "Drehbrücke wieder offen",
        "published": "2024-11-19",
        "source": "Hafenbote",
        "section": "Verkehr",
        "language": "de",
        "text": "Die Drehbrücke ist wieder offen. Fußgänger gingen als Erste hinüber.",
    },
    {  # an id that is a path, and odd characters in it
        "id": "/2023/05/pier%20",
        "title": "Pier repainted",
        "published": "2023-05-02",
        "source": "Gazette",
        "text": "The pier is green again.",
    },
    {  # markup in every field, which must never reach a page as markup
        "id": "<b>id</b>",
        "title": "<script>alert('title')</script> harbour",
        "published": "2024-02-29",
        "source": "<i>Source</i>",
        "section": '"><script>alert(1)</script>',
        "language": "en",
        "url": "javascript:alert(1)",
        "text": "Harbour dues rise. <img src=x onerror=alert(1)> The ferry pays less.",
    },
]


class Words:
    """A tokenizer that takes each word for a token, with a small window."""

    window = 60

    def starts(self, text):
        return [
            i for i, c in enumerate(text) if not c.isspace() and (i == 0 or text[i - 1].isspace())
        ]


def silent(stage, done, total):
    """Progress that nobody watches."""


def engines_in(folder: Path, *, in_memory: bool, workers=None) -> Engines:
    """Open or make the parts of an archive; the model is a fake in either case."""
    folder.mkdir(exist_ok=True)
    vectors = VectorFile(folder / "vectors", HashedWords.dimension)
    return Engines(
        catalog=Catalog(folder / "catalog.db"),
        vectors=vectors,
        lexical=MemoryIndex() if in_memory else WhooshIndex(folder / "lexical", workers),
        neighbours=MemoryVectors(vectors) if in_memory else ChromaIndex(folder / "chroma", vectors),
        embedder=HashedWords(),
        table=ArticleTableFile(folder / "columns"),
        noise=NoiseFile(folder / "noise.json"),
    )


def indexer_of(engines: Engines, progress=silent, *, workers=None, aside=None) -> Indexer:
    return Indexer(engines, Words(), progress, workers=workers, aside=aside)


def started(workers: Workers) -> Workers:
    """Start worker processes and wait for them, so that even little work is given to them."""
    workers.start()
    while not workers.ready():
        time.sleep(0.01)
    return workers


def write_stories(folder: Path, stories=STORIES) -> Path:
    path = folder / "stories.jsonl"
    path.write_text("".join(json.dumps(story) + "\n" for story in stories), encoding="utf-8")
    return path


def fill(engines: Engines, *paths: Path):
    indexer = indexer_of(engines)
    report = indexer.index(Reading(paths, FieldMap()))
    indexer.embed()
    return report


@pytest.fixture(params=["engines", "memory"])
def engines(request, tmp_path):
    """The stories in both families of engines."""
    made = engines_in(tmp_path / "archive", in_memory=request.param == "memory")
    fill(made, write_stories(tmp_path))
    yield made
    made.catalog.close()


@pytest.fixture
def searcher(engines):
    return Searcher(engines, RankingOptions(floor=0.2))


@pytest.fixture
def reader(engines):
    return ArchiveReader(engines.catalog)


def app_over(engines: Engines, **options) -> Flask:
    """The application over engines that are open; the options are those of the ranking."""
    return create_app(Searcher(engines, RankingOptions(**options)), ArchiveReader(engines.catalog))


def app_in(folder: Path) -> Flask:
    """The application over an archive that was indexed with the bundled model."""
    settings = Settings(archive=folder)
    engines = open_engines(settings)
    return create_app(searcher_over(engines, settings), ArchiveReader(engines.catalog))


def everything(searcher: Searcher, query: Query):
    """The last page of an answer, and the hits of all its pages."""
    hits, cursor = [], None
    while True:
        results = searcher.search(replace(query, limit=2, cursor=cursor))
        hits += results.hits
        cursor = results.next
        if cursor is None:
            return results, hits


# For the tests of `archive/`; session-wide, so that hypothesis may share them between examples.


@pytest.fixture(scope="session")
def word_tokenizer():
    return Words()


@pytest.fixture(scope="session")
def make_article():
    def make(text="The tide came in. The boats went out.", **fields):
        plain = Article(
            id="tide",
            title="Tide table",
            title_source=TitleSource.GIVEN,
            text=text,
            published=None,
            published_at=None,
            date_source=DateSource.NONE,
            source="",
            section="",
            authors=(),
            language="en",
            url="",
            origin=Origin("tide.txt", 1),
        )
        return replace(plain, **fields)

    return make


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The sample archive and the seed document, if there, indexed with the bundled model."""
    folder = tmp_path_factory.mktemp("sample") / "archive"
    seed = ROOT.parent / "shared" / "data" / "seed"
    paths = [str(ROOT / "scripts" / "sample"), *([str(seed)] if seed.is_dir() else [])]
    result = backfile("index", *paths, "--archive", str(folder))
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def address(sample):
    """Where the sample archive is served."""
    with served(app_in(sample)) as url:
        yield url


@pytest.fixture(scope="session")
def chromium():
    """A Chromium; skips the test where none can be started."""
    with started_chromium() as browser:
        yield browser


def backfile(*arguments, **environment):
    """Run the command in this process, as from a shell whose stderr is no terminal."""
    return CliRunner().invoke(main, [str(a) for a in arguments], env=environment or None)


def tiny_cross_encoder(folder: Path, labels: int = 1) -> str:
    """A CrossEncoder of random weights, with the words of the bundled model."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(str(find_model(DEFAULT_MODEL)))
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, num_labels=labels,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return str(folder)
