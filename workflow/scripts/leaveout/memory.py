"""Memory of jobs: counted from the arrays that they hold at a time, and asked for before anything is computed.

The same count serves twice. Rules ask Snakemake for it when a job is planned, from sizes that the configuration states,
that features have or that files suggest; the job itself holds it against what it was given once it knows its sizes, and
does not start what would not fit. Terms are bytes: n training and s test samples, ``stored`` rows in the file, d
features, p of them with the constant, q coordinates (see ``coordinates``), numbers of 8 bytes, features of 4.
"""

import json
import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from leaveout.blocks import (
    ARRAYS_OF_A_PIECE,
    ARRAYS_OF_PAIRS,
    ARRAYS_OF_PARAMETERS,
    ARRAYS_OF_SAMPLES,
    BLOCK_BYTES,
    PAIRED,
    numbers_of_bounds,
)
from leaveout.errors import NotEnoughMemory

MB = 2**20
#: What Python, its packages and the buffers of a BLAS take, in MB, and with a network and a batch of what it embeds.
PYTHON, NETWORK = 200, 3000
#: MB of Snakemake itself beside a job on a cluster: it starts itself twice there. The plugin for SLURM brings pandas.
SNAKEMAKE = 350
#: Bytes of a number in a file of features: no format that is read has shorter ones, uncompressed.
SHORTEST = 4
#: Bytes of a sample's id, label and split as they are read, of its rows in a table of suspects, and of its places in
#: twelve rankings.
SAMPLE, RANKED, RANKINGS = 200, 700, 500
#: Bytes of a removed sample, while the sets of a whole run are written as positions and ids, and while they are read.
WRITTEN, READ = 120, 16
#: Rules of an audit that work with a model, of which others' memory is part.
AUDITING = (
    "audit_effects",
    "audit_convergence",
    "audit_predictions",
    "audit_scaling",
    "audit_synthetic",
    "audit_theorem",
)
#: Rows whose distances are computed at a time, as ``removal`` has it.
DISTANCES = 4096


@dataclass(frozen=True)
class Size:
    """How large the problem of one run is.

    Attributes
    ----------
    n, test, d : int
        Training samples of the model, test samples, and features without the constant.
    stored : int
        Samples that the file of features holds.
    """

    n: int
    test: int
    d: int
    stored: int


@dataclass(frozen=True)
class Demand:
    """What a job does with its model.

    Attributes
    ----------
    rule : str
        A key of ``JOBS``.
    intercept : "none" | "penalized" | "unpenalized"
    largest : int
        Samples of the largest set that is left out, if that is a number.
    share : float
        The same, as a share of n, where it is one.
    listed : float
        Samples of all removal sets of the run together, as a multiple of n.
    further : int
        Samples that are put beside the model at a time.
    """

    rule: str
    intercept: str
    largest: int = 1
    share: float = 0.0
    listed: float = 0.0
    further: int = 0


