"""Fit: embeddings -> the full model of one variant.

Reads   resources/embeddings/{dataset}/
Writes  results/{study}/{dataset}/{variant}/{fit.npz,factor.npy}
"""


rule fit:
    """Train the logistic regression of one variant to its certified optimum."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
    output:
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
    log:
        "logs/{study}/{dataset}/{variant}/fit.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/fit.jsonl"
    priority: 2  # two cores are seldom free at once when jobs of one core have begun
    conda:
        "../../envs/core.yaml"
    threads: 2
    resources:
        mem_mb=memory_mb,
        device=CONFIG.device,
    params:
        training=training_settings,
        model=model_settings,
        library=library("fit"),
    message:
        "Fitting {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/fit.py"
