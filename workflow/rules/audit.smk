"""Audit: the study's models under a magnifying glass. Sets of its own, drawn with several seeds, and their effects.

What the audit's parts share: the truth under each convention, certified. A study with ``runs_of`` has the models from
another study's folder.

Reads   resources/embeddings/{dataset}/, results/{runs_of or study}/{dataset}/{variant}/{fit.npz,factor.npy}
Writes  results/{study}/{dataset}/{variant}/audit/{removal_sets,effects}.parquet
        results/{study}/tables/audit_{conventions,seeds,paired}.{csv,md,tex,html}
        results/{study}/figures/audit_conventions.{pdf,png,svg,csv}
"""

AUDIT_SETS = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/audit/removal_sets.parquet",
    model=LINEAGE.together(audited_model),
    training=training_settings,
    removal=audit_removal,
    library=library("audit_sets"),
)


rule audit_sets:
    """Draw the audit's removal sets of one run: each strategy and size with several seeds."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model=home_file("fit.npz"),
        factor=home_file("factor.npy"),
        outdated=AUDIT_SETS.outdated,
    output:
        sets="results/{study}/{dataset}/{variant}/audit/removal_sets.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/audit/removal_sets.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/audit/removal_sets.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("audit_sets"),
        runtime=minutes(no_models),
        device=CONFIG.device,
    params:
        **AUDIT_SETS.params,
        stamps=LINEAGE.stamps,
        demand=demand("audit_sets"),
    message:
        "Drawing the audit's removal sets of {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/audit_sets.py"


AUDIT_EFFECTS = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/audit/effects.parquet",
    after=[AUDIT_SETS],
    training=training_settings,
    evaluations=study_setting("evaluations"),
    labels=row_labels,
    iteration_limit=study_setting("iteration_limit"),
    library=library("audit_effects"),
)


rule audit_effects:
    """Predict the effects of the audit's sets, and retrain without each, under every convention."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model=home_file("fit.npz"),
        factor=home_file("factor.npy"),
        sets="results/{study}/{dataset}/{variant}/audit/removal_sets.parquet",
        outdated=AUDIT_EFFECTS.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/audit/effects.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/audit/effects.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/audit/effects.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("audit_effects"),
        runtime=minutes(audited_sets),
        device=CONFIG.device,
    params:
        **AUDIT_EFFECTS.params,
        stamps=LINEAGE.stamps,
        demand=demand("audit_effects"),
    message:
        "Measuring {wildcards.dataset} ({wildcards.variant}) under every convention"
    script:
        "../scripts/audit_effects.py"


rule audit_conventions_table:
    """Tabulate the calibration under each convention, loss and selection of the sets."""
    input:
        rows=audited("effects"),
    output:
        csv="results/{study}/tables/audit_conventions.csv",
        md="results/{study}/tables/audit_conventions.md",
        tex="results/{study}/tables/audit_conventions.tex",
        html=report(
            "results/{study}/tables/audit_conventions.html",
            caption="../report/audit_conventions_table.rst",
            category="Audit, conventions and seeds",
            labels={"result": "calibration by convention and selection"},
        ),
    log:
        "logs/{study}/audit_conventions_table.log",
    benchmark:
        "benchmarks/{study}/audit_conventions_table.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        kind="conventions",
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_effects_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the conventions of {wildcards.study}"
    script:
        "../scripts/audit_effects_table.py"


use rule audit_conventions_table as audit_seeds_table with:
    output:
        csv="results/{study}/tables/audit_seeds.csv",
        md="results/{study}/tables/audit_seeds.md",
        tex="results/{study}/tables/audit_seeds.tex",
        html=report(
            "results/{study}/tables/audit_seeds.html",
            caption="../report/audit_seeds_table.rst",
            category="Audit, conventions and seeds",
            labels={"result": "calibration over seeds"},
        ),
    log:
        "logs/{study}/audit_seeds_table.log",
    benchmark:
        "benchmarks/{study}/audit_seeds_table.jsonl"
    params:
        kind="seeds",
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_effects_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the seeds of {wildcards.study}"


use rule audit_conventions_table as audit_paired_table with:
    output:
        csv="results/{study}/tables/audit_paired.csv",
        md="results/{study}/tables/audit_paired.md",
        tex="results/{study}/tables/audit_paired.tex",
        html=report(
            "results/{study}/tables/audit_paired.html",
            caption="../report/audit_paired_table.rst",
            category="Audit, conventions and seeds",
            labels={"result": "estimators on the same sets"},
        ),
    log:
        "logs/{study}/audit_paired_table.log",
    benchmark:
        "benchmarks/{study}/audit_paired_table.jsonl"
    params:
        kind="paired",
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_effects_table"),
        stamps=LINEAGE.stamps,
    message:
        "Comparing the estimators of {wildcards.study} set by set"


rule audit_conventions_figure:
    """Draw the slopes under each convention, loss and selection of the sets."""
    input:
        table="results/{study}/tables/audit_conventions.csv",
        abouts=audited_abouts,
    output:
        pdf="results/{study}/figures/audit_conventions.pdf",
        png="results/{study}/figures/audit_conventions.png",
        svg=report(
            "results/{study}/figures/audit_conventions.svg",
            caption="../report/audit_conventions.rst",
            category="Audit, conventions and seeds",
            labels={"result": "Slopes by convention and selection"},
        ),
        csv=report(
            "results/{study}/figures/audit_conventions.csv",
            caption="../report/numbers.rst",
            category="Audit, conventions and seeds",
            labels={"result": "Slopes by convention and selection: numbers (csv)"},
        ),
    log:
        "logs/{study}/audit_conventions_figure.log",
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=audited_titles,
        library=library("audit_conventions_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing the conventions of {wildcards.study}"
    script:
        "../scripts/audit_conventions_figure.py"
