"""Version 1 of the API is a contract: no shape changes without a line in CHANGELOG.md."""

import copy
import json

import pytest

from tests.web import api_v1

KEPT = json.loads(api_v1.PATH.read_text(encoding="utf-8"))
REMEDY = (
    "the API has changed at {places}. If that is wanted, write a line in CHANGELOG.md, and run\n"
    '    python -m tests.web.api_v1 "that line"'
)


def test_no_shape_and_no_parameter_changes_without_a_line_in_the_changelog():
    places = list(api_v1.differences(KEPT["contract"], api_v1.contract()))
    assert places == [], REMEDY.format(places=", ".join(places[:5]))
    assert KEPT["changelog"] in api_v1.logged(), "CHANGELOG.md lost the line about the API"


def test_a_change_of_a_shape_is_named_by_its_place():
    changed = copy.deepcopy(KEPT["contract"])
    title = changed["components"]["schemas"]["ArticleFields"]["properties"].pop("title")
    changed["components"]["schemas"]["Copy"]["properties"]["headline"] = title
    assert list(api_v1.differences(KEPT["contract"], changed)) == [
        "/components/schemas/ArticleFields/properties/title",
        "/components/schemas/Copy/properties/headline",
    ]


def test_prose_is_no_part_of_the_contract_but_a_property_of_its_name_is():
    described = {"description": "a", "properties": {"description": {"type": "string"}}}
    assert api_v1.contract(described) == {"properties": {"description": {"type": "string"}}}


@pytest.mark.parametrize("line", ["", "No such line.", KEPT["changelog"]])
def test_the_contract_is_not_renewed_without_a_new_line(line):
    before = api_v1.PATH.read_bytes()
    with pytest.raises(SystemExit, match=r"CHANGELOG|earlier change"):
        api_v1.main(line)
    assert api_v1.PATH.read_bytes() == before
