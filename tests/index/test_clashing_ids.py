"""Tests of ids that several articles claim: none takes another's place, and each is found again."""

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.follow.client import Fetcher
from backfile.archive.follow.feeds import FeedRun, Subscriptions
from backfile.archive.formats import fields
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import DateCertainty, DateSource, Origin
from backfile.archive.model.dates import DateSpan
from backfile.archive.model.errors import WithdrawnArticle
from backfile.archive.model.ids import former_ids, is_global
from backfile.archive.store.catalog import Changes
from backfile.archive.store.rereading import Rereading
from backfile.index.indexing.identity import are_of_one_story
from backfile.index.indexing.stages import Sizes
from backfile.index.indexing.verify import verify
from tests.archive.web_server import WebServer
from tests.builders import engines_in, fill, indexer_of, nitf

DAY = date(2024, 3, 1)
STORIES = {
    "Alpha": ("Ferry sinks in storm", "A ferry sank in the storm off the northern cape."),
    "Beta": ("Mayor opens library", "The mayor opened the new library on the square."),
    "Gamma": ("Bakery closes", "The bakery closed its doors after a century on the corner."),
}


class Input(list):
    """Articles and withdrawals as an input."""

    bytes_done = bytes_total = 0


@pytest.fixture
def opened(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    yield made
    made.catalog.close()


@pytest.fixture(scope="session")
def entry(make_article):
    """Make an entry of an outlet's feed; all have one id."""

    def make(outlet, title="", text="", *, days=0, article_id="news-12", **changes):
        usual_title, usual_text = STORIES[outlet]
        title, text = title or usual_title, text or usual_text
        slug = "-".join(title.lower().split())
        return make_article(
            **{
                "id": article_id,
                "title": title,
                "text": text,
                "published": DAY + timedelta(days=days),
                "date_source": DateSource.FIELD,
                "date_certainty": DateCertainty.CERTAIN,
                "source": f"{outlet} News",
                "url": f"https://{outlet.lower()}.example/{slug}",
                "origin": Origin(f"https://{outlet.lower()}.example/rss", 1),
                **changes,
            }
        )

    return make


def read(engines, *found, **options):
    return indexer_of(engines, **options).index(Input(found))


def counted(report):
    return report.new, report.changed, report.unchanged, report.duplicate, len(report.refused)


def titles(engines):
    return sorted(article.title for article, _ in engines.catalog.digests())


def ids(engines):
    return {article.title: article.id for article, _ in engines.catalog.digests()}


@pytest.mark.parametrize("days", [(0, 0, 0), (0, 4, 9)])
@pytest.mark.parametrize("at_once", [True, False])
def test_an_id_of_three_outlets_is_that_of_three_articles(opened, entry, days, at_once):
    entries = [entry(outlet, days=n) for outlet, n in zip(STORIES, days, strict=True)]
    for some in [entries] if at_once else [[each] for each in entries]:
        assert counted(read(opened, *some)) == (len(some), 0, 0, 0, 0)
    first = ids(opened)
    assert first["Ferry sinks in storm"] == "news-12"
    for again in (entries, entries[::-1], entries[1:], entries[2:]):
        assert counted(read(opened, *again)) == (0, 0, len(again), 0, 0)
    assert ids(opened) == first
    assert all(opened.catalog.history.count(each) == 0 for each in first.values())


def test_each_outlet_corrects_its_own_article(opened, entry):
    read(opened, *map(entry, STORIES))
    before = ids(opened)
    for outlet, (title, text) in reversed(STORIES.items()):
        report = read(opened, entry(outlet, text=text + " More is to come."))
        assert counted(report) == (0, 1, 0, 0, 0)
        (former,) = opened.catalog.history.of(before[title])
        assert former.article.text == text
    assert ids(opened) == before
    assert list(verify(opened)) == []


def test_the_correction_of_a_title_finds_its_article_under_a_longer_id(opened, entry):
    read(opened, *map(entry, STORIES))
    assert counted(read(opened, entry("Beta", "Library opened by mayor"))) == (0, 1, 0, 0, 0)
    assert titles(opened) == ["Bakery closes", "Ferry sinks in storm", "Library opened by mayor"]


@pytest.mark.parametrize("at_once", [True, False])
def test_an_id_that_an_outlet_uses_again_is_that_of_another_article(opened, entry, at_once):
    weeks = [
        entry("Alpha"),
        entry("Alpha", "Council votes", "The council voted on the ferry's successor.", days=1),
        entry("Alpha", "Harbour dredged", "Ships may enter the harbour by night again.", days=2),
        entry("Alpha", "Pier painted", "It is green now, and visitors are pleased.", days=2),
    ]
    for some in [weeks] if at_once else [[each] for each in weeks]:
        assert counted(read(opened, *some)) == (len(some), 0, 0, 0, 0)
    for again in (weeks, weeks[::-1], weeks[2:]):
        assert counted(read(opened, *again)) == (0, 0, len(again), 0, 0)


def test_two_stories_that_a_feed_has_side_by_side_are_two_whichever_comes_first(opened, entry):
    first = entry("Alpha", text="The ferry stops. It stopped at noon, the board says.")
    later = entry("Alpha", "Ferry runs again", "The ferry runs. It stopped at noon, we said.")
    read(opened, first)
    assert counted(read(opened, later, first)) == (1, 0, 1, 0, 0)


def test_a_column_of_one_title_is_another_article_each_day(opened, entry):
    first = entry("Alpha", "Weather", "Rain in the morning, and wind from the west.")
    second = entry("Alpha", "Weather", "Sunny all day; the tide is high at nine.", days=1)
    second = replace(second, url="https://alpha.example/weather-2")
    moved = replace(first, published=DAY + timedelta(days=1), text=first.text + " Take a coat.")
    read(opened, first)
    assert counted(read(opened, moved)) == (0, 1, 0, 0, 0)
    assert counted(read(opened, replace(second, published=DAY + timedelta(3)))) == (1, 0, 0, 0, 0)


def test_two_outlets_with_one_title_are_two_articles(opened, entry):
    entries = [entry(outlet, "Weather", url="") for outlet in STORIES]
    assert counted(read(opened, *entries)) == (3, 0, 0, 0, 0)
    assert counted(read(opened, *entries)) == (0, 0, 3, 0, 0)


def test_more_stories_of_one_day_than_there_are_scopes_are_all_kept(opened, entry):
    entries = [entry("Alpha", f"Story {n}", f"Text {n} of its own.", url="") for n in range(40)]
    assert counted(read(opened, *entries)) == (40, 0, 0, 0, 0)
    assert counted(read(opened, *reversed(entries))) == (0, 0, 40, 0, 0)


def test_ids_are_judged_across_batches_that_are_not_on_the_record_yet(opened, entry):
    one = Sizes(batches=(1, 1))
    entries = [entry(outlet, f"{outlet} {n}", days=n) for n in range(3) for outlet in STORIES]
    assert counted(read(opened, *entries, sizes=one)) == (9, 0, 0, 0, 0)
    assert counted(read(opened, *entries, sizes=one)) == (0, 0, 9, 0, 0)


def test_what_is_removed_leaves_the_others_and_their_ids(opened, entry):
    entries = [entry(outlet) for outlet in STORIES]
    read(opened, *entries)
    before = ids(opened)
    indexer_of(opened).remove(["news-12"])
    assert counted(read(opened, *entries[1:])) == (0, 0, 2, 0, 0)
    assert counted(read(opened, *entries)) == (1, 0, 2, 0, 0)
    assert ids(opened) == before


def test_a_withdrawal_takes_out_the_article_of_its_own_outlet(opened, entry):
    def withdrawn(outlet):
        return WithdrawnArticle(
            "9.xml", "news-12", 2, "canceled", source=f"{outlet} News", date_span=DateSpan(DAY, DAY)
        )

    entries = [entry(outlet) for outlet in ("Alpha", "Beta")]
    read(opened, *entries)
    assert read(opened, withdrawn("Beta")).withdrawn == 1
    assert titles(opened) == ["Ferry sinks in storm"]
    assert counted(read(opened, *entries)) == (0, 0, 1, 0, 1)  # it stays withdrawn
    assert read(opened, withdrawn("Alpha")).withdrawn == 1
    gamma = entry("Gamma")
    assert counted(read(opened, gamma)) == (1, 0, 0, 0, 0)  # though its id was withdrawn
    assert counted(read(opened, *entries, gamma)) == (0, 0, 1, 0, 2)


def test_a_withdrawal_that_comes_first_keeps_out_its_own_outlet_alone(opened, entry):
    read(opened, entry("Alpha"))
    read(opened, WithdrawnArticle("9.xml", "news-12", 2, "canceled", source="Beta News"))
    assert titles(opened) == ["Ferry sinks in storm"]
    report = read(opened, *map(entry, STORIES))
    assert counted(report) == (1, 0, 1, 0, 1)
    assert "withdrawn by its source" in str(report.refused[0])


def test_an_agency_withdraws_its_item_and_no_other_agencys(opened, tmp_path):
    files = {"a": nitf(), "b": nitf().replace("Coastal Courier", "Ash Herald")}
    files["b"] = files["b"].replace("Night ferry stops", "Council votes")
    for name, content in files.items():
        (tmp_path / f"{name}.xml").write_text(content)
        assert fill(opened, tmp_path / f"{name}.xml").new == 1
    canceled = nitf(status=' management-status="canceled"').replace("Coastal Courier", "Ash Herald")
    (tmp_path / "c.xml").write_text(canceled)
    assert fill(opened, tmp_path / "c.xml").withdrawn == 1
    assert titles(opened) == ["Night ferry stops"]


def test_two_followed_feeds_with_one_id_keep_their_articles(opened, tmp_path):
    def follow(*urls):
        subscriptions = Subscriptions(tmp_path / "followed.json")
        return indexer_of(opened).index(FeedRun(urls, subscriptions, Fetcher(private=True)))

    with WebServer() as server:
        for outlet in STORIES:
            server.answers[f"/{outlet}"] = (200, {}, feed(outlet, "rss").encode())
        urls = [server.url(f"/{outlet}") for outlet in STORIES]
        assert [counted(follow(url)) for url in urls] == 3 * [(1, 0, 0, 0, 0)]
        assert counted(follow(*reversed(urls))) == (0, 0, 3, 0, 0)
        later = feed("Beta", "rss").replace("2024-03-01", "2024-03-05")
        later = later.replace("Mayor opens library", "Council votes")
        later = later.replace(STORIES["Beta"][1], "It was five to four, after a long night.")
        server.answers["/Beta"] = (200, {}, later.encode())
        assert counted(follow(*urls)) == (1, 0, 2, 0, 0)
        assert counted(follow(*urls)) == (0, 0, 3, 0, 0)
    assert len(titles(opened)) == 4


def feed(outlet, kind):
    """One story of an outlet as a file of this kind, with the id 1."""
    title, text = STORIES[outlet]
    day, host = DAY.isoformat(), f"https://{outlet.lower()}.example"
    if kind == "csv":
        return f"id,title,text,date,source\n1,{title},{text},{day},{outlet}\n"
    if kind == "json":
        item = {"id": "1", "title": title, "content_text": text, "date_published": day}
        version = "https://jsonfeed.org/version/1.1"
        return json.dumps({"version": version, "title": outlet, "items": [item]})
    if kind == "jsonl":
        record = {"id": 1, "headline": title, "body": text, "date": day, "url": f"{host}/1"}
        return json.dumps(record)
    if kind == "eml":
        lines = [f"From: {outlet} <desk@{outlet}.example>", "To: all@list.example"]
        lines += [f"Subject: {title}", "Date: Fri, 01 Mar 2024 08:00:00 +0000", "Message-ID: <1>"]
        return "\n".join([*lines, "", text])
    if kind == "atom":
        entry = f"<title>{title}</title><id>1</id><published>{day}T08:00:00Z</published>"
        entry += f"<summary>{text}</summary>"
        names = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>{outlet}</title>'
        return f"{names}<entry>{entry}</entry></feed>"
    item = f'<title>{title}</title><guid isPermaLink="false">1</guid><pubDate>{day}</pubDate>'
    item += f"<description>{text}</description>"
    return (
        f'<rss version="2.0"><channel><title>{outlet}</title><link>{host}</link>'
        f"<item>{item}</item></channel></rss>"
    )


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "eml", "atom", "rss"])
@pytest.mark.parametrize("at_once", [True, False])
def test_an_id_counts_within_its_outlet_in_every_format(opened, tmp_path, kind, at_once):
    paths = [tmp_path / f"{outlet}.{kind}" for outlet in STORIES]
    for path in paths:
        path.write_text(feed(path.stem, kind))
    for some in [paths] if at_once else [[path] for path in paths]:
        assert counted(fill(opened, *some)) == (len(some), 0, 0, 0, 0)
    assert titles(opened) == sorted(title for title, _ in STORIES.values())
    assert counted(fill(opened, *reversed(paths))) == (0, 0, 3, 0, 0)
    paths[0].unlink()
    assert counted(fill(opened, *paths[1:])) == (0, 0, 2, 0, 0)


