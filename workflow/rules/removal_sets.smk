"""Removal sets: full model -> which samples are left out.

Reads   resources/embeddings/{dataset}/, results/{study}/{dataset}/{variant}/{fit.npz,factor.npy}
Writes  results/{study}/{dataset}/{variant}/removal_sets.parquet
"""

REMOVAL_SETS = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/removal_sets.parquet",
    after=[FIT],
    training=training_settings,
    removal=study_setting("removal"),
    library=library("removal_sets"),
)


rule removal_sets:
    """Draw the removal sets of one variant."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
        outdated=REMOVAL_SETS.outdated,
    output:
        sets="results/{study}/{dataset}/{variant}/removal_sets.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/removal_sets.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/removal_sets.jsonl"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("removal_sets"),
        runtime=minutes(no_models),
        device=CONFIG.device,
    params:
        **REMOVAL_SETS.params,
        stamps=LINEAGE.stamps,
        demand=demand("removal_sets"),
    message:
        "Drawing removal sets of {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/removal_sets.py"
