"""Effects: model and removal sets -> predictions and certified retrains, a shard a strategy or finer.

Reads   resources/embeddings/{dataset}/, results/{study}/{dataset}/{variant}/{fit.npz,factor.npy,removal_sets.parquet}
Writes  results/{study}/{dataset}/{variant}/effects/{shard}.parquet
"""

EFFECTS = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/effects/{shard}.parquet",
    after=[REMOVAL_SETS],
    training=training_settings,
    evaluations=study_setting("evaluations"),
    labels=row_labels,
    shard=shard_of,
    iteration_limit=study_setting("iteration_limit"),
    library=library("effects"),
)


rule effects:
    """Predict the effects of one shard's removal sets, and retrain without each."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
        sets="results/{study}/{dataset}/{variant}/removal_sets.parquet",
        outdated=EFFECTS.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/effects/{shard}.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/effects/{shard}.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/effects/{shard}.jsonl"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("effects"),
        runtime=minutes(removed_sets),
        device=CONFIG.device,
    params:
        **EFFECTS.params,
        stamps=LINEAGE.stamps,
        demand=demand("effects"),
    message:
        "Measuring {wildcards.shard} of {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/effects.py"
