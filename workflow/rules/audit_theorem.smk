"""Audit of Theorem 3.1: its constants and bounds on data, beside the difference of NS and RIF that they are about.

Reads   resources/embeddings/{dataset}/, results/{runs_of or study}/{dataset}/{variant}/{fit.npz,factor.npy},
        results/{study}/{dataset}/{variant}/audit/removal_sets.parquet
Writes  results/{study}/{dataset}/{variant}/audit/theorem.parquet
        results/{study}/tables/audit_theorem{,_constants}.{csv,md,tex,html}
        results/{study}/figures/audit_theorem.{pdf,png,svg,csv}
"""

AUDIT_THEOREM = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/audit/theorem.parquet",
    after=[AUDIT_SETS],
    training=training_settings,
    evaluations=study_setting("evaluations"),
    labels=row_labels,
    library=library("audit_theorem"),
)


rule audit_theorem:
    """Compute the theorem's constants over all samples and over each set, and what it says of the set."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model=home_file("fit.npz"),
        factor=home_file("factor.npy"),
        sets="results/{study}/{dataset}/{variant}/audit/removal_sets.parquet",
        outdated=AUDIT_THEOREM.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/audit/theorem.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/audit/theorem.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/audit/theorem.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("audit_theorem"),
        runtime=minutes(audited_sets),
        device=CONFIG.device,
    params:
        **AUDIT_THEOREM.params,
        stamps=LINEAGE.stamps,
        demand=demand("audit_theorem"),
    message:
        "Holding Theorem 3.1 against {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/audit_theorem.py"


rule audit_theorem_table:
    """Tabulate how much of each bound is observed, and of how many sets it speaks."""
    input:
        rows=audited("theorem"),
    output:
        csv="results/{study}/tables/audit_theorem.csv",
        md="results/{study}/tables/audit_theorem.md",
        tex="results/{study}/tables/audit_theorem.tex",
        html=report(
            "results/{study}/tables/audit_theorem.html",
            caption="../report/audit_theorem_table.rst",
            category="Audit, Theorem 3.1",
            labels={"result": "observed differences over bounds"},
        ),
    log:
        "logs/{study}/audit_theorem_table.log",
    benchmark:
        "benchmarks/{study}/audit_theorem_table.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        kind="ratios",
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_theorem_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the bounds of Theorem 3.1 in {wildcards.study}"
    script:
        "../scripts/audit_theorem_table.py"


use rule audit_theorem_table as audit_theorem_constants_table with:
    output:
        csv="results/{study}/tables/audit_theorem_constants.csv",
        md="results/{study}/tables/audit_theorem_constants.md",
        tex="results/{study}/tables/audit_theorem_constants.tex",
        html=report(
            "results/{study}/tables/audit_theorem_constants.html",
            caption="../report/audit_theorem_constants_table.rst",
            category="Audit, Theorem 3.1",
            labels={"result": "constants and thresholds"},
        ),
    log:
        "logs/{study}/audit_theorem_constants_table.log",
    benchmark:
        "benchmarks/{study}/audit_theorem_constants_table.jsonl"
    params:
        kind="constants",
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_theorem_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the constants of Theorem 3.1 in {wildcards.study}"


rule audit_theorem_figure:
    """Draw the difference of NS and RIF beside its bounds."""
    input:
        rows=audited("theorem"),
        abouts=audited_abouts,
    output:
        pdf="results/{study}/figures/audit_theorem.pdf",
        png="results/{study}/figures/audit_theorem.png",
        svg=report(
            "results/{study}/figures/audit_theorem.svg",
            caption="../report/audit_theorem.rst",
            category="Audit, Theorem 3.1",
            labels={"result": "Difference of NS and RIF, and bounds"},
        ),
        csv=report(
            "results/{study}/figures/audit_theorem.csv",
            caption="../report/numbers.rst",
            category="Audit, Theorem 3.1",
            labels={"result": "Difference of NS and RIF, and bounds: numbers (csv)"},
        ),
    log:
        "logs/{study}/audit_theorem_figure.log",
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=audited_titles,
        library=library("audit_theorem_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing the bounds of Theorem 3.1 in {wildcards.study}"
    script:
        "../scripts/audit_theorem_figure.py"
