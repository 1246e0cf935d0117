"""`import backfile`: an archive that a program opens, fills, searches and closes."""

import ast
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backfile
from backfile.archive.model.settings import DEFAULT_MODEL
from backfile.index.model.query import Copies, Mode, Sort
from backfile.index.vector.embedding.model import find_model
from tests.builders import ROOT, STORIES, app_in

HEAVY = {"numpy", "sqlalchemy", "whoosh", "chromadb", "torch", "flask", "click", "pydantic"}
WORDS = {"mode": "keyword"}


@pytest.fixture
def archive(tmp_path):
    """The stories, by words alone: no model is run."""
    with backfile.open(tmp_path / "archive", create=True) as opened:
        opened.index(STORIES, vectors=False)
        yield opened


def ids(answer):
    return [hit.article.id for hit in answer]


def test_importing_the_library_loads_no_engine():
    program = "import backfile, sys; print(sorted(set(sys.argv[1].split()) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program, " ".join(HEAVY)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_every_public_name_is_there_and_described():
    for name in backfile.__all__:
        assert getattr(backfile, name).__doc__, name
    assert set(backfile.__all__) <= set(dir(backfile))
    with pytest.raises(AttributeError, match="nothing"):
        _ = backfile.nothing


def test_the_public_surface_is_typed():
    for path in (ROOT / "scripts" / "library").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert node.returns is not None, f"{path.name}: {node.name}"


