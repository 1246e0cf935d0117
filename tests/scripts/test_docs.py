"""The documents cannot rot: examples run, links lead somewhere, and all that there is is named."""

import json
import re
import shlex
import shutil
import tomllib
from urllib.parse import unquote

import click
import pytest

from backfile.archive.formats.cleaning.boilerplate import describe_rules
from backfile.archive.model.settings import describe_settings
from backfile.scripts.backfile import main
from backfile.scripts.reference import documents, filled
from backfile.web.app import create_app
from tests.builders import ROOT, app_in, backfile

FOLDERS = ("archive", "index", "web", "scripts", "tests")
PATHS = [*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))]
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(PATHS)
}
README = DOCUMENTS["README.md"]
LONGEST_README = 150  # lines
LARGEST_PICTURE = 150_000  # bytes
CODE_LINE = re.compile(r"^    (\S.*)$", re.MULTILINE)
PATH = re.compile(r"`((?:archive|index|web|scripts|tests)/[\w./-]*)`")
MODULE = re.compile(r"python -m backfile\.([\w.]+)")
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")


def code_lines(text):
    """The lines of code, without what is said behind a `#`."""
    return [line.split("  #")[0].strip() for line in CODE_LINE.findall(text)]


def commands_in(text):
    """Each use of `backfile`, in lines of code and in the middle of a sentence."""
    in_code = [line for line in code_lines(text) if line.startswith("backfile ")]
    in_prose = [found.rstrip() for found in re.findall(r"`(backfile [a-z][^`]*)`", text)]
    return dict.fromkeys([*in_code, *in_prose])


