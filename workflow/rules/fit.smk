"""Fit: embeddings -> the full model of one variant.

Reads   resources/embeddings/{dataset}/
Writes  results/{study}/{dataset}/{variant}/{fit.npz,factor.npy}
"""

FIT = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/fit.npz",
    after=[SAMPLES],
    training=training_settings,
    model=model_settings,
    library=library("fit"),
)


rule fit:
    """Train the logistic regression of one variant to its certified optimum."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        outdated=FIT.outdated,
    output:
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
    log:
        "logs/{study}/{dataset}/{variant}/fit.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/fit.jsonl"
    priority: 2  # all else waits for the fits: with these done, cores never lack jobs
    conda:
        "../../envs/core.yaml"
    threads: 1  # jobs side by side; threads that wait for each other take thrice as long where a core is shared
    resources:
        mem_mb=memory("fit"),
        runtime=minutes(no_models),
        device=CONFIG.device,
    params:
        **FIT.params,
        stamps=LINEAGE.stamps,
        demand=demand("fit"),
    message:
        "Fitting {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/fit.py"
