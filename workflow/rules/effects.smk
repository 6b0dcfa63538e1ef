"""Effects: model and removal sets -> predictions and certified retrains, a shard a strategy.

Reads   resources/embeddings/{dataset}/, results/{study}/{dataset}/{variant}/{fit.npz,removal_sets.parquet}
Writes  results/{study}/{dataset}/{variant}/effects/{strategy}.parquet
"""


rule effects:
    """Predict the effects of one strategy's removal sets, and retrain without each."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model="results/{study}/{dataset}/{variant}/fit.npz",
        sets="results/{study}/{dataset}/{variant}/removal_sets.parquet",
    output:
        rows="results/{study}/{dataset}/{variant}/effects/{strategy}.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/effects/{strategy}.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/effects/{strategy}.jsonl"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory_mb,
    params:
        training=training_settings,
        evaluations=lookup(dpath="studies/{study}/evaluations", within=config),
        labels=row_labels,
        library=library("effects"),
    message:
        "Measuring {wildcards.strategy} of {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/effects.py"
