"""One run of a study with its evaluation functions, as jobs that measure effects take it up."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leaveout.devices import Device
from leaveout.evaluation import Evaluations, bind
from leaveout.memory import Allowance
from leaveout.model import Model
from leaveout.runs import RunPaths, read_run


def read_evaluated_run(
    paths: RunPaths, training: Mapping[str, Any], names: Sequence[str], where: Device, allowance: Allowance
) -> tuple[Model, Callable[[Model], Evaluations]]:
    """Read a run's model, and what binds evaluation functions to it, or to the same model under another convention.

    Parameters
    ----------
    paths, training, where, allowance
        As `read_run` takes them.
    names : sequence of str
        Evaluation functions, as `bind` takes them.

    Raises
    ------
    InvalidData, InvalidResults, NotEnoughMemory
        As `read_run` raises them.
    """
    embeddings, model = read_run(paths, training, where, allowance)
    test = embeddings.test  # the rest is let go: the model has training samples of its own
    return model, lambda bound: bind(names, bound, test.X, test.y, training["seed"], training["dataset"])
