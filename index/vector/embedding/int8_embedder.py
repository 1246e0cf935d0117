"""Embeds passages with a graph in int8: faster than in bfloat16, and a little less exact.

The graph is computed from the model's exported graph and from the ranges of values that passages
of our own writing cause in it. Other releases of the tools compute another graph, whose vectors
differ by more than rounding. So it belongs to the record of an archive, by its digest.
"""

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import cached_property, partial
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

from backfile.archive.model.errors import BadSetting, EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.model.settings import INT8, forbid_telemetry
from backfile.archive.store.switching import switch
from backfile.archive.store.trust import make_private, make_private_folder
from backfile.archive.workers import once
from backfile.index.model.arrays import Floats
from backfile.index.seams.failures import unavailable
from backfile.index.seams.protocols import Embedder
from backfile.index.vector.embedding.engine import Engine
from backfile.index.vector.embedding.passage_graph import PassageGraph, feed, is_installed
from backfile.index.vector.embedding.prompts import Prompts
from backfile.index.vector.embedding.query_graph import GRAPH, SEAL, QueryGraph, write_contract

NAME = Message("the int8 graph")
TEXTS = "calibration.txt"  # passages, one a line; other ones would make another graph
MAKER = "nncf"
LEAST_COSINE = 0.98  # the mean, of both graphs' vectors of TEXTS; the default model has .998


class ExportedModel(Embedder, Protocol):
    """A model in full precision, and its exported graph."""

    @property
    def prompts(self) -> Prompts: ...

    @property
    def tokenizer_file(self) -> Path: ...

    @property
    def graph(self) -> QueryGraph | None:
        """The graph, which is made if there is none; None if the model cannot be exported."""
        ...

    def require_weights(self) -> None:
        """Raise ArchiveMismatch if the archive was made with other weights or prompts."""
        ...


def require_maker() -> None:
    """Raise BadSetting unless what makes a graph in int8, and what runs it, are installed."""
    if not (is_installed() and find_spec(MAKER)):
        reason = "int8 needs OpenVINO and NNCF; `pip install 'backfile[int8]'`, or leave it out"
        raise BadSetting("BACKFILE_EMBEDDING_PRECISION", reason)


