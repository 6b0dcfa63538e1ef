"""Convergence audit: what the published stopping rule does to the truth, and to what the truth says of the estimators.

Reads   resources/embeddings/{dataset}/, results/{runs_of or study}/{dataset}/{variant}/{fit.npz,factor.npy},
        results/{study}/{dataset}/{variant}/audit/{removal_sets,effects}.parquet
Writes  results/{study}/{dataset}/{variant}/audit/convergence.parquet
        results/{study}/tables/audit_convergence.{csv,md,tex,html}
        results/{study}/figures/audit_convergence.{pdf,png,svg,csv}
"""

AUDIT_CONVERGENCE = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/audit/convergence.parquet",
    after=[AUDIT_SETS],
    training=training_settings,
    evaluations=study_setting("evaluations"),
    labels=row_labels,
    library=library("audit_convergence"),
)


rule audit_convergence:
    """Measure the audit's sets of the first seed as the published procedure does."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model=home_file("fit.npz"),
        factor=home_file("factor.npy"),
        sets="results/{study}/{dataset}/{variant}/audit/removal_sets.parquet",
        outdated=AUDIT_CONVERGENCE.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/audit/convergence.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/audit/convergence.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/audit/convergence.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("audit_convergence"),
        runtime=minutes(published_retrains),
        device=CONFIG.device,
    params:
        **AUDIT_CONVERGENCE.params,
        stamps=LINEAGE.stamps,
        demand=demand("audit_convergence"),
    message:
        "Retraining {wildcards.dataset} ({wildcards.variant}) as published"
    script:
        "../scripts/audit_convergence.py"


rule audit_convergence_table:
    """Tabulate the published truth beside the certified one, and the estimators by each."""
    input:
        rows=audited("convergence"),
        effects=audited("effects"),
    output:
        csv="results/{study}/tables/audit_convergence.csv",
        md="results/{study}/tables/audit_convergence.md",
        tex="results/{study}/tables/audit_convergence.tex",
        html=report(
            "results/{study}/tables/audit_convergence.html",
            caption="../report/audit_convergence_table.rst",
            category="Audit, convergence",
            labels={"result": "published truth and estimators"},
        ),
    log:
        "logs/{study}/audit_convergence_table.log",
    benchmark:
        "benchmarks/{study}/audit_convergence_table.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_convergence_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the convergence of {wildcards.study}"
    script:
        "../scripts/audit_convergence_table.py"


rule audit_convergence_figure:
    """Draw how far the published truth is off, and how good the estimators look to it."""
    input:
        rows=audited("convergence"),
        effects=audited("effects"),
        table="results/{study}/tables/audit_convergence.csv",
        abouts=audited_abouts,
    output:
        pdf="results/{study}/figures/audit_convergence.pdf",
        png="results/{study}/figures/audit_convergence.png",
        svg=report(
            "results/{study}/figures/audit_convergence.svg",
            caption="../report/audit_convergence.rst",
            category="Audit, convergence",
            labels={"result": "Errors of the published truth"},
        ),
        csv=report(
            "results/{study}/figures/audit_convergence.csv",
            caption="../report/numbers.rst",
            category="Audit, convergence",
            labels={"result": "Errors of the published truth: numbers (csv)"},
        ),
    log:
        "logs/{study}/audit_convergence_figure.log",
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=audited_titles,
        library=library("audit_convergence_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing the convergence of {wildcards.study}"
    script:
        "../scripts/audit_convergence_figure.py"
