"""Constants of Theorem 3.1 in a process of their own: ``python -m bench.constants FOLDER`` prints JSON.

Of a model of the features in a folder, over all training samples and over each of the removal sets that a chain left
there.
"""

import argparse
import json
import time
import tracemalloc
from dataclasses import asdict, dataclass
from pathlib import Path

import leaveout
from bench import chain
from bench.cases import Case
from bench.data import files_of
from leaveout.embeddings import read_embeddings
from leaveout.removal import read_removal_sets
from leaveout.theorem_constants import Terms, of_all, of_set


@dataclass(frozen=True)
class Constants:
    """What the constants took.

    Attributes
    ----------
    n, parameters, sets : int
        Training samples, parameters p, removal sets.
    seconds : dict
        Those over all samples (``all``), and those over each of the ``sets``, together.
    memory : int
        Most bytes that arrays take at a time, beside the model's, while those over all samples are computed.
    """

    n: int
    parameters: int
    sets: int
    seconds: dict[str, float]
    memory: int

    @property
    def squares(self) -> float:
        """The memory in arrays n x n."""
        return self.memory / (8 * self.n**2)


def run(case: Case, folder: Path) -> Constants:
    """Compute the constants of a case, whose chain has been run, in a fresh process."""
    return Constants(**chain.printed("bench.constants", case, folder))


def measured(folder: Path, options: argparse.Namespace) -> Constants:
    """Fit, then take the time, and once more the memory."""
    training = read_embeddings(files_of(folder)).training
    model = leaveout.fit(training.X, training.y, options.regularization, "per_sample", options.intercept)
    del training  # as the workflow's job: the model has its own features
    sets = [one.positions for one in read_removal_sets(folder / "removal_sets.parquet")]
    begin = time.perf_counter()
    terms = Terms.of(model)
    of_all(terms)
    middle = time.perf_counter()
    for positions in sets:
        of_set(terms, positions, terms.gram(positions, positions))
    seconds = {"all": middle - begin, "sets": time.perf_counter() - middle}
    tracemalloc.start()
    of_all(Terms.of(model))
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Constants(model.n, len(model.theta), len(sets), seconds, memory)


if __name__ == "__main__":
    print(json.dumps(asdict(measured(*chain.asked("bench.constants")))))