class Int8Embedder:
    """Embeds passages with a graph in int8, and queries as `exact` does: the cosines agree better.

    It can be pickled, and is one object in each process.
    """

    precision = INT8
    engine = Engine.OPENVINO.value

    def __init__(
        self, exact: ExportedModel, folder: Path, *, threads: int, digest: str = ""
    ) -> None:
        """Take the folder of the graph, and its digest if it was made before."""
        self._exact = exact
        self._folder = folder
        self._threads = threads
        self._digest = digest

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[()]]:
        kind: Any = type(self)
        exact: Any = self._exact  # one object in each process, too
        options: Any = {"threads": self._threads, "digest": self._digest}
        return partial(once, kind, exact, self._folder, **options), ()

    @property
    def name(self) -> str:
        return self._exact.name

    @property
    def weights(self) -> str:
        return self._exact.weights

    @property
    def dimension(self) -> int:
        return self._exact.dimension

    @property
    def prompts(self) -> Prompts:
        return self._exact.prompts

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Embed passages; raise EngineUnavailable if the graph is lost, or there is no OpenVINO."""
        return self._passage_graph.embed([self.prompts.passage + text for text in texts])

    def embed_sentences(self, texts: Sequence[str]) -> Floats:
        return self._exact.embed_sentences(texts)

    def embed_query(self, text: str) -> Floats:
        return self._exact.embed_query(text)

    def prepare_queries(self) -> None:
        """Export the model for queries; make a graph again that is lost or damaged."""
        self._exact.prepare_queries()
        self._mend()

    def check_queries(self) -> None:
        """Raise EngineUnavailable if one of both graphs is damaged."""
        self._exact.check_queries()
        self._check()

    def make(self) -> str:
        """Make the graph, in 20 s and 1.5 GB; return its digest, which belongs to the vectors.

        Raises BadSetting where the tools are missing, EngineUnavailable where the model cannot be
        exported or is not itself in int8.
        """
        return self._made("")

    def _made(self, expected: str) -> str:
        require_maker()
        draft = self._folder.with_name(f"{self._folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        make_private_folder(draft)
        try:
            digest = self._fill(draft)
            if expected not in ("", digest):
                raise EngineUnavailable(NAME, "the installed releases make another one")
            switch(draft, self._folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return digest

    def _fill(self, draft: Path) -> str:
        exact = self._exact.graph
        if exact is None:
            reason = "the model cannot be exported; leave BACKFILE_EMBEDDING_PRECISION out"
            raise EngineUnavailable(NAME, reason)
        texts = [self.prompts.passage + text for text in calibration_texts()]
        quantise(exact, texts, draft / GRAPH)
        tools = {name: version(name) for name in (MAKER, "openvino", "onnx")}
        contract = {name: value for name, value in exact.contract.items() if name != SEAL}
        write_contract(draft, {**contract, "tools": tools})
        make_private(draft)
        made = self._graph_in(draft)
        found, expected = (self._run(graph).embed(texts) for graph in (made, exact))
        cosine = float((found * expected).sum(axis=1).mean())
        if not cosine >= LEAST_COSINE:  # nor where it is no number
            reason = f"the model is not itself in int8 (cosine {cosine:.3f}); leave it out"
            raise EngineUnavailable(NAME, reason)
        return made.digest

    @cached_property
    def _passage_graph(self) -> PassageGraph:
        self._exact.require_weights()
        if not is_installed():
            reason = "OpenVINO is not installed; `pip install openvino`"
            raise EngineUnavailable(NAME, reason)
        self._mend()
        return self._run(self._graph_in(self._folder))

    def _mend(self) -> None:
        """Make the graph again if it is lost or damaged; raise EngineUnavailable if that fails."""
        try:
            self._check()
        except EngineUnavailable as damage:
            try:
                self._made(self._digest)
            except (BadSetting, EngineUnavailable) as exc:
                reason = (
                    f"{damage.reason}; it cannot be made again ({exc}): bring a backup back with "
                    "`backfile restore`, or index into a new archive"
                )
                raise EngineUnavailable(NAME, reason) from exc

    def _check(self) -> None:
        graph = self._graph_in(self._folder)
        graph.check()
        if graph.digest != self._digest:
            raise unavailable(NAME, "it is missing, or is not that of the archive's vectors")

    def _graph_in(self, folder: Path) -> QueryGraph:
        return QueryGraph(folder, self._exact.tokenizer_file, self._threads, name=NAME)

    def _run(self, graph: QueryGraph) -> PassageGraph:
        return PassageGraph(graph, threads=self._threads, precision=self._exact.precision)


def calibration_texts() -> list[str]:
    """The passages that the ranges of values are measured with."""
    return files(__package__).joinpath(TEXTS).read_text("utf-8").splitlines()


def quantise(graph: QueryGraph, texts: Sequence[str], target: Path) -> None:
    """Write a graph in int8 that gives nearly the same vectors.

    Products that narrow, as the second one of each feed-forward layer, stay as they are: their
    inputs have outliers, and int8 is then coarse for all other values.
    """
    forbid_telemetry()
    import nncf
    import onnx

    logging.getLogger(MAKER).setLevel(logging.ERROR)
    model = onnx.load(str(graph.file))
    feeds = [feed(graph, [tokens]) for tokens in graph.tokens(texts)]
    with redirect_stdout(StringIO()):  # it draws bars
        made = nncf.quantize(
            model,
            nncf.Dataset(feeds),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(feeds),
            ignored_scope=nncf.IgnoredScope(names=narrowing(model)),
        )
    onnx.save(made, os.fspath(target))


def narrowing(model: Any) -> list[str]:
    """The names of a model's products with a matrix of weights that has fewer columns than rows."""
    shapes = {each.name: tuple(each.dims) for each in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul"
        and len(shape := shapes.get(node.input[1], ())) == 2
        and shape[0] > shape[1]
    ]
