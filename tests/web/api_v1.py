"""The contract of version 1 of the API, kept in api_v1.json, and the command that renews it.

python -m tests.web.api_v1 "A line that CHANGELOG.md has about the change."
"""

import json
import sys

from backfile.web.api.openapi import description
from tests.builders import ROOT

PATH = ROOT / "tests" / "web" / "api_v1.json"
CHANGELOG = ROOT / "CHANGELOG.md"
PROSE = ("description", "summary", "example")


def contract(described=None):
    """The description without its prose: what a program relies on."""
    described = description(writes=True) if described is None else described
    if isinstance(described, list):
        return [contract(each) for each in described]
    if not isinstance(described, dict):
        return described
    return {
        name: contract(each)
        for name, each in described.items()
        if name not in PROSE or isinstance(each, dict)  # a property of such a name is a dict
    }


def differences(kept, now, path=""):
    """The places at which two contracts differ."""
    if isinstance(kept, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*kept, *now]):
            yield from differences(kept.get(name), now.get(name), f"{path}/{name}")
    elif kept != now:
        yield path


def laid_out(value, depth=4):
    """JSON with a line for each route and each schema, so that a change is seen in few lines."""
    if not depth or not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    lines = [f"{json.dumps(name)}: {laid_out(each, depth - 1)}" for name, each in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def logged():
    """CHANGELOG.md in one line, so that a sentence may be found across line ends."""
    return " ".join(CHANGELOG.read_text(encoding="utf-8").split())


def main(line):
    """Keep the present contract, with the line of CHANGELOG.md that tells of the change."""
    if not line.strip() or line not in logged():
        sys.exit(f"CHANGELOG.md has no line {line!r}; write it first")
    if PATH.exists() and json.loads(PATH.read_text(encoding="utf-8"))["changelog"] == line:
        sys.exit("that line told of an earlier change; write another one")
    kept = {"changelog": line, "contract": contract()}
    PATH.write_text(f"{laid_out(kept)}\n", encoding="utf-8")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