@dataclass(frozen=True)
class Model:
    """Sizes of a model's arrays: q is n (and a constant that is not penalised) where there are fewer samples than
    features, and p elsewhere.
    """

    n: int
    p: int
    q: int
    wide: bool

    @classmethod
    def of(cls, n: int, d: int, intercept: str, further: int = 0) -> "Model":
        """Return the model of n samples, with ``further`` ones beside it, whose row space it spans too."""
        p, free = d + (intercept != "none"), int(intercept == "unpenalized")
        wide = n < p - free
        return cls(n + further, p, n + free + further if wide else p, wide)

    @property
    def basis(self) -> int:
        """The row space, (p, q)."""
        return 8 * self.p * self.q if self.wide else 0

    @property
    def held(self) -> int:
        """Features and whitened features, (n, q), the whitening basis, (q, q), and the row space."""
        return 16 * self.n * self.q + 8 * self.q**2 + self.basis

    @property
    def scaled(self) -> int:
        """Rows that a Hessian adds up at a time."""
        return min(8 * self.n * self.q, BLOCK_BYTES)

    @property
    def fitting(self) -> int:
        """A fit at its peak.

        The QR decomposition of wide features: these, and numpy's four copies. Or a Hessian, its last product, and a
        factor. Or the eigenvectors of the penalty: seven square arrays, LAPACK's workspace included. Or the whitening.
        """
        features, square = 8 * self.n * self.q + self.basis, 8 * self.q**2
        decomposed = 5 * 8 * self.n * self.p if self.wide else 0
        return max(decomposed, features + self.scaled + 3 * square, features + 7 * square, self.held + 3 * square)

    def retraining(self, largest: int = 1) -> int:
        """What the arrays of a block of removal sets come to, with the directions that they take or the bounds.

        Beside the block: the basis in single precision, and the largest of: the samples that matter, gathered; a
        Hessian at an iterate, with its last product; its factor and the samples whitened by it; the removed samples,
        whitened, and five arrays of the smaller side of these.
        """
        matrix, square, removed = 8 * self.n * self.q, 8 * self.q**2, min(largest, self.n // 2)
        updated = 8 * removed * self.q + 5 * 8 * min(removed, self.q) ** 2
        rebuilt = 3 * square if largest > self.n / 2 else 0
        return square // 2 + max(matrix + square, self.scaled + 2 * square, updated, rebuilt)

    def block(self, points: int) -> int:
        """A block of removal sets, and the piece of it that is worked on: some sets, or one where n is large."""
        one = 8 * (ARRAYS_OF_SAMPLES * self.n + ARRAYS_OF_PARAMETERS * self.q)
        return max(BLOCK_BYTES, one) + max(BLOCK_BYTES // 2, 8 * ARRAYS_OF_A_PIECE * max(self.n, points))

    def bounding(self, largest: int) -> int:
        """What it takes to bound the errors of a block of predictions: a piece of it, and what sets need one by one.

        The largest of these: the Hessian without a set, factored, or the removed samples, whitened, twice, with their
        Gram matrix, its copy, and what LAPACK needs for its eigenvalues.
        """
        piece = max(BLOCK_BYTES // 2, 8 * numbers_of_bounds(self.n, self.q, largest))
        overlapping = 16 * largest * self.q + 24 * largest**2
        return BLOCK_BYTES + piece + max(self.retraining(largest), overlapping)

    def pairing(self, largest: int) -> int:
        """What it takes to pair all samples, some with the others at a time, or the samples of one set.

        The samples of a set, whitened, four times, and twelve arrays of its pairs, of which LAPACK works on copies.
        """
        block = min(BLOCK_BYTES, 8 * ARRAYS_OF_PAIRS * self.n**2) + 8 * min(PAIRED, self.n) * self.q
        return max(block, 32 * largest * self.q + 12 * 8 * largest**2)

    def enlarging(self, before: "Model") -> int:
        """What it takes to make it of another by putting samples beside that one, which is not counted.

        The row space is widened by a QR decomposition: the columns, and numpy's four copies.
        """
        if not self.wide:
            return self.held
        widened = 8 * before.n * self.q
        return max(5 * self.basis + widened, self.held + 2 * widened + 8 * self.q**2)


def job_mb(size: Size, demand: Demand) -> float:
    """Memory that a job takes at its peak, in MB, from above: its own process, nothing of Snakemake."""
    reading = 4 * size.d * (2 * size.stored + (size.n if size.n + size.test < size.stored else 0))
    return PYTHON + (SAMPLE * size.stored + max(reading, working(size, demand))) / MB


def working(size: Size, demand: Demand) -> float:
    """Bytes of a job's arrays once its samples are read, and while its model is."""
    n, features = size.n, 4 * size.d * (size.n + size.test)
    model = Model.of(n, size.d, demand.intercept)
    if demand.rule == "fit":
        tested = 8 * size.test * (model.p + (model.q if model.wide else 0))
        return features + max(model.fitting, model.held + tested)
    loading = features + model.held + (8 * n * model.p if model.wide else 0)
    return max(loading, _computing(size, demand, model, features))


def _computing(size: Size, demand: Demand, model: Model, features: int) -> float:
    """The same, when the model is there."""
    n = size.n
    largest = max(demand.largest, math.ceil(demand.share * n))
    test = 4 * size.test * size.d
    evaluated = 8 * size.test * (model.p + model.q)  # test features, and whitened for a moment
    retraining = model.block(max(n, size.test)) + model.retraining(largest)
    if demand.rule in AUDITING:
        return model.held + READ * demand.listed * n + _auditing(size, demand, model, test, evaluated, retraining)
    match demand.rule:
        case "removal_sets" | "audit_sets":
            drawn = 8 * size.test * model.q + WRITTEN * demand.listed * n + 16 * min(DISTANCES, n) * size.d
            return features + model.held + max(evaluated, drawn)
        case "effects":
            return test + model.held + evaluated + retraining + READ * demand.listed * n
        case "influential":
            return test + model.held + evaluated + retraining + RANKINGS * n
        case "suspects":
            return features + model.held + retraining + RANKED * n
    wide = Model.of(n, size.d, demand.intercept, demand.further)
    enlarged = max(wide.enlarging(model), wide.held + wide.block(wide.n) + wide.retraining())
    if demand.rule == "poisoning":
        return features + model.held + enlarged
    if demand.rule == "detection":
        planted = Model.of(n + demand.further, size.d, demand.intercept)
        ranked = planted.held + planted.block(planted.n) + planted.retraining() + RANKED * planted.n
        return features + 4 * planted.n * size.d + model.held + max(enlarged, planted.fitting, ranked)
    raise ValueError(f"{demand.rule}: no rule whose memory is known")


def _auditing(size: Size, demand: Demand, model: Model, test: int, evaluated: int, retraining: int) -> float:
    """What a part of an audit takes beside the model and its sets."""
    largest = max(demand.largest, math.ceil(demand.share * size.n))
    square, other = 8 * model.q**2, 8 * size.n * model.q + 8 * model.q**2  # a second model of the same features
    match demand.rule:
        case "audit_effects":
            return test + other + 2 * evaluated + retraining
        case "audit_convergence":  # and the published full model; features as they are, and those that a set leaves
            expanding = max(model.scaled + 3 * square, 7 * square, other + 3 * square)
            stopping = (2 if model.wide else 1) * 8 * size.n * model.p + retraining
            return test + other + 2 * evaluated + max(expanding, other + stopping)
        case "audit_predictions":
            return max(retraining, model.bounding(largest))
        case "audit_theorem":
            return test + other + 2 * evaluated + model.pairing(largest)
    return retraining


@dataclass(frozen=True)
class Allowance:
    """What a job may take.

    Attributes
    ----------
    demand : Demand
    mb : float
        Its ``mem_mb``. Snakemake's own share is in it where a job asks for what it should, but counts for nothing here:
        where no cluster adds up processes, a job may be given what it takes itself.
    """

    demand: Demand
    mb: float

    @classmethod
    def of(cls, demand: Mapping[str, object], mb: float) -> "Allowance":
        """Return the allowance of a job: its parameter ``demand`` and its ``mem_mb``."""
        return cls(Demand(**demand), mb)  # type: ignore[arg-type]

    def check(self, size: Size, dataset: str) -> None:
        """Refuse a job that would take more than it was given.

        Raises
        ------
        NotEnoughMemory
            Says how much it would take, and how to give it that.
        """
        needed, rule = math.ceil(job_mb(size, self.demand)), self.demand.rule
        if needed <= self.mb:
            return
        raise NotEnoughMemory(
            f"{dataset} needs {needed} MB for {size.n} training and {size.test} test samples of {size.d} features, "
            f"mem_mb gives {self.mb:.0f}. Nothing was computed. Give it --set-resources {rule}:mem_mb="
            f"{needed + SNAKEMAKE} ({SNAKEMAKE} for Snakemake on a cluster), and no less by --resources mem_mb; where "
            f"datasets.{dataset}.expected in the configuration states other sizes, correct it"
        )


def problem_size(expected: Mapping[str, int] | None, about: str | Path, raw: Iterable[str | Path]) -> tuple[int, int]:
    """Samples n and features d of a data set, as well as they can be known without reading it.

    Parameters
    ----------
    expected : mapping or None
        ``n_train`` and ``d``, if the configuration states them.
    about : path
        The embedding's ``about.json``, which says its ``shape``; it need not be there yet.
    raw : paths
        The source's files, which speak where nothing else does: as many numbers as they can hold, n = d. That shape
        takes the most memory. Files that are not there hold nothing.
    """
    if expected is not None:
        return expected["n_train"], expected["d"]
    shape = stored_shape(about)
    if shape is not None:
        return shape
    held = sum(Path(file).stat().st_size for file in raw if Path(file).is_file()) / SHORTEST
    n = 1 + math.isqrt(int(held))
    return n, n


def stored_shape(about: str | Path) -> tuple[int, int] | None:
    """Samples, those for testing included, and features of an embedding; None where its record says nothing."""
    try:
        n, d = (operator.index(size) for size in json.loads(Path(about).read_text(encoding="utf-8"))["shape"])
    except (OSError, ValueError, LookupError, TypeError):  # not there, or damaged: the job that made it goes first
        return None
    return n, d


def run_size(known: tuple[int, int], stated: bool, about: str | Path, n_train: int | None) -> Size:
    """Size of a run's problem, from above, as well as it can be known without reading it.

    Parameters
    ----------
    known : (int, int)
        What ``problem_size`` says.
    stated : bool
        Whether the configuration said so: then these are training samples, and others come beside them. As many, or
        more if the embedding is there and has more: jobs ask for the same before and after. Else they are all samples.
    about : path
        The embedding's record.
    n_train : int or None
        Training samples that the run keeps.
    """
    (n, d), shape = known, stored_shape(about)
    used, there = min(n, n_train or n), shape[0] if shape else 0
    if stated:
        stored = max(2 * n, there)
        return Size(used, stored - n, d, stored)
    return Size(used, n - used, d, n)


def planned_mb(size: Size, demand: Demand) -> float:
    """Memory of a job, where no test samples are known: with some, as few may be left as make the features wide."""
    sizes = [size]
    if size.test == 0 and size.n >= size.d:
        n = size.d - 1
        sizes.append(replace(size, n=n, test=size.stored - n))
    return max(job_mb(each, demand) for each in sizes)


def embedding_mb(n: int, d: int) -> float:
    """Memory of an embedding: three copies of its features in single precision, a network with a batch, and Python."""
    return NETWORK + 3 * 4 * n * d / MB