def test_a_table_that_is_numbered_anew_each_day_loses_nothing(opened, tmp_path):
    path = tmp_path / "today.csv"
    for outlet, day in zip(STORIES, (1, 2, 3), strict=True):
        title, text = STORIES[outlet]
        path.write_text(f"id,title,text,date\n1,{title},{text},2024-03-0{day}\n")
        assert counted(fill(opened, path)) == (1, 0, 0, 0, 0)
        assert counted(fill(opened, path)) == (0, 0, 1, 0, 0)


def test_reading_originals_again_finds_each_under_its_id(opened, tmp_path):
    originals = opened.catalog.originals
    for outlet in STORIES:
        (tmp_path / f"{outlet}.xml").write_text(feed(outlet, "rss"))
        source = Reading([tmp_path / f"{outlet}.xml"], FieldMap(), originals=originals)
        assert indexer_of(opened).index(source).new == 1
    before = ids(opened)
    assert counted(indexer_of(opened).index(Rereading(opened.catalog))) == (0, 0, 3, 0, 0)
    indexer_of(opened).remove([before["Mayor opens library"]])
    assert counted(indexer_of(opened).index(Rereading(opened.catalog))) == (0, 0, 2, 0, 0)
    assert titles(opened) == ["Bakery closes", "Ferry sinks in storm"]