def test_the_example_in_the_document_runs(tmp_path, monkeypatch, capsys):
    text = (ROOT / "scripts" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "scripts/README.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out.startswith("3 new 0 refused\n3 strong {'en': 3}\n")
    assert len((tmp_path / "bridge.csv").read_text().splitlines()) == 4


def test_an_archive_is_made_only_when_asked(tmp_path):
    with pytest.raises(backfile.ArchiveMissing, match=str(tmp_path / "none")):
        backfile.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with backfile.open(tmp_path / "none", create=True) as archive:
        assert archive.status().articles == 0
        assert archive.search("", **WORDS).total == 0


def test_an_answer_has_its_hits_counts_and_pages(archive):
    answer = archive.search("ferry", limit=2, **WORDS)
    assert len(answer) == 2
    assert answer.total == answer.totals.articles == 3
    assert answer[0] is answer.hits[0]
    assert "ferry" in answer[0].passages[0].text.lower()
    start, end = answer[0].passages[0].highlights[0]
    assert answer[0].passages[0].text[start:end].lower() == "ferry"
    assert answer.facets["source"] == {"Courier": 2, "<i>Source</i>": 1}
    assert sum(each.count for each in answer.timeline.bins) == 3
    assert answer.span == (date(2023, 3, 15), date(2024, 3, 23))
    assert answer.verdict == "strong"
    assert answer[0].why.sentence.startswith('contains "ferry"')
    second = answer.next_page()
    assert answer.next
    assert second.next is second.next_page() is None
    assert [len(page) for page in answer.pages()] == [2, 1]
    assert len({each for page in answer.pages() for each in ids(page)}) == 3
    assert "3 articles, 2 on this page" in repr(answer)


def test_what_is_written_is_found_at_once(archive):
    assert archive.search("zeppelin", **WORDS).total == 0
    archive.index([{"id": "z", "title": "Zeppelin", "text": "It came."}], vectors=False)
    assert ids(archive.search("zeppelin", **WORDS)) == ["z"]
    assert archive.article("z").title == "Zeppelin"
    assert archive.remove("z") == 1
    assert archive.search("zeppelin", **WORDS).total == 0
    assert archive.remove(["z", "none"]) == 0
    with pytest.raises(backfile.ArticleNotFound):
        archive.article("z")


def test_a_page_is_cut_from_the_answer_it_belongs_to(archive):
    first = archive.search("", limit=4)
    archive.index([{"id": "new", "text": "News.", "date": "2025-01-01"}], vectors=False)
    found = ids(first) + ids(first.next_page())
    assert sorted(found) == sorted(story["id"] for story in STORIES)


def test_an_article_of_a_known_id_replaces_it_and_one_without_is_named_by_its_content(archive):
    changed = {"id": "ferry", "title": "Quite another title", "text": "The ferry is back."}
    report = archive.index([{"text": "Before it."}, changed], vectors=False)
    assert (report.new, report.changed, report.refused) == (1, 1, ())
    assert archive.article("ferry").title == "Quite another title"
    again = [changed, {"text": "Another text."}, {"text": "Before it."}]
    report = archive.index(again, vectors=False)
    assert (report.new, report.unchanged) == (1, 2)
    assert archive.status().articles == len(STORIES) + 2


def test_an_article_goes_from_one_archive_to_another(archive, tmp_path):
    article = archive.article("bridge")
    with backfile.open(tmp_path / "other", create=True) as other:
        report = other.index([article], vectors=False)
        assert report.new == 1
        assert other.article("bridge") == article


class Odd:
    """Nothing that an article could be made of."""


BAD = [
    ({"id": "a", "text": b"bytes"}, "its field 'text' is of type bytes"),
    ({"id": "a", "text": "x", "Headline": Odd()}, "its field 'Headline' is of type Odd"),
    ({"id": "a", "text": "x", "authors": {"A", "B"}}, "its field 'authors' is of type set"),
    ({"id": "a", "text": ["x", object()]}, "its field 'text' is of type object"),
    ({"id": "a"}, "no text and no title"),
    ({}, "no text and no title"),
    (["a"], "neither a dict nor an Article, but of type list"),
    (None, "neither a dict nor an Article, but of type NoneType"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_dict_that_cannot_be_an_article_is_refused_and_the_rest_is_kept(archive, bad, reason):
    good = {"id": "good", "text": "It is good."}
    report = archive.index([good, bad, {"id": "better", "text": "It is."}], vectors=False)
    assert report.new == 2
    (refused,) = report.refused
    assert refused.origin == "<python>:2"
    assert reason in refused.reason
    assert refused.record in (bad, None)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"gist": "The ferry stops."}, "gist"),
        ({"$standard": {"name": "ninjs"}, "body_text": "The ferry stops."}, "body_text"),
    ],
)
def test_what_a_refusal_says_to_do_works_in_python(archive, record, text):
    (refused,) = archive.index([record], vectors=False).refused
    assert 'fields={"text": NAME}' in refused.reason
    assert "--map" not in refused.reason
    assert archive.index([record], fields={"text": text}, vectors=False).new == 1


def test_two_outlets_number_from_one_and_both_are_kept(archive):
    rows = [
        {"id": 1, "source": source, "title": title, "text": title, "date": "2024-03-01"}
        for source, title in [("Alpha", "Ferry sinks"), ("Beta", "Mayor opens library")]
    ]
    assert [archive.index([row], vectors=False).new for row in rows] == [1, 1]
    assert archive.index(rows[::-1], vectors=False).unchanged == 2
    assert archive.article("1").title == "Ferry sinks"


def test_a_refused_dict_is_named(archive):
    report = archive.index([{"Title": "Ferry late", "text": b"x"}], vectors=False)
    assert "title 'Ferry late'" in report.refused[0].reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": None}, "its field 'title' is of type NoneType (id 'bridge')"),
        ({"source": 5}, "its field 'source' is of type int"),
        ({"authors": ["A"]}, "its field 'authors' is of type list"),
        ({"authors": ("A", 1)}, "its field 'authors'"),
        ({"published": datetime(2024, 1, 1, tzinfo=UTC)}, "'published' is of type datetime"),
        ({"date_source": "field"}, "its field 'date_source' is of type str"),
        ({"text": "half \ud800"}, "its field 'text' holds half of a surrogate pair"),
        ({"id": ""}, "its field 'id' is empty"),
    ],
)
def test_an_article_with_a_wrong_field_is_refused(archive, changes, reason):
    bad = replace(archive.article("bridge"), **changes)
    (refused,) = archive.index([bad], vectors=False).refused
    assert reason in refused.reason


