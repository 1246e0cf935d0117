"""In-memory engines that keep the contracts of index/seams, and a model of hashed words."""

import hashlib
import re
from collections import Counter, defaultdict
from contextlib import contextmanager
from copy import copy
from functools import cache, partial
from uuid import uuid4

import numpy as np

from backfile.archive.passages import breaks_of
from backfile.archive.workers import Task, Workers
from backfile.index.lexical.analysis.analyser import term_spans, terms
from backfile.index.lexical.analysis.stemming import reading, spelling_of, term_of
from backfile.index.lexical.analysis.word_delimiter import WORD, tokens
from backfile.index.model.expression import Stretch
from backfile.index.model.mentions import Mention, NameKind
from backfile.index.model.postings import (
    NO_POSTINGS,
    Postings,
    Slot,
    Vocabulary,
    VocabularyPart,
    key_of,
)
from backfile.index.seams.protocols import Ranking
from backfile.index.vector.exact_scan import top


class MemoryIndex:
    """The words of passages, in a dictionary."""

    def __init__(self):
        self.entries = {}

    def add(self, entries):
        for entry in entries:
            code, breaks = reading(entry.language), breaks_of(entry.text, entry.language)
            self.entries[entry.row] = {
                "title": list(term_spans(entry.title, code)),
                "text": list(term_spans(entry.text, code)),
                "written": {"title": entry.title, "text": entry.text},
                # The number of terms before each sentence and each paragraph.
                Stretch.SENTENCE: [len(terms(entry.text[:at], code)) for at in breaks.sentences],
                Stretch.PARAGRAPH: [len(terms(entry.text[:at], code)) for at in breaks.paragraphs],
                "words": [*WORD.findall(entry.text), *WORD.findall(entry.title)],
                "language": code,
            }

    def flush(self):
        pass

    settle = flush

    def remove(self, rows):
        for row in rows.tolist():
            self.entries.pop(row, None)

    def last_row(self):
        return max(self.entries, default=0)

    def rows(self):
        return np.array(sorted(self.entries), np.int64)

    def snapshot(self):
        return MemorySnapshot(dict(self.entries))

    def check(self):
        pass

    @contextmanager
    def replaced(self):
        fresh = MemoryIndex()
        yield fresh
        self.entries = fresh.entries

    def clear(self):
        self.entries = {}


class MemorySnapshot:
    """Makes posting lists when they are read."""

    def __init__(self, entries):
        self.entries = entries

    def rows(self):
        return np.array(sorted(self.entries), np.int64)

    def close(self):
        pass

    def vocabulary_parts(self):
        return [VocabularyPart(uuid4().hex, len(self.entries))]

    def vocabulary(self, _parts=None):
        known = defaultdict(list)
        for row, entry in self.entries.items():
            language = entry["language"]
            for word in entry["words"]:
                for token in tokens(word):
                    if not token.is_pair:
                        key = key_of(
                            spelling_of(token.text, language), term_of(token.text, language)
                        )
                        known[key].append((row, word[token.start : token.end]))
        keys = sorted(known)
        written = [Counter(word for _, word in known[key]).most_common(1)[0][0] for key in keys]
        counts = np.array([len(known[key]) for key in keys], np.int64)
        witnesses = np.array([[known[key][0][0], known[key][-1][0]] for key in keys], np.int64)
        return Vocabulary(keys, written, counts, witnesses.reshape(-1, 2))

    def postings(self, field, term):
        return self.phrase(field, [Slot((term,))], [])

    def phrase(self, field, slots, gaps, *, leading=False):
        def places(entry, slot):  # (first, last) position of each occurrence
            text = entry["written"][field]
            return {
                (s.position, s.position + s.length - 1)
                for s in entry[field]
                if s.term in slot.terms
                and (not slot.accepts or slot.accepts(text[s.start : s.end]))
            }

        def reaches(entry, end, start, gap):
            if not isinstance(gap, Stretch):
                return 1 <= start - end <= gap
            breaks = entry[gap] if field == "text" else []
            return end < start and not any(end < each <= start for each in breaks)

        def count(entry):
            first = min(entry[Stretch.PARAGRAPH], default=len(entry[field]) + 1)
            leads = leading and field == "text"
            ends = {e for s, e in places(entry, slots[0]) if not leads or s < first}
            for slot, gap in zip(slots[1:], gaps, strict=True):
                if slot.terms is None:
                    ends = {end + 1 for end in ends}
                    continue
                found = places(entry, slot)
                ends = {e for s, e in found if any(reaches(entry, end, s, gap) for end in ends)}
            return len(ends)

        found = [(row, n) for row, entry in self.entries.items() if (n := count(entry))]
        if not found:
            return NO_POSTINGS
        rows, frequencies = zip(*found, strict=True)
        return Postings(np.array(rows, np.int64), np.array(frequencies, np.float32))

    def terms(self, field, prefix):
        return {
            s.term for e in self.entries.values() for s in e[field] if s.term.startswith(prefix)
        }

    def lengths(self, field):
        lengths = np.zeros(max(self.entries, default=0) + 1, np.float32)
        for row, entry in self.entries.items():
            lengths[row] = max((s.position + 1 for s in entry[field]), default=0)
        return lengths

    word_counts = lengths


