"""Audit, separability: whether an estimator fails where the classes of the training samples hardly overlap.

Reads   results/{study}/tables/audit_seeds.csv, results/{runs_of or study}/{dataset}/{variant}/fit.npz
Writes  results/{study}/tables/audit_separability.{csv,md,tex,html}
        results/{study}/figures/audit_separability.{pdf,png,svg,csv}
"""


rule audit_separability_table:
    """Tabulate slopes beside the curvature that the models leave."""
    input:
        calibration="results/{study}/tables/audit_seeds.csv",
        fits=audited_fits,
    output:
        csv="results/{study}/tables/audit_separability.csv",
        md="results/{study}/tables/audit_separability.md",
        tex="results/{study}/tables/audit_separability.tex",
        html=report(
            "results/{study}/tables/audit_separability.html",
            caption="../report/audit_separability_table.rst",
            category="Audit, separability",
            labels={"result": "slopes beside separability"},
        ),
    log:
        "logs/{study}/audit_separability_table.log",
    benchmark:
        "benchmarks/{study}/audit_separability_table.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        runs=audited_names,
        library=library("audit_separability_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the separability of {wildcards.study}"
    script:
        "../scripts/audit_separability_table.py"


rule audit_separability_figure:
    """Draw slopes against the curvature that the models leave."""
    input:
        table="results/{study}/tables/audit_separability.csv",
        abouts=audited_abouts,
    output:
        pdf="results/{study}/figures/audit_separability.pdf",
        png="results/{study}/figures/audit_separability.png",
        svg=report(
            "results/{study}/figures/audit_separability.svg",
            caption="../report/audit_separability.rst",
            category="Audit, separability",
            labels={"result": "Slopes by separability"},
        ),
        csv=report(
            "results/{study}/figures/audit_separability.csv",
            caption="../report/numbers.rst",
            category="Audit, separability",
            labels={"result": "Slopes by separability: numbers (csv)"},
        ),
    log:
        "logs/{study}/audit_separability_figure.log",
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=audited_titles,
        library=library("audit_separability_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing the separability of {wildcards.study}"
    script:
        "../scripts/audit_separability_figure.py"
