"""Scaling of errors: how predictions part from each other and from the truth with k, n and d, beside theory.

Reads   resources/embeddings/{dataset}/, results/{runs_of or study}/{dataset}/{variant}/{fit.npz,factor.npy}
Writes  results/{study}/scaling/synthetic.parquet, results/{study}/{dataset}/{variant}/audit/scaling.parquet
        results/{study}/tables/audit_scaling.{csv,md,tex,html}
        results/{study}/figures/audit_scaling.{pdf,png,svg,csv}
"""

AUDIT_SYNTHETIC = LINEAGE.product(
    "results/{study}/scaling/synthetic.parquet",
    scaling=study_setting("audit", "scaling"),
    seed=global_seed,
    library=library("audit_synthetic"),
)


rule audit_synthetic:
    """Measure the errors on made-up designs of many sizes."""
    input:
        outdated=AUDIT_SYNTHETIC.outdated,
    output:
        rows="results/{study}/scaling/synthetic.parquet",
    log:
        "logs/{study}/scaling/synthetic.log",
    benchmark:
        "benchmarks/{study}/scaling/synthetic.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=made_up_memory_mb,
        runtime=made_up_runtime,
    params:
        **AUDIT_SYNTHETIC.params,
    message:
        "Measuring the errors of {wildcards.study} on made-up designs"
    script:
        "../scripts/audit_synthetic.py"


AUDIT_SCALING = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/audit/scaling.parquet",
    model=LINEAGE.together(audited_model),
    training=training_settings,
    draws=study_setting("audit", "scaling", "draws"),
    labels=row_labels,
    iteration_limit=study_setting("iteration_limit"),
    library=library("audit_scaling"),
)


rule audit_scaling:
    """Measure the errors on random sets of one run, of every size."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model=home_file("fit.npz"),
        factor=home_file("factor.npy"),
        outdated=AUDIT_SCALING.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/audit/scaling.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/audit/scaling.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/audit/scaling.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("audit_scaling"),
        runtime=minutes(random_sets),
        device=CONFIG.device,
    params:
        **AUDIT_SCALING.params,
        stamps=LINEAGE.stamps,
        demand=demand("audit_scaling"),
    message:
        "Measuring the errors of {wildcards.dataset} ({wildcards.variant}) on random sets"
    script:
        "../scripts/audit_scaling.py"


rule audit_scaling_table:
    """Tabulate the exponents of the errors beside theory."""
    input:
        rows=audited_scaling,
    output:
        csv="results/{study}/tables/audit_scaling.csv",
        md="results/{study}/tables/audit_scaling.md",
        tex="results/{study}/tables/audit_scaling.tex",
        html=report(
            "results/{study}/tables/audit_scaling.html",
            caption="../report/audit_scaling_table.rst",
            category="Audit, scaling",
            labels={"result": "exponents"},
        ),
    log:
        "logs/{study}/audit_scaling_table.log",
    benchmark:
        "benchmarks/{study}/audit_scaling_table.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=scaled_titles,
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_scaling_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the exponents of {wildcards.study}"
    script:
        "../scripts/audit_scaling_table.py"


rule audit_scaling_figure:
    """Draw how the errors grow."""
    input:
        rows=audited_scaling,
        abouts=scaled_abouts,
    output:
        pdf="results/{study}/figures/audit_scaling.pdf",
        png="results/{study}/figures/audit_scaling.png",
        svg=report(
            "results/{study}/figures/audit_scaling.svg",
            caption="../report/audit_scaling.rst",
            category="Audit, scaling",
            labels={"result": "Growth of errors"},
        ),
        csv=report(
            "results/{study}/figures/audit_scaling.csv",
            caption="../report/numbers.rst",
            category="Audit, scaling",
            labels={"result": "Growth of errors: numbers (csv)"},
        ),
    log:
        "logs/{study}/audit_scaling_figure.log",
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=scaled_titles,
        library=library("audit_scaling_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing the growth of errors of {wildcards.study}"
    script:
        "../scripts/audit_scaling_figure.py"
