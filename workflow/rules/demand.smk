"""What jobs ask for: memory, time, a graphics card; by the size of their problem, more with each attempt. No rule.

Reads   the configuration, as common.smk has it; the size of what is embedded already
"""

from leaveout.duration import embedding_minutes, model_minutes
from leaveout.blocks import TOGETHER
from leaveout.memory import SNAKEMAKE, Demand, Size, embedding_mb, job_mb, planned_mb, problem_size, run_size
from leaveout.random_sizes import LARGEST_SHARE, removed_sizes

#: Embeddings by networks of torch, and what their rules ask for besides: a graphics card, if the configuration insists.
NETWORKS = {"text", "vision"}
GPU = {"gpu": 1} if CONFIG.device == "cuda" else {}


def about_of(wildcards):
    """The record of a data set's embedding, which may not be there yet."""
    return f"resources/embeddings/{wildcards.dataset}/about.json"


def expected_size(wildcards):
    """Training samples and features of a data set, if the configuration states them."""
    return CONFIG.datasets[wildcards.dataset].get("expected")


def size_of(wildcards):
    """Samples and features of a data set, from what is there when a job is planned, and again before it starts."""
    return problem_size(expected_size(wildcards), about_of(wildcards), raw_files(wildcards))


def planned_size(wildcards):
    """Size of one run's problem, from above."""
    stated = expected_size(wildcards) is not None
    return run_size(size_of(wildcards), stated, about_of(wildcards), run_of(wildcards).settings["n_train"])


def memory(rule):
    """Memory for a job of some rule, more with each attempt; Snakemake's own is added, which a cluster counts too."""
    return partial(planned_memory, rule)


def planned_memory(rule, wildcards, attempt):
    """Memory for one job."""
    demanded = Demand(**planned_demand(rule, wildcards))
    return int(attempt * (SNAKEMAKE + planned_mb(planned_size(wildcards), demanded)))


def demand(rule):
    """What a job of some rule does, for its script to hold against the memory that the job was given."""
    return partial(planned_demand, rule)


def planned_demand(rule, wildcards):
    """The same for one job."""
    given = {"rule": rule, "intercept": run_of(wildcards).settings["intercept"]}
    return given | DEMANDS[rule](wildcards) if rule in DEMANDS else given


def all_removal_sets(wildcards):
    """The largest removal set of a run, and all of them together, in training samples."""
    study = study_of(wildcards)
    sizes, number = study.sizes, len(study.strategies) * study.repeats * study.sizes["count"]
    return {"share": sizes["max"] / 100, "listed": number * (sizes["min"] + sizes["max"]) / 200}


def audit_removal_sets(wildcards):
    """The same for an audit's sets."""
    study = study_of(wildcards)
    sizes, drawn = study.audit["sizes"], len(study.plotted_strategies) * study.audit["repeats"]
    number = (drawn + len(PUBLISHED_STRATEGIES)) * sizes["count"]
    return {"share": sizes["max"] / 100, "listed": number * (sizes["min"] + sizes["max"]) / 200}


def random_removal_sets(wildcards):
    """The same for random sets of every size."""
    draws = study_of(wildcards).audit["scaling"]["draws"]
    return {"share": LARGEST_SHARE, "listed": 2 * draws * LARGEST_SHARE}


def largest_group(wildcards):
    """The largest group of influential samples."""
    return {"largest": max(setting_of_study(["influential", "groups"], wildcards), default=1)}


def poisons_together(wildcards):
    """Poisons that are beside the model at a time."""
    return {"further": min(TOGETHER, poisons(wildcards))}


def planted_samples(wildcards):
    """Samples that a draw plants."""
    return {"further": study_of(wildcards).poisoning["planted"]}


#: What jobs do besides, by rule.
DEMANDS = {
    "removal_sets": all_removal_sets,
    "audit_sets": audit_removal_sets,
    "audit_effects": audit_removal_sets,
    "audit_convergence": audit_removal_sets,
    "audit_scaling": random_removal_sets,
    "audit_predictions": audit_removal_sets,
    "audit_theorem": audit_removal_sets,
    "effects": all_removal_sets,
    "influential": largest_group,
    "poisoning": poisons_together,
    "detection": planted_samples,
}


def minutes(retrained):
    """Time for a job that trains models anew: ``retrained`` says how many, of a job's wildcards."""
    return partial(planned_minutes, retrained)


def planned_minutes(retrained, wildcards, attempt):
    """Time for one run's model and the models that are trained anew."""
    size = planned_size(wildcards)
    return attempt * model_minutes(size.n, size.d, retrained(wildcards))


def no_models(wildcards):
    """Nothing is trained anew."""
    return 0


def removed_sets(wildcards):
    """Removal sets of a shard, each on its own."""
    study = study_of(wildcards)
    return min(study.sizes_per_shard, study.sizes["count"]) * study.repeats


def audited_sets(wildcards):
    """An audit's sets under one convention, and those of the first seed under the other."""
    study = study_of(wildcards)
    drawn = len(study.plotted_strategies) * (study.audit["repeats"] + 1)
    return (drawn + 2 * len(PUBLISHED_STRATEGIES)) * study.audit["sizes"]["count"]


def audited_first_sets(wildcards):
    """An audit's sets of the first seed, without the published selection."""
    study = study_of(wildcards)
    return len(study.plotted_strategies) * study.audit["sizes"]["count"]


def published_retrains(wildcards):
    """The same, each trained anew three times: twice from the certified full model, once from the published one."""
    return 3 * audited_first_sets(wildcards)


def random_sets(wildcards):
    """Random removal sets of every size."""
    sizes = removed_sizes(planned_size(wildcards).n)
    return len(sizes) * study_of(wildcards).audit["scaling"]["draws"]


def made_up_designs(wildcards):
    """The largest made-up design, (n, d), and how many models of them all are fitted and trained anew, from above."""
    made = study_of(wildcards).audit["scaling"]
    n, d = max(made["n"]), max(made["d"])
    designs = len(made["n"]) * len(made["d"]) * made["designs"]
    return n, d, designs * (1 + len(removed_sizes(n)) * made["draws"])


def made_up_memory_mb(wildcards, attempt):
    """Memory for them, one after the other."""
    n, d, _ = made_up_designs(wildcards)
    return int(attempt * (SNAKEMAKE + job_mb(Size(n, 0, d, n), Demand("audit_synthetic", "none", share=LARGEST_SHARE))))


def made_up_runtime(wildcards, attempt):
    """Time for them."""
    return attempt * model_minutes(*made_up_designs(wildcards))


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
    return (2 * n if expected_size(wildcards) else n), d


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