def anchors_of(text):
    """The anchors of a document's headings, as they are made of Markdown."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def test_the_readme_is_short_and_narrow():
    lines = README.splitlines()
    assert len(lines) <= LONGEST_README
    assert [line for line in lines if len(line) > 120] == []


def test_the_readme_leads_to_every_document():
    linked = {target for target in LINK.findall(README) if target.endswith(".md")}
    assert linked == set(DOCUMENTS) - {"README.md"}


def test_generated_parts_are_up_to_date():
    for path, text in documents():
        name = path.relative_to(ROOT).as_posix()
        assert DOCUMENTS[name] == text, f"{name}: run python -m backfile.scripts.reference"


def test_a_document_without_markers_is_no_place_for_a_generated_part():
    with pytest.raises(ValueError, match="'a'"):
        filled("no marker", {"a": "text"})


def test_every_setting_has_its_row():
    text = DOCUMENTS["scripts/README.md"]
    rows = re.findall(r"^\| `(BACKFILE_\w+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    expected = [
        (name, f"`{default}`" if default else "none", meaning)
        for name, default, meaning in describe_settings()
    ]
    assert rows == expected


def test_every_command_has_its_section_and_help():
    text = DOCUMENTS["scripts/README.md"]
    names = main.list_commands(click.Context(main))
    assert re.findall(r"^### backfile (\w+)$", text, re.MULTILINE) == names
    assert all(main.get_command(click.Context(main), name).help for name in names)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_and_options_that_are_named_exist(name):
    if name == "CHANGELOG.md":
        pytest.skip("it says what there was")
    for line in commands_in(DOCUMENTS[name]):
        words = shlex.split(line)
        command = main.get_command(click.Context(main), words[1])
        if isinstance(command, click.Group):
            command = command.commands.get(words[2])
        assert command is not None, line
        known = {option for each in command.params for option in each.opts}
        known |= {option for each in command.params for option in each.secondary_opts}
        used = {word.split("=")[0] for word in words[2:] if re.match(r"-\w|--\w", word)}
        assert used <= known | {"--help"}, line


def test_every_rule_of_cleaning_has_its_row():
    text = DOCUMENTS["archive/README.md"]
    rows = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert [row for row in describe_rules() if row not in rows] == []


def test_every_route_is_named(searcher, reader):
    text = re.sub(r"\{\w+\}", "<id>", DOCUMENTS["web/README.md"])
    for rule in create_app(searcher, reader).url_map.iter_rules():
        path = re.sub(r"<\w+:\w+>", "<id>", rule.rule)
        if path != "/static/<id>":
            assert re.search(rf"`(?:GET |POST )?{re.escape(path)}[`?#]", text), path


def test_every_dependency_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    reasons = dict(re.findall(r'^    "([^"]+)",  # (\S.*)$', text, re.MULTILINE))
    assert [each for group in groups for each in group if each not in reasons] == []


@pytest.mark.parametrize("name", ["README.md", "scripts/README.md"])
def test_searches_in_the_documents_find_something_in_the_sample(sample, name):
    lines = [line for line in code_lines(DOCUMENTS[name]) if line.startswith('backfile search "')]
    assert lines
    for line in lines:
        found = backfile(*shlex.split(line)[1:], "--archive", sample)
        assert found.exit_code == 0, line


def test_queries_in_the_readme_find_something_in_the_sample(sample):
    table = README.split("| type | to find |")[1].split("\n\n")[0]
    queries = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(queries) == 8
    client = app_in(sample).test_client()
    for query in queries:
        answer = client.get("/api/search", query_string={"q": query}).json
        assert answer["total"] > 0, query
        assert answer["query"]["notes"] == [], query


def test_articles_in_the_commands_documents_are_in_the_sample(sample):
    for article_id in set(re.findall(r"\bcc-\d{4}-\d{3}\b", "".join(DOCUMENTS.values()))):
        assert backfile("show", article_id, "--archive", sample).exit_code == 0, article_id


def test_addresses_in_the_documents_answer(sample):
    client = app_in(sample).test_client()
    for text in DOCUMENTS.values():
        for path in re.findall(r"curl '?http://127\.0\.0\.1:8080(/[^'\s]*)'?", text):
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert answer.data, path


def test_the_curl_example_gives_what_the_web_document_shows(sample):
    path = re.search(r"curl 'http://127\.0\.0\.1:8080(/api/search\?[^']*)'", README)[1]
    answer = app_in(sample).test_client().get(path).json
    shown = DOCUMENTS["web/README.md"].split("### The answer")[1].split("| field |")[0]
    assert answer["total"] > 0
    for key in (*answer, *answer["hits"][0], *answer["hits"][0]["passages"][0]):
        assert f'"{key}"' in shown, key


def test_the_python_example_in_the_readme_runs(sample, tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    shutil.copytree(sample, tmp_path / "var" / "archive")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {"__name__": "example"})
    assert "bridge" in capsys.readouterr().out.lower()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_pictures_lead_somewhere(name):
    here = (ROOT / name).parent
    for target in LINK.findall(DOCUMENTS[name]):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        there = (here / path).resolve() if path else ROOT / name
        assert there.exists(), target
        if anchor:
            text = DOCUMENTS[there.relative_to(ROOT).as_posix()]
            assert anchor in anchors_of(text), target
        if there.suffix == ".png":
            assert there.stat().st_size < LARGEST_PICTURE, target


def test_the_readme_shows_pictures():
    assert re.findall(r"^!\[[^\]]+\]\(\S+\.png\)", README, re.MULTILINE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_and_modules_that_are_named_exist(name):
    if name == "CHANGELOG.md":
        pytest.skip("it says what there was")
    text = DOCUMENTS[name]
    missing = [path for path in PATH.findall(text) if not (ROOT / path).exists()]
    for module in MODULE.findall(text):
        path = ROOT / module.replace(".", "/")
        missing += [module] if not (path.is_dir() or path.with_suffix(".py").exists()) else []
    assert missing == []


def test_the_lock_pins_exactly_and_names_no_registry():
    lines = (ROOT / "requirements.lock").read_text().split("\n")[:-1]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert {"torch==2.13.0", "chromadb==1.5.9"} <= set(lines)


def test_the_manifest_of_an_archive_says_what_it_was_made_with(sample):
    manifest = json.loads((sample / "manifest.json").read_text())
    assert manifest["model"] == "all-MiniLM-L6-v2"
    assert len(manifest["weights"]) == 64
    assert manifest["dimension"] == 384
