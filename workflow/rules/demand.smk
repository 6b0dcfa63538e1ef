"""What jobs ask for: memory, time, a graphics card; by the size of their problem, more with each attempt. No rule.

Reads   the configuration, as common.smk has it; the size of what is embedded already
"""

from leaveout.duration import embedding_minutes, model_minutes
from leaveout.memory import SNAKEMAKE, embedding_mb, model_mb, problem_size

#: Embeddings by networks of torch, and what their rules ask for besides: a graphics card, if the configuration insists.
NETWORKS = {"text", "vision"}
GPU = {"gpu": 1} if CONFIG.device == "cuda" else {}


def size_of(wildcards):
    """Samples and features of a data set, from what is there when a job is planned, and again before it starts."""
    expected = CONFIG.datasets[wildcards.dataset].get("expected")
    return problem_size(expected, f"resources/embeddings/{wildcards.dataset}/about.json", raw_files(wildcards))


def run_size(wildcards):
    """Training samples and features of one run."""
    n, d = size_of(wildcards)
    return run_of(wildcards).settings["n_train"] or n, d


def memory_mb(wildcards, attempt):
    """Memory for one run's model."""
    return int(attempt * (SNAKEMAKE + model_mb(*run_size(wildcards))))


def enlarged_memory_mb(wildcards, attempt):
    """Memory for a model beside further samples: twice that of the model alone."""
    return 2 * memory_mb(wildcards, attempt)


def minutes(retrained):
    """Time for a job that trains models anew: ``retrained`` says how many, of a job's wildcards."""
    return partial(planned_minutes, retrained)


def planned_minutes(retrained, wildcards, attempt):
    """Time for one run's model and the models that are trained anew."""
    return attempt * model_minutes(*run_size(wildcards), retrained(wildcards))


def no_models(wildcards):
    """Nothing is trained anew."""
    return 0


def removed_sets(wildcards):
    """Removal sets of a shard, each on its own."""
    study = study_of(wildcards)
    return min(study.sizes_per_shard, study.sizes["count"]) * study.repeats


def influential_groups(wildcards):
    """Groups of the most influential samples, for each evaluation function and direction."""
    groups = setting_of_study(["influential", "groups"], wildcards)
    return 2 * len(study_of(wildcards).evaluations) * len(groups)


def suspicious_samples(wildcards):
    """Suspicious samples of both estimators, and as many random ones."""
    return 3 * setting_of_study(["suspects"], wildcards)


def poisons(wildcards):
    """Samples that are added with the wrong label, one at a time."""
    return study_of(wildcards).poisoning["samples"]


def inspected_samples(wildcards):
    """Samples that a draw is retrained without: suspicious ones of both estimators, and as many random ones."""
    return 3 * study_of(wildcards).poisoning["retrained"]


def embedding_workers(wildcards):
    """Processes that prepare what a network takes; no result depends on them."""
    return CONFIG.datasets[wildcards.dataset]["embedding"].get("workers", 0)


def embedded_size(wildcards):
    """All samples and features; as many for testing as for training, where only the size of the latter is stated."""
    n, d = size_of(wildcards)
    return (2 * n if "expected" in CONFIG.datasets[wildcards.dataset] else n), d


def embedding_memory_mb(wildcards, attempt):
    """Memory for an embedding."""
    return int(attempt * (SNAKEMAKE + embedding_mb(*embedded_size(wildcards))))


def embedding_runtime(wildcards, attempt, threads):
    """Time for an embedding."""
    n, _ = embedded_size(wildcards)
    method = CONFIG.datasets[wildcards.dataset]["embedding"]["method"]
    return attempt * embedding_minutes(n, method, threads, card=bool(GPU) and method in NETWORKS)


#: What every embedding asks for.
EMBEDDING = {
    "mem_mb": embedding_memory_mb,
    "runtime": embedding_runtime,
    "device": CONFIG.device,
    "workers": embedding_workers,
}
#: OpenL3 takes a card that it sees and asks for none: pip's TensorFlow comes without the libraries of one.
OPENL3 = EMBEDDING | {"device": "auto" if CONFIG.device == "cuda" else CONFIG.device}