news = st.lists(
    st.tuples(
        st.sampled_from(list(STORIES)),
        st.sampled_from(["1", "2", "urn:news:1"]),
        st.integers(0, 2),  # the story
        st.integers(0, 1),  # the day
        st.booleans(),  # in a feed
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(runs=st.lists(news, max_size=3))
def test_nothing_is_lost_and_a_second_reading_changes_nothing(runs, tmp_path_factory, entry):
    words = ["storm cape boats noon", "tax vote mayor hall", "bread oven dawn flour"]

    def made(outlet, article_id, story, day, fetched):
        title, text = f"{outlet} {story}", words[story]
        found = entry(outlet, title, text, days=day, article_id=article_id)
        # Each has a line of its own. A line that another outlet's article had is a changed file.
        name = f"{outlet} {article_id}" if is_global(article_id) else article_id
        place = Origin(f"{name}.jsonl", 1 + story + 4 * day)
        url = found.url if outlet == "Alpha" else ""
        return replace(found, origin=found.origin if fetched else place, url=url)

    folder = tmp_path_factory.mktemp("laws")
    engines = engines_in(folder / "archive", in_memory=True)
    batches = [[made(*each) for each in run] for run in runs]
    for batch in batches:
        assert read(engines, *batch).refused == []
    held = list(engines.catalog.digests())
    kept = {(article.source, article.title) for article, _ in held}
    for article, _ in held:
        versions = [version.article for version in engines.catalog.history.of(article.id)]
        kept |= {(each.source, each.title) for each in versions}
        assert is_global(article.id) or {each.source for each in versions} <= {article.source}
    every = [each for batch in batches for each in batch]
    assert {(each.source, each.title) for each in every} <= kept
    for batch in batches[::-1]:
        report = read(engines, *batch)
        assert (report.new, report.changed, report.refused) == (0, 0, [])
    now = {(article.id, digest) for article, digest in engines.catalog.digests()}
    assert now == {(article.id, digest) for article, digest in held}
    engines.catalog.close()


def test_an_archive_that_an_older_release_mixed_up_gets_the_lost_article_back(opened, entry):
    alpha, beta = entry("Alpha"), entry("Beta")
    read(opened, alpha)
    read(opened, replace(alpha, title="Ferry", text="The ferry sank in the storm."))
    with opened.catalog._database.writing() as connection:
        changed = {"title": beta.title, "text": beta.text, "source": beta.source, "url": beta.url}
        names = ", ".join(f"{name} = ?" for name in [*changed, "digest"])
        change = f"UPDATE articles SET {names}"
        connection.exec_driver_sql(change, (*changed.values(), beta.digest))
    assert counted(read(opened, alpha, beta)) == (1, 0, 1, 0, 0)
    assert counted(read(opened, beta, alpha)) == (0, 0, 2, 0, 0)


def write(folder, **texts):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(f"Title of {text}\n\nThe text of {text}.")
    return folder


def test_a_folder_that_is_renamed_or_copied_has_the_same_articles(opened, tmp_path):
    folder = write(tmp_path / "news" / "2024", a="Ash", b="Birch", c="Cedar")
    (folder / "rows.csv").write_text("title,text\nElm,Elm fell.\nFir,Fir fell.\n")
    assert counted(fill(opened, folder)) == (5, 0, 0, 0, 0)
    before = ids(opened)
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "copy")
    assert counted(fill(opened, copy)) == (0, 0, 0, 5, 0)
    shutil.rmtree(copy)
    renamed = folder.rename(tmp_path / "renamed")
    assert counted(fill(opened, renamed)) == (0, 0, 5, 0, 0)
    write(renamed, b="Birch, felled")
    assert counted(fill(opened, tmp_path / "renamed")) == (0, 1, 4, 0, 0)
    assert {*ids(opened).values()} == {*before.values()}
    other = engines_in(tmp_path / "other", in_memory=True)
    fill(other, write(tmp_path / "third", a="Ash"))
    assert ids(other)["Title of Ash"] == before["Title of Ash"]
    other.catalog.close()


def test_a_folder_that_is_renamed_takes_its_originals_along(opened, tmp_path):
    def index(folder):
        source = Reading([folder], FieldMap(), originals=opened.catalog.originals)
        return counted(indexer_of(opened).index(source))

    folder = write(tmp_path / "news", a="Ash", b="Birch")
    assert index(folder) == (2, 0, 0, 0, 0)
    renamed = folder.rename(tmp_path / "renamed")
    assert index(renamed) == (0, 0, 2, 0, 0)
    assert {file.place for file, _ in opened.catalog.originals} == {
        str(path) for path in renamed.iterdir()
    }
    write(renamed, a="Ash, felled")
    assert index(renamed) == (0, 1, 1, 0, 0)


def test_a_row_that_is_changed_back_is_changed(opened, tmp_path):
    path = tmp_path / "rows.csv"
    for text, expected in [("Rain.", (1, 0)), ("Snow.", (0, 1)), ("Rain.", (0, 1))]:
        path.write_text(f"id,title,text\n1,Sky,{text}\n")
        assert counted(fill(opened, path))[:2] == expected
        assert opened.catalog.article("1").text == text


def test_rows_without_ids_keep_theirs_when_one_is_put_before_them(opened, tmp_path):
    path = tmp_path / "rows.csv"
    rows = ["Elm,Elm fell.", "Fir,Fir fell."]
    path.write_text("\n".join(["title,text", *rows]))
    fill(opened, path)
    before = ids(opened)
    path.write_text("\n".join(["title,text", "Oak,Oak fell.", *reversed(rows)]))
    assert counted(fill(opened, path)) == (1, 0, 2, 0, 0)
    assert before.items() <= ids(opened).items()


@pytest.mark.parametrize("changed", ["a", "b"])
def test_of_two_equal_files_one_that_is_changed_leaves_the_other(opened, tmp_path, changed):
    folder = write(tmp_path / "news", a="Ash", b="Ash")
    assert counted(fill(opened, folder)) == (1, 0, 0, 1, 0)
    assert counted(fill(opened, folder)) == (0, 0, 1, 1, 0)
    write(folder, **{changed: "Birch"})
    assert fill(opened, folder).new == 1
    assert titles(opened) == ["Title of Ash", "Title of Birch"]
    report = fill(opened, folder)
    assert (report.new, report.changed) == (0, 0)
    other = "b" if changed == "a" else "a"
    write(folder, **{other: "Cedar"})  # now that one is changed, too
    assert counted(fill(opened, folder)) == (0, 1, 1, 0, 0)
    assert titles(opened) == ["Title of Birch", "Title of Cedar"]


def test_a_file_that_becomes_what_another_one_was_is_another_article(opened, tmp_path):
    folder = write(tmp_path / "news", a="Ash")
    fill(opened, folder)
    write(folder, a="Birch")
    assert fill(opened, folder).changed == 1
    write(folder, b="Ash")
    assert counted(fill(opened, folder)) == (1, 0, 1, 0, 0)
    assert counted(fill(opened, folder)) == (0, 0, 2, 0, 0)


def test_files_that_change_names_keep_their_articles(opened, tmp_path):
    folder = write(tmp_path / "news", a="Ash", b="Birch")
    fill(opened, folder)
    before = ids(opened)
    write(folder, a="Birch", b="Cedar", c="Ash")
    assert counted(fill(opened, folder)) == (1, 0, 2, 0, 0)
    assert before.items() <= ids(opened).items()


def of_older_release(engines, folder):
    """Give the articles of a folder the ids that older releases gave them."""
    with engines.catalog._database.writing() as connection:
        for name in ("articles", "versions"):
            rows = connection.exec_driver_sql(f"SELECT id, origin_file FROM {name}")
            for article_id, file in rows.all():
                key = f"{folder.name}/{file.rpartition('/')[2]}"
                change = f"UPDATE {name} SET id = ? WHERE id = ?"
                connection.exec_driver_sql(change, (former_ids(key, 1)[0], article_id))


def test_articles_of_an_older_archive_keep_their_ids(opened, tmp_path):
    folder = write(tmp_path / "news", a="Ash", b="Birch", c="Cedar")
    fill(opened, folder)
    write(folder, c="Cedar, felled")
    fill(opened, folder)
    of_older_release(opened, folder)
    before = ids(opened)
    assert all(each.startswith("file-") for each in before.values())
    assert counted(fill(opened, folder)) == (0, 0, 3, 0, 0)
    renamed = folder.rename(tmp_path / "renamed")
    assert counted(fill(opened, renamed)) == (0, 0, 3, 0, 0)
    write(renamed, a="Ash, felled")
    assert counted(fill(opened, renamed)) == (0, 1, 2, 0, 0)
    assert {*ids(opened).values()} == {*before.values()}
    assert opened.catalog.history.count(before["Title of Cedar, felled"]) == 1


def test_equal_files_that_are_two_articles_of_an_older_archive_stay_so(opened, tmp_path):
    folder = write(tmp_path / "news", a="Ash", b="Ash")
    (article, _) = Reading([folder], FieldMap())
    places = [Origin(str(folder / f"{name}.txt"), 1) for name in "ab"]
    former = [former_ids(f"news/{name}.txt", 1)[0] for name in "ab"]
    pairs = zip(former, places, strict=True)
    old = [replace(article, id=each, origin=place) for each, place in pairs]
    opened.catalog.write(Changes([(each, []) for each in old]))
    renamed = folder.rename(tmp_path / "renamed")
    assert counted(fill(opened, renamed)) == (0, 0, 2, 0, 0)
    write(renamed, a="Birch")
    assert counted(fill(opened, renamed)) == (0, 1, 1, 0, 0)
    assert sorted(ids(opened).values()) == sorted(former)


def test_what_an_older_release_has_removed_stays_so(opened, tmp_path):
    path = tmp_path / "news" / "rows.csv"
    path.parent.mkdir()
    path.write_text("title,text\nElm,Elm fell.\nFir,Fir fell.\n")
    indexer_of(opened).index(Reading([path], FieldMap(), originals=opened.catalog.originals))
    indexer_of(opened).remove([ids(opened)["Elm"]])
    with opened.catalog._database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM removals")
        former = former_ids("news/rows.csv", 2)[1]
        connection.exec_driver_sql("INSERT INTO removals VALUES (?, '')", (former,))
    assert counted(indexer_of(opened).index(Rereading(opened.catalog))) == (0, 0, 1, 0, 0)


def test_what_was_removed_stays_so_when_originals_are_read_again(opened, tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_text("title,text\nElm,Elm fell.\nFir,Fir fell.\n")
    source = Reading([path], FieldMap(), originals=opened.catalog.originals)
    indexer_of(opened).index(source)
    indexer_of(opened).remove([ids(opened)["Elm"]])
    assert counted(indexer_of(opened).index(Rereading(opened.catalog))) == (0, 0, 1, 0, 0)
    monkeypatch.setattr(fields, "clean_text", lambda text: f"{text} Anew.")  # another reader
    assert counted(indexer_of(opened).index(Rereading(opened.catalog))) == (0, 1, 0, 0, 0)
    assert titles(opened) == ["Fir"]


@pytest.mark.parametrize(
    ("article_id", "expected"),
    [
        *((each, True) for each in ("https://a.example/1", "tag:a.example,2024:1", "urn:x:1")),
        *((each, True) for each in ("doi:10.1000/182", "10.1000/182", "1.2@mail.example")),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", True),
        ("url-0123456789abcdef0123", True),
        *((each, False) for each in ("1", "news-12", "20240301080000123456", "post:7", "a@b")),
    ],
)
def test_some_ids_are_unique_everywhere(article_id, expected):
    assert is_global(article_id) is expected


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("Ferry sinks", "Ferry sinks in storm", True),
        ("A ferry sank in the storm.", "A ferry has sunk in the storm off the cape.", True),
        ("A ferry sank in the storm.", "The mayor opened the library in the square.", False),
        ("", "Rain.", False),
    ],
)
def test_texts_are_of_one_story_that_share_runs_of_words(text, other, expected):
    assert are_of_one_story(text, other) is expected