def test_values_are_read_as_tables_hold_them(archive):
    record = {
        "id": 7,
        "Body": ["First paragraph.", "Second one."],
        "date": datetime(2024, 3, 23, 23, 30, tzinfo=UTC),
        "source": float("nan"),
        "authors": ("Ana Ruiz", "José Núñez"),
        "ignored": object(),
    }
    report = archive.index([record], fields={"text": "Body"}, vectors=False)
    assert report.refused == ()
    article = archive.article("7")
    assert article.text == "First paragraph.\n\nSecond one."
    assert article.published == date(2024, 3, 23)
    assert article.published_at == record["date"]
    assert article.source == ""
    assert article.authors == record["authors"]


def test_dates_in_figures_are_read_in_the_order_that_is_given(archive):
    for order, day in (("DMY", date(2024, 11, 4)), ("MDY", date(2024, 4, 11))):
        record = {"id": "d", "text": "A text.", "date": "04/11/2024"}
        archive.index([record], date_order=order, vectors=False)
        assert archive.article("d").published == day


@pytest.mark.parametrize("wrong", [{"fields": {"body": "Body"}}, {"date_order": "YDM"}])
def test_a_wrong_way_to_read_is_named(archive, wrong):
    with pytest.raises(backfile.BadSetting) as caught:
        archive.index([], **wrong)
    assert caught.value.name in wrong


def test_a_wrong_number_of_threads_is_named(tmp_path):
    with pytest.raises(backfile.BadSetting, match="threads: -1 is less than 0"):
        backfile.open(tmp_path, create=True, threads=-1)


def test_one_thing_in_place_of_many_is_a_mistake_of_the_program(archive):
    for one in ({"id": "a", "text": "x"}, archive.article("bridge"), "text"):
        with pytest.raises(TypeError, match="a list of articles"):
            archive.index(one)


def test_what_came_before_an_error_of_the_iterable_is_indexed(archive):
    def broken():
        yield {"id": "before", "text": "A walrus came."}
        raise LookupError("the database went away")

    with pytest.raises(LookupError, match="went away"):
        archive.index(broken(), vectors=False)
    assert ids(archive.search("walrus", **WORDS)) == ["before"]


class Row(dict):
    """A dict of which one can see whether it is still held."""


def rows(count, held):
    for number in range(count):
        row = Row(id=number, title=f"Notice {number}", text=f"The ferry to pier {number} is late.")
        held.add(row)
        yield row


class Held:
    """Counts what is alive of all that was added."""

    def __init__(self):
        self.now = self.most = 0

    def add(self, thing):
        self.now += 1
        self.most = max(self.most, self.now)
        weakref.finalize(thing, self._let_go)

    def _let_go(self):
        self.now -= 1


@pytest.mark.long
def test_a_generator_is_streamed_and_progress_is_told(archive):
    held, told = Held(), []
    report = archive.index(
        rows(1_200, held), vectors=False, progress=lambda *each: told.append(each)
    )
    assert report.new == report.read == 1_200
    assert held.most <= 2
    assert {stage for stage, _, _ in told} == {"reading", "words"}
    assert max(done for stage, done, _ in told if stage == "reading") == 1_200
    assert archive.search("pier 777", **WORDS).total >= 1


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_twenty_thousand_dicts_are_indexed_in_bounded_memory(archive):
    archive.index(rows(2_000, Held()), vectors=False)  # whatever is loaded only once
    tracemalloc.start()
    try:
        report = archive.index(rows(20_000, Held()), vectors=False)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.new == 18_000
    assert most < 300e6  # bytes; 208e6 were measured


