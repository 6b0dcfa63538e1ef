"""Poisoning: test samples join the training samples with the wrong label, one at a time, or many to be found again.

Reads   resources/embeddings/{dataset}/, results/{study}/{dataset}/{variant}/{fit.npz,factor.npy}
Writes  results/{study}/{dataset}/{variant}/{poisoning,detection/{draw}}.parquet
        results/{study}/tables/detection.{csv,md,tex,html}
"""

POISONING = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/poisoning.parquet",
    after=[FIT],
    training=training_settings,
    labels=row_labels,
    samples=study_setting("poisoning", "samples"),
    iteration_limit=study_setting("iteration_limit"),
    library=library("poisoning"),
)


rule poisoning:
    """Add test samples with flipped labels, one at a time, and measure what removing each again would change."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
        outdated=POISONING.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/poisoning.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/poisoning.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/poisoning.jsonl"
    wildcard_constraints:
        study=POISONED,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("poisoning"),
        runtime=minutes(poisons),
        device=CONFIG.device,
    params:
        **POISONING.params,
        stamps=LINEAGE.stamps,
        demand=demand("poisoning"),
    message:
        "Poisoning {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/poisoning.py"


DETECTION = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/detection/{draw}.parquet",
    after=[FIT],
    training=training_settings,
    labels=row_labels,
    settings=planting_settings,
    library=library("detection"),
)


rule detection:
    """Plant test samples with flipped labels, and rank all training samples by how suspicious they are: one draw."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model="results/{study}/{dataset}/{variant}/fit.npz",
        factor="results/{study}/{dataset}/{variant}/factor.npy",
        outdated=DETECTION.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/detection/{draw}.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/detection/{draw}.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/detection/{draw}.jsonl"
    wildcard_constraints:
        study=POISONED,
        draw=r"\d+",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("detection"),
        runtime=minutes(inspected_samples),
        device=CONFIG.device,
    params:
        **DETECTION.params,
        stamps=LINEAGE.stamps,
        demand=demand("detection"),
    message:
        "Planting and detecting wrong labels in {wildcards.dataset} ({wildcards.variant}, draw {wildcards.draw})"
    script:
        "../scripts/detection.py"


rule detection_table:
    """Tabulate how well rankings find planted samples, with intervals over draws."""
    input:
        rows=poisoned_detection,
    output:
        csv="results/{study}/tables/detection.csv",
        md="results/{study}/tables/detection.md",
        tex="results/{study}/tables/detection.tex",
        html=report(
            "results/{study}/tables/detection.html",
            caption="../report/detection_table.rst",
            category="Detection",
            labels={"result": "detection"},
        ),
    log:
        "logs/{study}/detection_table.log",
    wildcard_constraints:
        study=POISONED,
    conda:
        "../../envs/core.yaml"
    params:
        library=library("detection_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the detection of {wildcards.study}"
    script:
        "../scripts/detection_table.py"
