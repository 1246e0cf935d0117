"""Reads the tables beside the posts of an export of Ghost: who wrote them, and their tags.

https://ghost.org/docs/migration/custom/
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

POSTS = "data.posts.item"  # ends the ijson prefix of the posts
MOST_ROWS = 500_000  # of all tables together
RELATIONS = {
    "authors": ("posts_authors", "author_id", "users"),
    "tags": ("posts_tags", "tag_id", "tags"),
}
INTERNAL = "#"  # begins tags that readers do not see

Rows = dict[str, dict[str, Any]]
Join = Callable[[Any], Any]


def is_related(prefix: str) -> bool:
    """Whether records at a prefix of a JSON file may have tables beside them."""
    return prefix == POSTS or prefix.endswith(f".{POSTS}")


def join_of(events: Iterable[tuple[str, str, Any]], prefix: str) -> Join:
    """Read the tables; return what gives each post its authors and tags in their order.

    A post that has its own stays as it is.
    """
    tables = _tables(events, prefix.removesuffix("posts.item"))
    named = {
        table: {row.get("id"): row for row in tables[table]} for _, _, table in RELATIONS.values()
    }
    found: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for ours, (links, key, table) in RELATIONS.items():
        for row in tables[links]:
            other, order = named[table].get(row.get(key)), row.get("sort_order")
            if other is not None:
                place = order if isinstance(order, int) else 0
                found.setdefault((ours, str(row.get("post_id"))), []).append((place, other))

    def join(post: Any) -> Any:
        if not isinstance(post, dict):
            return post
        added = {}
        for ours in RELATIONS:
            rows = sorted(found.get((ours, str(post.get("id"))), ()), key=lambda each: each[0])
            shown = [row for _, row in rows if not str(row.get("name", "")).startswith(INTERNAL)]
            if shown and not post.get(ours):
                added[ours] = shown
        return {**post, **added}

    return join


def _tables(
    events: Iterable[tuple[str, str, Any]], parent: str
) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of the tables, with their values that are no objects."""
    names = {name for links, _, table in RELATIONS.values() for name in (links, table)}
    tables: dict[str, list[Mapping[str, Any]]] = {name: [] for name in names}
    starts = {f"{parent}{name}.item": name for name in names}
    left = MOST_ROWS
    row: dict[str, Any] = {}
    for prefix, event, value in events:
        if event == "start_map" and prefix in starts:
            row = {}
        elif event == "end_map" and prefix in starts and left:
            left -= 1
            tables[starts[prefix]].append(row)
        elif event in ("string", "number"):
            above, _, name = prefix.rpartition(".")
            if above in starts:
                row[name] = value
    return tables
