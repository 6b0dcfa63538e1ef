"""Suspects: full model -> the training samples ranked by how much their own loss would rise without them.

Reads   resources/embeddings/{dataset}/, results/{study}/{dataset}/{variant}/{fit.npz,factor.npy}
Writes  results/{study}/{dataset}/{variant}/suspects.parquet, results/{study}/tables/suspects.{csv,md,tex,html}
"""

SUSPECTS = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/suspects.parquet",
    after=[FIT],
    training=training_settings,
    labels=row_labels,
    retrained=study_setting("suspects"),
    iteration_limit=study_setting("iteration_limit"),
    library=library("suspects"),
)


rule suspects:
    """Rank the training samples as they are, and retrain without the most suspicious ones."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
        outdated=SUSPECTS.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/suspects.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/suspects.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/suspects.jsonl"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("suspects"),
        runtime=minutes(suspicious_samples),
        device=CONFIG.device,
    params:
        **SUSPECTS.params,
        stamps=LINEAGE.stamps,
        demand=demand("suspects"),
    message:
        "Ranking the samples of {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/suspects.py"


rule suspects_table:
    """Tabulate the most suspicious samples of each data set."""
    input:
        rows=base_suspects,
    output:
        csv="results/{study}/tables/suspects.csv",
        md="results/{study}/tables/suspects.md",
        tex="results/{study}/tables/suspects.tex",
        html=report(
            "results/{study}/tables/suspects.html",
            caption="../report/suspects.rst",
            category="Suspicious samples",
            labels={"result": "suspicious samples"},
        ),
    log:
        "logs/{study}/suspects_table.log",
    conda:
        "../../envs/core.yaml"
    params:
        library=library("suspects_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the suspicious samples of {wildcards.study}"
    script:
        "../scripts/suspects_table.py"
