"""The files of the lexical index are sealed: damage is found before a byte of it is used."""

import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.sealing import BLOCK, Seal, damage_of
from backfile.index.lexical.storage.segments import INDEX_NAME
from backfile.index.lexical.storage.unpickling import IndexFolder
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.expression import Field
from backfile.index.model.postings import Slot
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import DAMAGES, INVENTED_WORDS, damage, invented_text, unseal

PASSAGES = 40
PLACES = (0.0, 0.3, 0.9, 1.0)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """An index of two segments; the posting lists of each take several blocks."""
    folder = tmp_path_factory.mktemp("sound") / "lexical"
    made = WhooshIndex(folder)
    for first in (1, 1 + PASSAGES // 2):
        made.add(
            [
                LexicalEntry(row, invented_text(-row, 4), invented_text(row))
                for row in range(first, first + PASSAGES // 2)
            ]
        )
    made.remove(np.array([3]))
    assert max(path.stat().st_size for path in folder.iterdir()) > 3 * BLOCK
    return folder


def names():
    return ("*.toc", "*_len.col", "*words.col", "*.row.col", "*.pos", "*.pst", "*.trm", "*.voc")


QUESTIONS = {
    "rows": lambda opened: opened.rows(),
    "lengths": lambda opened: opened.lengths(Field.TEXT),
    "counts": lambda opened: opened.word_counts(Field.TITLE),
    "postings": lambda opened: [opened.postings(Field.TEXT, w) for w in INVENTED_WORDS[:40]],
    "phrase": lambda opened: [opened.phrase(Field.TEXT, w, [1]) for w in pairs(None)],
    "forms": lambda opened: [opened.phrase(Field.TEXT, w, [1]) for w in pairs(str.islower)],
    "terms": lambda opened: opened.terms(Field.TEXT, "ba"),
    "vocabulary": lambda opened: opened.vocabulary(),
}


def pairs(accepts):
    for one, other in zip(INVENTED_WORDS[:300:10], INVENTED_WORDS[100:400:10], strict=True):
        yield [Slot((one,), accepts), Slot((other,), accepts)]


def answers(folder):
    """The answer to each question, or the error."""
    found = {}
    for name, ask in QUESTIONS.items():
        try:
            found[name] = repr(ask(WhooshIndex(folder).snapshot()))
        except EngineUnavailable as exc:
            found[name] = exc
    return found


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", names())
def test_no_answer_comes_from_a_damaged_file_and_a_check_names_it(name, kind, sound, tmp_path):
    expected = answers(sound)
    assert not any(isinstance(each, EngineUnavailable) for each in expected.values())
    for at in PLACES if kind in ("flip", "cut") else PLACES[:1]:
        folder = tmp_path / f"{at}"
        shutil.copytree(sound, folder)
        path = sorted(folder.glob(name))[0]
        damage(path, kind, at)
        if path.exists() and path.read_bytes() == (sound / path.name).read_bytes():
            continue  # some lengths are zero
        found = answers(folder)
        for question, answer in found.items():
            if isinstance(answer, EngineUnavailable):
                assert "backfile verify --repair" in str(answer)
                assert path.name in str(answer) or name == "*.toc"
            else:
                assert answer == expected[question]
        with pytest.raises(EngineUnavailable, match=path.name if name != "*.toc" else "--repair"):
            WhooshIndex(folder).check()


def test_damage_that_nothing_reads_does_no_harm(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "lexical")
    path = sorted((tmp_path / "lexical").glob("*.pst"))[0]
    damage(path, "flip", 0.5)
    opened = WhooshIndex(tmp_path / "lexical").snapshot()
    words = [word for word in INVENTED_WORDS if len(opened.postings(Field.TITLE, word).rows)]
    assert words


def test_an_index_without_seals_is_read_as_it_is_and_sealed_at_the_next_commit(sound, tmp_path):
    folder = tmp_path / "lexical"
    shutil.copytree(sound, folder)
    unseal(folder)
    assert answers(folder) == answers(sound)
    WhooshIndex(folder).check()
    damage(sorted(folder.glob("*.pos"))[0], "flip")
    WhooshIndex(folder).check()  # nothing can tell
    shutil.rmtree(folder)
    shutil.copytree(sound, folder)
    unseal(folder)
    WhooshIndex(folder).remove(np.array([5]))
    damage(sorted(folder.glob("*.pos"))[0], "flip")
    with pytest.raises(EngineUnavailable, match=r"\.pos does not have the digest"):
        WhooshIndex(folder).check()


def test_a_table_of_contents_that_lost_its_digest_is_found(sound, tmp_path):
    folder = tmp_path / "lexical"
    shutil.copytree(sound, folder)
    path = next(folder.glob("*.toc"))
    assert IndexFolder(str(folder)).has_digest(path.name)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(EngineUnavailable, match=path.name):
        WhooshIndex(folder).check()


@pytest.fixture
def little_memory():
    """Two GB more than there is now: a size that is read from a file must not exhaust a machine."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.long
@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", names())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_in_a_file_without_a_seal_an_error_says_what_to_do(
    name, data, sound, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("unsealed") / "lexical"
    shutil.copytree(sound, folder)
    unseal(folder)
    path = sorted(folder.glob(name))[0]
    size = path.stat().st_size
    content = bytearray(path.read_bytes())
    start = data.draw(st.integers(0, size - 1))
    content[start : start + 4] = data.draw(st.binary(min_size=1, max_size=4))
    path.write_bytes(content)
    answers(folder)
    shutil.rmtree(folder.parent)


def test_a_damaged_segment_is_not_merged(sound, tmp_path):
    folder = tmp_path / "lexical"
    shutil.copytree(sound, folder)
    damage(sorted(folder.glob(f"{INDEX_NAME}*.pos"))[0], "flip")
    made = WhooshIndex(folder)
    made.add([LexicalEntry(PASSAGES + 1, "", "a ferry")])
    with pytest.raises(EngineUnavailable, match=r"\.pos is damaged.*verify --repair"):
        made.settle()


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_a_seal_fits_what_it_was_made_of_and_nothing_else(size, tmp_path):
    content = np.random.default_rng(size).bytes(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    seal = Seal.of(path)
    assert seal.fits(content)
    assert damage_of(path, seal.size, seal.digest) == ""
    for place in range(0, size, 997):
        changed = bytearray(content)
        changed[place] ^= 1
        assert not seal.fits(changed)
    assert not seal.fits(content + b"x")
    path.write_bytes(content + b"x")
    assert "bytes instead of" in damage_of(path, seal.size, seal.digest)
