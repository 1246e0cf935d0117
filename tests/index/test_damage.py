"""Every file of the caches is damaged, and everything is tried, in processes that may die.

An outcome is a right answer, an answer by the part that can be read with a note, a clear error, or
an archive that is mended. `-m slow -s` tries all and prints the table of index/README.md.
"""

import resource
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.index.indexing.verify import repair, verify
from backfile.index.model.noise import USUAL_NOISE, Calibration
from backfile.index.model.query import Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.index.vector.chroma_index import ChromaIndex
from tests.builders import DAMAGES, damage, engines_in, fill, indexer_of, write_news
from tests.processes import PROCESSES

pytestmark = [pytest.mark.crash, pytest.mark.long]

MEMORY = 2 << 30  # bytes more than a process has when it begins
SECONDS = 60
TEXTS = ("ferry strike", '"school rain"', "museu*", "councl~", "ferry NOT bridge", "court storm")
FILES = (
    "lexical/*.toc", "lexical/*._stored.col", "lexical/*._text_len.col", "lexical/*._title_len.col",
    "lexical/*.row.col", "lexical/*.text_words.col", "lexical/*.title_words.col", "lexical/*.pos",
    "lexical/*.pst", "lexical/*.trm", "lexical/*.voc", "chroma/*/chroma.sqlite3",
    "chroma/*/rows.npy", "chroma/*/seals.json", "chroma/*/*/data_level0.bin",
    "chroma/*/*/header.bin", "chroma/*/*/index_metadata.pickle", "chroma/*/*/length.bin",
    "chroma/*/*/link_lists.bin", "columns", "noise.json", "vectors", "vectors.sums",
    "vectors.codes", "vectors.codes.notes",
)  # fmt: skip
CODES = ("vectors.codes", "vectors.codes.notes")
# What may be absent, as it is in an archive of an earlier release, or is made when it is missed.
OPTIONAL = {"chroma/*/seals.json", "columns", "noise.json"}
PLACES = (0.0, 0.25, 0.5, 0.75, 0.999)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An archive with all caches, and what is answered over it."""
    folder = tmp_path_factory.mktemp("whole") / "archive"
    engines = engines_in(folder, in_memory=False)
    fill(engines, write_news(folder.parent / "news.jsonl"))
    engines.table.bring_up(engines.catalog)
    engines.noise.write(engines.catalog.counts(), Calibration(USUAL_NOISE[:2]))
    engines.catalog.close()
    found = in_a_process(everything, folder)
    assert all(kind == "answer" for kind, _ in found.values()), found
    assert found["verify"] == ("answer", [])
    return folder, found


def opened(folder):
    """The engines of a server over a large archive: Chroma is open, and always asked."""
    engines = engines_in(folder, in_memory=False)
    neighbours = ChromaIndex(folder / "chroma", engines.vectors, rows_a_neighbour=0)
    neighbours.warm()
    return replace(engines, neighbours=neighbours)


def searched(folder, mode):
    searcher = Searcher(opened(folder), RankingOptions(floor=0.2))
    answers = []
    for text in TEXTS:
        try:
            results = searcher.search(Query(text, mode=mode))
        except ArchiveError as exc:
            answers.append(str(exc))
        else:
            hits = [(hit.article.id, round(hit.score, 4)) for hit in results.hits]
            answers.append((hits, results.totals.articles, list(results.reading.notes)))
    return answers


def related(folder):
    found = Searcher(opened(folder), RankingOptions()).related("a5")
    lists = [[each.article.id for each in some] for some in found.kinds.values()]
    return [*lists, found.coverage]


def suggested(folder):
    searcher = Searcher(opened(folder), RankingOptions())
    return [[each.q for each in searcher.suggest(text, 8)] for text in ("fer", "bud", "scho")]


READING = {
    **{mode.value: lambda folder, mode=mode: searched(folder, mode) for mode in Mode},
    "article": lambda folder: opened(folder).catalog.article("a5").title,
    "related": related,
    "suggest": suggested,
    "verify": lambda folder: [str(problem) for problem in verify(opened(folder))],
}


def everything(folder):
    """The outcome of each try to read; any other exception than a clear error is a traceback."""
    found = {}
    for name, ask in READING.items():
        try:
            found[name] = ("answer", ask(folder))
        except ArchiveError as exc:
            found[name] = ("error", str(exc))
        except BaseException as exc:
            found[name] = ("traceback", f"{type(exc).__name__}: {exc}")
    return found


def repaired(folder):
    engines = engines_in(folder, in_memory=False)
    repair(engines, indexer_of(engines))
    engines.table.bring_up(engines.catalog)
    engines.catalog.close()
    return everything(folder)


def rebuilt(folder):
    engines = engines_in(folder, in_memory=False)
    indexer_of(engines).lexical.rebuild()
    with suppress(EngineUnavailable):  # vectors are missing
        indexer_of(engines).rebuild_neighbours()
    engines.catalog.close()
    return everything(folder)


def run(function, folder, connection):
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    connection.send(function(folder))
    connection.close()


def in_a_process(function, folder):
    receiver, sender = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=run, args=(function, folder, sender))
    process.start()
    sender.close()
    try:
        assert receiver.poll(SECONDS), "it takes too long"
        return receiver.recv()
    except EOFError:
        process.join()
        pytest.fail(f"the process died with {process.exitcode}")
    finally:
        process.kill()
        process.join()


def matched(answer, alone):
    """The number of articles, and which; by words alone they stand in another order."""
    hits, total, _ = answer
    return total, alone == "semantic" and [article for article, _ in hits]


def outcome(name, found, expected):
    """Name the outcome of a try; fail unless it is a right answer or says that it is none."""
    kind, value = found[name]
    assert kind != "traceback", value
    if kind == "error":
        assert "--repair" in value
        return "error"
    if name == "related" and value[-1] == 0:  # its coverage: it is by words alone
        return "in part"
    if name not in list(Mode):
        assert value == expected[name][1], name
        return "right"
    outcomes = set()
    for i, (answer, right) in enumerate(zip(value, expected[name][1], strict=True)):
        if answer == right:
            outcomes.add("right")
        elif isinstance(answer, str):
            assert "--repair" in answer
            outcomes.add("error")
        else:
            alone = "keyword" if answer[2][0].startswith("by words alone") else "semantic"
            assert answer[2][0].startswith(f"by {'words' if alone == 'keyword' else 'meaning'}")
            assert matched(answer, alone) == matched(expected[alone][1][i], alone)
            outcomes.add("in part")
    return min(outcomes, key=["error", "in part", "right"].index)


MENDING = (repaired, rebuilt)


def tried(whole, folder, name, kind, at, counts, mending=MENDING):
    """Damage one file of a copy; try everything, and mend two copies of it."""
    sound, expected = whole
    shutil.copytree(sound, folder)
    path = sorted(folder.glob(name))[0]
    before = path.read_bytes()
    damage(path, kind, at)
    if path.exists() and path.read_bytes() == before:
        return
    copies = [shutil.copytree(folder, folder.with_name(each.__name__)) for each in mending]
    found = in_a_process(everything, folder)
    problems = found.pop("verify")
    # A vector or code that differs is found by `verify` alone: a search does not read checksums.
    of_a_vector = name in ("vectors", *CODES) and kind == "flip"
    for each in found:
        counts[each, "right" if of_a_vector else outcome(each, found, expected)] += 1
    assert problems[0] == "answer", problems
    harmless = kind == "delete" and name in OPTIONAL
    # Rows without a checksum are taken as they are; the first one is of row 0, which is none.
    harmless |= name == "vectors.sums" and (kind not in ("flip", "noise") or not at)
    # Rows without a code are compared exactly; a note that differs is that of another vector.
    harmless |= name == CODES[0] and (kind in ("cut", "empty", "delete") or not at)
    harmless |= name == CODES[1]
    noted = kind == "flip" and name == CODES[1]
    assert noted or bool(problems[1]) != harmless, problems
    counts["verify", "nothing to say" if harmless else "found"] += 1
    for function, copy in zip(mending, copies, strict=True):
        mended = in_a_process(function, copy)
        whatever = of_a_vector and function is rebuilt
        for each in READING:
            if function is repaired:
                assert mended[each] == expected[each], each
            elif not whatever and mended[each] != expected[each] and each != "verify":
                outcome(each, mended, expected)
        counts[function.__name__, "mended" if mended == expected else "not all of it"] += 1
        assert not list(copy.glob("*.new"))


# A file of each kind in one way each; all of them in all ways take minutes.
ALIKE = ("_stored.col", "title_len.col", "title_words.col", "header.bin", "length.bin")
CHOSEN = [name for name in FILES if not name.endswith(ALIKE)]
CASES = [(name, DAMAGES[i % len(DAMAGES)], MENDING[: 2 - i % 2]) for i, name in enumerate(CHOSEN)]


@pytest.mark.parametrize(("name", "kind", "mending"), CASES)
def test_a_damaged_file_gives_a_right_answer_or_a_clear_error_and_is_mended(
    name, kind, mending, whole, tmp_path
):
    tried(whole, tmp_path / "archive", name, kind, 0.5, Counter(), mending)


def test_every_file_of_the_caches_is_damaged_here(whole):
    folder, _ = whole
    record = {"catalog.db", "catalog.db-wal", "catalog.db-shm"}
    files = {path for path in folder.rglob("*") if path.is_file() and path.name not in record}
    assert {path for name in FILES for path in folder.glob(name)} == files


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_file_in_every_way(whole, tmp_path):
    counts = {name: Counter() for name in FILES}
    for name in FILES:
        for kind in DAMAGES:
            for at in PLACES if kind in ("flip", "cut") else (0.5,):
                folder = tmp_path / "tried"
                tried(whole, folder / "archive", name, kind, at, counts[name])
                shutil.rmtree(folder)
        print(name, dict(counts[name]))  # noqa: T201
    total = sum(counts.values(), Counter())
    for (what, how), number in sorted(total.items()):
        print(f"{what:10} {how:14} {number:5}")  # noqa: T201
