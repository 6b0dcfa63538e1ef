"""What no schema can tell of a configuration: names that refer to nothing, and values that exclude each other."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from leaveout.plotted import NOT_PLOTTED, PLOTTED_EVALUATIONS
from leaveout.random_sizes import SAMPLES_A_PARAMETER

#: The parser of what has a design, and no files.
MADE_UP = "made_up"
#: What the samples of each parser are, and which embeddings take that.
KINDS = {
    "cifar10": "images",
    "digits": "numbers",
    "dogfish": "numbers",
    "enron": "texts",
    "esc50": "sounds",
    "imdb": "texts",
    MADE_UP: "numbers",
    "table": "numbers",
}
EMBEDS = {
    "images": ["vision"],
    "numbers": ["features", "fourier"],
    "sounds": ["audio", "logmel"],
    "texts": ["bow", "text"],
}

#: Value of a key that is missing.
ABSENT = object()
Refusal = tuple[list[Any], Any, list[str]]  # key, value, what is allowed


def refusals(config: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield what is wrong with a configuration that its schema accepts, defaults filled in."""
    yield from _source_refusals(config["sources"], config["accept_unverified"])
    for name, dataset in config["datasets"].items():
        yield from _samples_refusals(["datasets", name], dataset, config["sources"])
        weights = dataset["embedding"].get("weights")
        key = ["datasets", name, "embedding", "weights"]
        yield from _task_refusals(["datasets", name], dataset)
        if isinstance(weights, str) and weights not in config["sources"]:
            yield key, weights, [*sorted(config["sources"]), "or {path: ...}, or {package: ..., path: ...}"]
        if isinstance(weights, Mapping) and not {"path", "package"} & set(weights):
            yield key, dict(weights), ["the key of a source", "or {path: ...}, or {package: ..., path: ...}"]
    for name, study in config["studies"].items():
        yield from _study_refusals(["studies", name], study, config["datasets"])
        yield from _audit_refusals(["studies", name], study, config["studies"])


def _study_refusals(
    key: list[Any], study: Mapping[str, Any], datasets: Mapping[str, Mapping[str, Any]]
) -> Iterator[Refusal]:
    for i, dataset in enumerate(study["datasets"]):
        if dataset not in datasets:
            yield [*key, "datasets", i], dataset, sorted(datasets)
    for i, variation in enumerate(study["vary"]):
        yield from _variation_refusals([*key, "vary", i], variation, datasets)
    if "poisoning" in study and study["poisoning"]["dataset"] not in study["datasets"]:
        yield [*key, "poisoning", "dataset"], study["poisoning"]["dataset"], study["datasets"]
    yield from _removal_refusals([*key, "removal"], study["removal"])
    yield from _number_refusals([*key, "removal", "repeats"], study, datasets)
    if not set(study["evaluations"]) & set(PLOTTED_EVALUATIONS):
        yield [*key, "evaluations"], study["evaluations"], ["one at least of", *PLOTTED_EVALUATIONS]


def _audit_refusals(
    key: list[Any], study: Mapping[str, Any], studies: Mapping[str, Mapping[str, Any]]
) -> Iterator[Refusal]:
    """Runs of a study that has none, or none of its own; studies that use another's and do nothing with them."""
    if "audit" in study:
        sizes = study["audit"]["sizes"]
        if sizes["min"] > sizes["max"]:
            yield [*key, "audit", "sizes", "min"], sizes["min"], [f"at most max = {sizes['max']}"]
        scaling = study["audit"]["scaling"]
        if max(scaling["n"]) < SAMPLES_A_PARAMETER * min(scaling["d"]):
            yield [*key, "audit", "scaling", "n"], scaling["n"], [f"one at least {SAMPLES_A_PARAMETER} times d"]
    if "runs_of" not in study:
        return
    others = sorted(name for name, other in studies.items() if name != key[-1] and "runs_of" not in other)
    if study["runs_of"] not in others:
        yield [*key, "runs_of"], study["runs_of"], others or ["a study with runs of its own"]
    if "audit" not in study:
        yield [*key, "audit"], ABSENT, ["{}, or settings: a study with runs_of is an audit"]
    if "poisoning" in study:
        yield [*key, "poisoning"], study["poisoning"], [f"nothing: poison in {study['runs_of']}"]


