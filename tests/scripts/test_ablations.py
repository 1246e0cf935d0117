"""Passages cut or embedded in another way than an archive has them, measured beside the usual."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.scripts.bench.ablations import cut_again, embed_without_titles, main
from tests.builders import Words, engines_in, indexer_of, write_judged, write_stories


def test_passages_are_cut_again_and_embedded_without_the_title(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    indexer = indexer_of(engines)
    indexer.index(Reading([write_stories(tmp_path)], FieldMap()))
    before = engines.catalog.rows_after(0)
    cut_again(engines.catalog, Words(), 4)
    embed_without_titles(engines)
    indexer.run(Reading([], FieldMap()))
    rows = engines.catalog.rows_after(0)
    assert rows.min() > before.max()  # all are new
    assert engines.lexical.rows().tolist() == engines.neighbours.rows().tolist() == rows.tolist()
    texts = [stored.passage.text for stored in engines.catalog.stored(rows.tolist()[:2])]
    found = engines.vectors.read(int(rows.max()) + 1)[rows[:2]].astype(np.float32)
    np.testing.assert_allclose(found, engines.embedder.embed_passages(texts), atol=1e-3)
    engines.catalog.close()


@pytest.mark.model
def test_each_variant_is_a_row_and_leaves_the_archive_that_is_kept_alone(tmp_path):
    folder, kept = write_judged(tmp_path / "stories"), tmp_path / "kept"
    options = ("--passage-tokens", "16", "--no-title", "--archive", str(kept), "--json")
    result = CliRunner().invoke(main, [str(folder), *options])
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    names = [system["name"] for system in found["systems"]]
    assert names == ["hybrid, convex", "passages of 16", "no title"]
    assert all(system["measures"]["R@100"]["mean"] == 1 for system in found["systems"])
    assert found["articles"] == 7