def test_an_archive_is_searched_from_many_threads_while_one_writes(archive):
    wanted = ids(archive.search("ferry", **WORDS))
    with ThreadPoolExecutor(8) as pool:
        searches = [pool.submit(lambda: ids(archive.search("ferry", **WORDS))) for _ in range(40)]
        more = [{"id": f"n{n}", "text": f"Notice {n}."} for n in range(20)]
        assert archive.index(more, vectors=False).new == 20
    assert all(each.result() == wanted for each in searches)


def test_a_second_writer_is_told_that_the_archive_is_busy(archive):
    begun, enough = threading.Event(), threading.Event()

    def slow():
        begun.set()
        enough.wait(60)
        yield {"id": "slow", "text": "It came late."}

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(archive.index, slow(), vectors=False)
        begun.wait(60)
        try:
            with pytest.raises(backfile.ArchiveBusy):
                archive.index([], vectors=False)
        finally:
            enough.set()
        assert first.result().new == 1


def test_an_archive_opened_before_a_fork_works_in_the_child(archive):
    expected = ids(archive.search("ferry", **WORDS))
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.write(writes, json.dumps(ids(archive.search("ferry", **WORDS))).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writes)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reads, "rb") as stream:
        assert json.loads(stream.read() or "null") == expected
    assert status == 0
    assert ids(archive.search("ferry", **WORDS)) == expected
    assert archive.index([{"id": "after", "text": "After it."}], vectors=False).new == 1


def test_an_archive_can_be_sent_to_another_process(archive):
    with pickle.loads(pickle.dumps(archive)) as again:
        assert ids(again.search("ferry", **WORDS)) == ids(archive.search("ferry", **WORDS))


@pytest.mark.long
def test_a_script_without_a_main_guard_is_run_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import backfile\n"
        "print('run')\n"
        f"with backfile.open({str(tmp_path / 'archive')!r}, create=True, threads=2) as archive:\n"
        "    rows = ({'id': n, 'text': f'Number {n}.'} for n in range(600))\n"
        "    print(archive.index(rows, vectors=False).new)\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, timeout=250
    )
    assert (done.stdout, done.stderr) == ("run\n600\n", "")


def test_a_closed_archive_says_so(tmp_path):
    archive = backfile.open(tmp_path / "archive", create=True)
    archive.close()
    archive.close()
    for use in (archive.search, archive.status, lambda: archive.index([])):
        with pytest.raises(backfile.ArchiveClosed, match="open it again"):
            use()


def test_an_archive_is_opened_with_its_own_model_unless_another_is_named(archive, tmp_path):
    path = tmp_path / "archive" / "manifest.json"
    manifest = json.loads(path.read_text())
    own = str(find_model(DEFAULT_MODEL))  # the same weights under another name
    path.write_text(json.dumps(manifest | {"model": own}))
    with backfile.open(tmp_path / "archive") as again:
        assert again.status().model == own
        assert again.index([{"id": "a", "text": "It is."}], vectors=False).new == 1
    path.write_text(json.dumps(manifest | {"model": own, "weights": "0" * 64}))
    with pytest.raises(backfile.ArchiveMismatch, match=own):
        backfile.open(tmp_path / "archive", model=DEFAULT_MODEL)


def test_every_error_is_one_of_the_archive():
    errors = [
        value
        for name in backfile.__all__
        if isinstance(value := getattr(backfile, name), type) and issubclass(value, Exception)
    ]
    assert len(errors) > 8
    assert all(issubclass(error, backfile.ArchiveError) for error in errors)


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]
        assert not any(name.startswith("on") for name, _ in attrs)


def test_what_a_notebook_shows_is_escaped(archive):
    hostile = {
        "id": '"><script>alert(1)</script>',
        "title": "<script>alert('harbour')</script>",
        "text": "Harbour <img src=x onerror=alert(1)> dues <b>rise</b>.",
        "author": "<a href=x>A</a>",
        "source": "<i>S</i>",
        "url": 'https://courier.example/"><script>',
    }
    archive.index([hostile], vectors=False)
    answer = archive.search("harbour <script>", **WORDS)
    assert len(answer) >= 2
    for shown in (answer, *answer):
        page = Tags(shown._repr_html_())
        assert page.tags <= {"p", "i", "ol", "li", "article", "b", "br", "small", "mark", "a"}
        assert not any(link.startswith("javascript") for link in page.links)
    assert "<mark>Harbour</mark> dues" in answer._repr_html_()
    assert "&lt;img src=x onerror=alert(1)&gt;" in answer._repr_html_()


