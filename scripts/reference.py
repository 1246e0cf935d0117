"""Writes the generated parts of the documents: commands, settings, API parameters, cleaning rules.

Run as `python -m backfile.scripts.reference`. A generated part stands between two HTML
comments, `<!-- generated: NAME -->` and `<!-- end: NAME -->`; tests/scripts/test_docs.py fails when
one is not up to date.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from backfile.archive.formats.cleaning.boilerplate import describe_rules
from backfile.archive.model.settings import describe_settings
from backfile.scripts.backfile import main as backfile
from backfile.web.api.openapi import description

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 88  # characters of a help text, whatever the terminal's width
SEARCH = "/api/search"
Json = dict[str, Any]


def commands() -> str:
    """Print the help of `backfile` and of each of its commands."""
    settings = backfile.context_settings
    with click.Context(backfile, info_name="backfile", terminal_width=WIDTH, **settings) as context:
        sections = [_code(backfile.get_help(context))]
        for name in backfile.list_commands(context):
            command = backfile.get_command(context, name)
            assert command is not None  # noqa: S101, it was listed
            with click.Context(
                command, info_name=name, parent=context, terminal_width=WIDTH
            ) as inner:
                helps = [command.get_help(inner), *_parts_of(command, inner)]
                sections.append("\n\n".join([f"### backfile {name}", *map(_code, helps)]))
    return "\n\n".join(sections)


def _parts_of(command: click.Command, context: click.Context) -> Iterator[str]:
    """The help of each command of a group."""
    for name, part in command.commands.items() if isinstance(command, click.Group) else ():
        with click.Context(part, info_name=name, parent=context, terminal_width=WIDTH) as inner:
            yield part.get_help(inner)


def settings() -> str:
    """Lay out every environment variable with its default and its meaning."""
    rows = [
        (f"`{name}`", f"`{default}`" if default else "none", meaning)
        for name, default, meaning in describe_settings()
    ]
    return table(("variable", "default", "meaning"), rows)


def parameters() -> str:
    """Lay out every parameter of a search with its values, its default and its meaning."""
    rows = [
        (f"`{each['name']}`", *_values_of(each["schema"]), each.get("description", ""))
        for each in _parameters_of(SEARCH)
    ]
    return table(("parameter", "values", "default", "meaning"), rows)


def routes() -> str:
    """Lay out the routes for programs, each with the parameters that it takes."""
    rows = [
        (f"`{method.upper()} {path}`", each["summary"], _taken(each.get("parameters", ())))
        for path, methods in description(writes=True)["paths"].items()
        for method, each in methods.items()
    ]
    return table(("route", "answer", "parameters"), rows)


def rules() -> str:
    """Lay out the rules by which lines are dropped from a text, each with an example."""
    return table(("rule", "what it drops", "such as"), list(describe_rules()))


BLOCKS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "archive/README.md": {"cleaning rules": rules},
    "scripts/README.md": {"commands": commands, "settings": settings},
    "web/README.md": {"routes": routes, "parameters": parameters},
}
"""What is generated, by document and by the name of the part."""


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """Put each block between its markers; raise ValueError where these are not there once.

    >>> filled("<!-- generated: a -->\\nold\\n<!-- end: a -->", {"a": "new"})
    '<!-- generated: a -->\\n\\nnew\\n\\n<!-- end: a -->'
    """
    for name, block in blocks.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"the markers of {name!r} are not there exactly once")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{block}\n\n{end}{rest.partition(end)[2]}"
    return text


def documents() -> Iterator[tuple[Path, str]]:
    """Yield each document that has generated parts, and its text with these up to date."""
    for name, blocks in BLOCKS.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        yield path, filled(text, {block: make() for block, make in blocks.items()})


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table.

    >>> print(table(("a", "b"), [("1", "2|3")]))
    | a | b |
    |---|---|
    | 1 | 2\\|3 |
    """
    lines = [list(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    written = [f"| {' | '.join(line)} |" for line in lines]
    written.insert(1, "|" + "---|" * len(header))
    return "\n".join(written)


def _code(text: str) -> str:
    lines = (line.rstrip() for line in text.splitlines())
    return "```text\n" + "\n".join(lines) + "\n```"


def _parameters_of(path: str) -> list[Json]:
    found: list[Json] = description()["paths"][path]["get"]["parameters"]
    return found


def _values_of(schema: Json) -> tuple[str, str]:
    """Describe the values that a parameter takes, and its default."""
    default = f"`{schema['default']}`" if "default" in schema else ""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"]), default
    if "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}", default
    if "enum" in schema.get("items", {}):
        return "names, with commas between", default
    if schema["type"] == "array":
        return "text, repeatable", default
    if longest := schema.get("maxLength"):
        return f"text, at most {longest:,} characters", default
    return "text", default


def _taken(parameters: Sequence[Json]) -> str:
    """Name the parameters of a route; those of a search by what it takes of them."""
    taken = [each for each in parameters if each["in"] == "query"]
    names, of_search = _names(taken), _names(_parameters_of(SEARCH))
    if names == of_search:
        return "all of the table below"
    if 2 * len(names) > len(of_search) and set(names) < set(of_search):
        left_out = [f"`{name}`" for name in of_search if name not in names]
        return f"as `{SEARCH}`, without {', '.join(left_out)}"
    return ", ".join(map(_named, taken))


def _names(taken: Sequence[Json]) -> list[str]:
    return [each["name"] for each in taken]


def _named(parameter: Json) -> str:
    values, default = _values_of(parameter["schema"])
    bounds = f" ({values}, default {default})" if default else ""
    return f"`{parameter['name']}`{bounds}"


def main() -> None:
    """Write the generated parts of all documents."""
    for path, text in documents():
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