class MemoryVectors:
    """An exact scan, whatever was sealed."""

    def __init__(self, vectors):
        self.vectors = vectors
        self.sealed = np.empty(0, np.int64)

    def seal(self, embedded):
        self.sealed = embedded

    rebuild = seal

    def rows(self):
        return self.sealed

    def is_behind(self, embedded):
        return len(np.setxor1d(embedded, self.sealed)) > 0

    def snapshot(self, embedded):
        opened = copy(self)  # a snapshot stays as it is while another one is opened
        opened.embedded = embedded
        return opened

    def nearest(self, vector, row_mask, limit):
        rows = np.flatnonzero(self.embedded if row_mask is None else self.embedded & row_mask)
        return top(rows, self.similarities(vector, rows), limit)

    def within(self, vector, floor):
        rows = np.flatnonzero(self.embedded)
        scores = self.similarities(vector, rows)
        return Ranking(rows[scores >= floor], scores[scores >= floor])

    def similarities(self, vector, rows):
        # In float64, as a product in float32 depends in its last digit on how many rows there are.
        found = self.vectors.read(len(self.embedded))[rows].astype(np.float64) @ vector
        return found.astype(np.float32)

    def check(self):
        pass

    def warm(self):
        pass

    def clear(self):
        self.sealed = np.empty(0, np.int64)


class HashedWords:
    """A model without weights: each term is a fixed random direction, a text their sum."""

    name = "hashed-words"
    weights = "none"
    dimension = 64
    precision = "float32"
    engine = "hashing"

    def __init__(self, dimension=None):
        self.dimension = dimension or type(self).dimension

    def embed_passages(self, texts):
        return np.stack([self.embed_query(text) for text in texts])

    def embed_sentences(self, texts):
        return self.embed_passages(texts)

    def embed_query(self, text):
        total = np.sum(
            [self._direction(term) for term in terms(text)] or [np.ones(self.dimension)], axis=0
        )
        return (total / np.linalg.norm(total)).astype(np.float32)

    def prepare_queries(self):
        pass

    check_queries = prepare_queries

    def _direction(self, term):
        seed = int.from_bytes(hashlib.sha256(term.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).standard_normal(self.dimension)


class CapitalisedNames:
    """Reads two or more words with capitals as a person, what follows `in` as a place.

    A word of capitals is an organisation.
    """

    kinds = (
        (NameKind.PERSON, re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)+")),
        (NameKind.PLACE, re.compile(r"(?<=\bin )[A-Z][a-z]+\b(?! [A-Z])")),
        (NameKind.ORGANISATION, re.compile(r"\b[A-Z]{2,}\b")),
    )

    def __init__(self, version="1", languages=("en",)):
        self.version = version
        self.languages = languages
        self.read = []

    def models(self):
        return dict.fromkeys(self.languages, f"capitals {self.version}")

    def mentions(self, language, articles):
        self.read += articles
        return [
            [
                Mention(kind, found.group())
                for text in texts
                for kind, pattern in self.kinds
                for found in pattern.finditer(text)
            ]
            for texts in articles
        ]


class LateWorkers(Workers):
    """Does nothing before it is asked for the result, in place."""

    def __init__(self):
        super().__init__(0)

    def submit(self, function, *arguments):
        return LateTask(partial(function, *arguments))


class LateTask(Task):
    """Work that is done when its result is asked for, once."""

    def __init__(self, work):
        self.work = cache(work)

    def done(self):
        return False

    def result(self):
        return self.work()


class ReadyWorkers(Workers):
    """Works in place, and calls itself ready, as processes are that were started."""

    def __init__(self):
        super().__init__(0)

    def ready(self):
        return True