def test_an_export_is_what_the_web_and_the_shell_write(archive, tmp_path):
    client = app_in(tmp_path / "archive").test_client()
    for kind in ("csv", "jsonl", "ris"):
        export = archive.export("ferry", format=kind, source="Courier", **WORDS)
        assert export.total == 2
        given = {"q": "ferry", "source": "Courier", **WORDS}
        page = client.get(f"/export.{kind}", query_string=given).get_data(as_text=True)
        assert "".join(export) == page.removeprefix("\ufeff")
    with pytest.raises(backfile.BadQuery, match="format"):
        archive.export("ferry", format="xml")


def test_related_coverage_takes_the_limit_of_the_api(archive):
    assert archive.related("bridge", limit=3).coverage == 0
    with pytest.raises(backfile.BadQuery, match="limit"):
        archive.related("bridge", limit=51)
    with pytest.raises(backfile.ArticleNotFound):
        archive.related("nobody")


days = st.none() | st.dates(date(2022, 1, 1), date(2025, 12, 31))
choices = {
    "mode": st.sampled_from([*Mode, "keyword"]),
    "since": days.map(lambda day: day and max(day, date(2022, 6, 1))) | st.just(2023),
    "until": st.sampled_from(["2025", "2025-06", None]),
    "date": st.sampled_from(["any", "none"]),
    "source": st.sampled_from(["Coastal Courier", ["coastal courier", "Hafenbote"], []]),
    "not_section": st.sampled_from(["Sport", ("Sport", "Culture"), None]),
    "language": st.sampled_from(["en", ["de"], None]),
    "sort": st.sampled_from(Sort),
    "copies": st.sampled_from(Copies),
    "limit": st.integers(1, 30) | st.none(),
}
texts = st.sampled_from(["swing bridge", "why was the bridge shut", '"river Ash"', "", "zxqv"])


def as_url(value):
    values = value if isinstance(value, list | tuple) else [value]
    return [str(each) for each in values if each is not None]


@pytest.fixture(scope="module")
def both(sample):
    """The sample archive, in the library and behind the API."""
    client = app_in(sample).test_client()
    with backfile.open(sample) as archive:
        yield archive, client


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=texts, parameters=st.fixed_dictionaries({}, optional=choices))
def test_the_library_and_the_api_give_the_same_answer(both, text, parameters):
    archive, client = both
    url = {"q": text} | {name: as_url(value) for name, value in parameters.items()}
    expected = client.get("/api/search", query_string=url).json
    found = archive.search(text, **parameters).as_dict()
    for answer in (expected, found):
        del answer["took_ms"]
    assert json.loads(json.dumps(found)) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "magic"},
        {"since": "soon"},
        {"since": 2024, "until": 2023},
        {"until": "2024-02-30"},
        {"day": "13-45"},
        {"sort": "best"},
        {"copies": True},
        {"limit": 0},
        {"limit": 2.5},
        {"cursor": "next"},
    ],
)
def test_a_wrong_value_is_the_same_error_as_in_the_url(both, wrong):
    archive, client = both
    url = {name: as_url(value) for name, value in wrong.items()}
    problem = client.get("/api/search", query_string=url).json
    with pytest.raises(backfile.BadQuery) as caught:
        archive.search("bridge", **wrong)
    assert str(caught.value) == problem["detail"]
    assert caught.value.field in wrong


def test_an_unknown_parameter_is_named(archive):
    with pytest.raises(backfile.BadQuery, match="sources: there is no such parameter") as caught:
        archive.search("bridge", sources="Courier")
    assert caught.value.field == "sources"