def _samples_refusals(
    key: list[Any], dataset: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Refusal]:
    """A source that there is not; a design without the parser that makes samples of one, and the reverse."""
    source, designed = dataset["source"], isinstance(dataset["source"], Mapping)
    if designed != (dataset["parser"] == MADE_UP):
        of_others = sorted(set(KINDS) - {MADE_UP})
        yield [*key, "parser"], dataset["parser"], [f"{MADE_UP}, for a design"] if designed else of_others
    if designed and dataset["split"] == "source":
        yield [*key, "split"], "source", ["{train: ..., seed: ...}: what is made up has no split of its own"]
    if not designed and source not in sources:
        yield [*key, "source"], source, [*sorted(sources), "or a design of what is made up"]


def _task_refusals(key: list[Any], dataset: Mapping[str, Any]) -> Iterator[Refusal]:
    """What a source's samples are, and what an embedding takes; classes that have both labels."""
    method, kind = dataset["embedding"]["method"], KINDS[dataset["parser"]]
    if method not in EMBEDS[kind]:
        wrong = f"{{parser: {dataset['parser']}, embedding: {{method: {method}}}}}"
        yield key, wrong, [f"for {kind}", *EMBEDS[kind]]
    classes = dataset.get("classes", {"0": [], "1": []})
    if both := sorted(set(classes["0"]) & set(classes["1"])):
        yield [*key, "classes", "1"], both, ["classes without label 0"]


def _source_refusals(sources: Mapping[str, Mapping[str, Any]], accepted: Sequence[str]) -> Iterator[Refusal]:
    for name, source in sources.items():
        if "license" not in source:
            yield ["sources", name, "license"], ABSENT, ["the licence of the files, or of the model, as text"]
        for file, entry in source["files"].items():
            place = set(entry) - {"md5", "sha256"}
            key = ["sources", name, "files", file]
            if place not in ({"url"}, {"package", "path"}, {"path"}):
                yield key, dict(entry), ["either url", "or package and path", "or the path alone of a file of your own"]
            elif place == {"path"} and len(entry) > 1:
                yield key, dict(entry), ["path without a checksum: your own file is recorded as it is"]
            elif "package" in entry and _leads_out(entry["path"]):
                yield [*key, "path"], entry["path"], ["a path inside the package"]
            elif "package" in entry and "sha256" not in entry:
                yield key, dict(entry), ["package and path with sha256"]
    for i, name in enumerate(accepted):
        if name not in sources:
            yield ["accept_unverified", i], name, sorted(sources)


def _variation_refusals(
    key: list[Any], variation: Mapping[str, Any], datasets: Mapping[str, Mapping[str, Any]]
) -> Iterator[Refusal]:
    if variation["dataset"] not in datasets:
        yield [*key, "dataset"], variation["dataset"], sorted(datasets)
        return
    most = datasets[variation["dataset"]].get("expected", {}).get("n_train")
    for j, n_train in enumerate(variation.get("n_train", [])):
        if most is not None and not isinstance(n_train, str) and n_train > most:
            yield [*key, "n_train", j], n_train, [f"at most the data set's expected.n_train = {most}"]


def _removal_refusals(key: list[Any], removal: Mapping[str, Any]) -> Iterator[Refusal]:
    sizes = removal["sizes"]
    if sizes["min"] > sizes["max"]:
        yield [*key, "sizes", "min"], sizes["min"], [f"at most max = {sizes['max']}"]
    if set(removal["strategies"]) <= set(NOT_PLOTTED):
        yield [*key, "strategies"], removal["strategies"], ["one at least that figures show"]


def _number_refusals(
    key: list[Any], study: Mapping[str, Any], datasets: Mapping[str, Mapping[str, Any]]
) -> Iterator[Refusal]:
    """More sets of a size than there are different ones, as far as the numbers of samples are known."""
    varied = [(each["dataset"], each.get("n_train", ["all"])) for each in study["vary"]]
    for name, values in [*((name, ["all"]) for name in study["datasets"]), *varied]:
        known = datasets.get(name, {}).get("expected", {}).get("n_train")
        for n in {known if value == "all" else value for value in values} - {None}:
            k = smallest_set(n, study["removal"]["sizes"]["min"])
            if study["removal"]["repeats"] > (most := math.comb(n, k)):
                yield key, study["removal"]["repeats"], [f"at most {most}, the different sets of {k} of {n} samples"]
                return


def smallest_set(n: int, percent: float) -> int:
    """Size of the smallest removal set of n samples, ``max(1, rint(percent % of n))``."""
    return max(1, round(percent / 100 * n))


def _leads_out(path: str) -> bool:
    place = PurePosixPath(path)
    return place.is_absolute() or ".." in place.parts
