"""Effects: model and removal sets -> predictions and certified retrains, a shard a strategy or finer.

Reads   resources/embeddings/{dataset}/, results/{study}/{dataset}/{variant}/{fit.npz,factor.npy,removal_sets.parquet}
Writes  results/{study}/{dataset}/{variant}/effects/{shard}.parquet
"""


rule effects:
    """Predict the effects of one shard's removal sets, and retrain without each."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
        sets="results/{study}/{dataset}/{variant}/removal_sets.parquet",
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
        training=training_settings,
        demand=demand("effects"),
        evaluations=study_setting("evaluations"),
        labels=row_labels,
        shard=shard_of,
        library=library("effects"),
    message:
        "Measuring {wildcards.shard} of {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/effects.py"
