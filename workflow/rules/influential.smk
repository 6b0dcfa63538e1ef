"""Influential: full model -> the training samples that each evaluation function hangs on most, alone and together.

Reads   resources/embeddings/{dataset}/, results/{study}/{dataset}/{variant}/{fit.npz,factor.npy}
Writes  results/{study}/{dataset}/{variant}/{influential,influential_groups}.parquet
        results/{study}/tables/{influential,influential_groups}.{csv,md,tex,html}
"""

INFLUENTIAL = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/influential.parquet",
    "results/{study}/{dataset}/{variant}/influential_groups.parquet",
    after=[FIT],
    training=training_settings,
    evaluations=study_setting("evaluations"),
    influential=study_setting("influential"),
    iteration_limit=study_setting("iteration_limit"),
    labels=row_labels,
    library=library("influential"),
)


rule influential:
    """Rank the training samples for each evaluation function, and retrain without the first of them."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
        outdated=INFLUENTIAL.outdated,
    output:
        samples="results/{study}/{dataset}/{variant}/influential.parquet",
        groups="results/{study}/{dataset}/{variant}/influential_groups.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/influential.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/influential.jsonl"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("influential"),
        runtime=minutes(influential_groups),
        device=CONFIG.device,
    params:
        **INFLUENTIAL.params,
        stamps=LINEAGE.stamps,
        demand=demand("influential"),
    message:
        "Ranking the samples of {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/influential.py"


rule influential_table:
    """Tabulate the most influential samples."""
    input:
        samples=base_influential,
    output:
        csv="results/{study}/tables/influential.csv",
        md="results/{study}/tables/influential.md",
        tex="results/{study}/tables/influential.tex",
        html=report(
            "results/{study}/tables/influential.html",
            caption="../report/influential.rst",
            category="Most influential samples",
            labels={"result": "samples"},
        ),
    log:
        "logs/{study}/influential_table.log",
    conda:
        "../../envs/core.yaml"
    params:
        library=library("influential_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the most influential samples of {wildcards.study}"
    script:
        "../scripts/influential_table.py"


rule influential_groups_table:
    """Tabulate what the first of them do together, predicted and retrained."""
    input:
        groups=base_influential_groups,
    output:
        csv="results/{study}/tables/influential_groups.csv",
        md="results/{study}/tables/influential_groups.md",
        tex="results/{study}/tables/influential_groups.tex",
        html=report(
            "results/{study}/tables/influential_groups.html",
            caption="../report/influential_groups.rst",
            category="Most influential samples",
            labels={"result": "groups"},
        ),
    log:
        "logs/{study}/influential_groups_table.log",
    conda:
        "../../envs/core.yaml"
    params:
        library=library("influential_groups_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating groups of the most influential samples of {wildcards.study}"
    script:
        "../scripts/influential_groups_table.py"
