"""Audit of predictions: what can be told of their errors without retraining, and what makes them fail.

Reads   resources/embeddings/{dataset}/, results/{runs_of or study}/{dataset}/{variant}/{fit.npz,factor.npy},
        results/{study}/{dataset}/{variant}/audit/removal_sets.parquet
Writes  results/{study}/{dataset}/{variant}/audit/predictions.parquet
        results/{study}/tables/audit_{predictions,failures}.{csv,md,tex,html}
        results/{study}/figures/audit_{predictions,failures,failing_sets}.{pdf,png,svg,csv}
"""

AUDIT_PREDICTIONS = LINEAGE.product(
    "results/{study}/{dataset}/{variant}/audit/predictions.parquet",
    after=[AUDIT_SETS],
    training=training_settings,
    labels=row_labels,
    iteration_limit=study_setting("iteration_limit"),
    library=library("audit_predictions"),
)


rule audit_predictions:
    """Bound the errors of predictions from the gradients at the predicted models, and retrain to know them."""
    input:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        model=home_file("fit.npz"),
        factor=home_file("factor.npy"),
        sets="results/{study}/{dataset}/{variant}/audit/removal_sets.parquet",
        outdated=AUDIT_PREDICTIONS.outdated,
    output:
        rows="results/{study}/{dataset}/{variant}/audit/predictions.parquet",
    log:
        "logs/{study}/{dataset}/{variant}/audit/predictions.log",
    benchmark:
        "benchmarks/{study}/{dataset}/{variant}/audit/predictions.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=memory("audit_predictions"),
        runtime=minutes(audited_first_sets),
        device=CONFIG.device,
    params:
        **AUDIT_PREDICTIONS.params,
        stamps=LINEAGE.stamps,
        demand=demand("audit_predictions"),
    message:
        "Bounding the errors of predictions for {wildcards.dataset} ({wildcards.variant})"
    script:
        "../scripts/audit_predictions.py"


rule audit_predictions_table:
    """Tabulate how tight each bound is, and of how many sets it says nothing."""
    input:
        rows=audited("predictions"),
    output:
        csv="results/{study}/tables/audit_predictions.csv",
        md="results/{study}/tables/audit_predictions.md",
        tex="results/{study}/tables/audit_predictions.tex",
        html=report(
            "results/{study}/tables/audit_predictions.html",
            caption="../report/audit_predictions_table.rst",
            category="Audit, errors told without retraining",
            labels={"result": "tightness of the bounds"},
        ),
    log:
        "logs/{study}/audit_predictions_table.log",
    benchmark:
        "benchmarks/{study}/audit_predictions_table.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_predictions_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the bounds of predictions' errors in {wildcards.study}"
    script:
        "../scripts/audit_predictions_table.py"


rule audit_predictions_figure:
    """Draw the bounds over the errors."""
    input:
        rows=audited("predictions"),
        abouts=audited_abouts,
    output:
        pdf="results/{study}/figures/audit_predictions.pdf",
        png="results/{study}/figures/audit_predictions.png",
        svg=report(
            "results/{study}/figures/audit_predictions.svg",
            caption="../report/audit_predictions.rst",
            category="Audit, errors told without retraining",
            labels={"result": "Bounds over errors"},
        ),
        csv=report(
            "results/{study}/figures/audit_predictions.csv",
            caption="../report/numbers.rst",
            category="Audit, errors told without retraining",
            labels={"result": "Bounds over errors: numbers (csv)"},
        ),
    log:
        "logs/{study}/audit_predictions_figure.log",
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=audited_titles,
        library=library("audit_predictions_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing the bounds of predictions' errors in {wildcards.study}"
    script:
        "../scripts/audit_predictions_figure.py"


rule audit_failures_figure:
    """Draw when each estimator fails."""
    input:
        rows=audited("predictions"),
        abouts=audited_abouts,
    output:
        pdf="results/{study}/figures/audit_failures.pdf",
        png="results/{study}/figures/audit_failures.png",
        svg=report(
            "results/{study}/figures/audit_failures.svg",
            caption="../report/audit_failures.rst",
            category="Audit, when estimators fail",
            labels={"result": "When does which estimator fail?"},
        ),
        csv=report(
            "results/{study}/figures/audit_failures.csv",
            caption="../report/numbers.rst",
            category="Audit, when estimators fail",
            labels={"result": "When does which estimator fail: numbers (csv)"},
        ),
    log:
        "logs/{study}/audit_failures_figure.log",
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=audited_titles,
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_failures_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing when estimators fail in {wildcards.study}"
    script:
        "../scripts/audit_failures_figure.py"


rule audit_failures_table:
    """Tabulate which sets each estimator fails on."""
    input:
        rows=audited("predictions"),
    output:
        csv="results/{study}/tables/audit_failures.csv",
        md="results/{study}/tables/audit_failures.md",
        tex="results/{study}/tables/audit_failures.tex",
        html=report(
            "results/{study}/tables/audit_failures.html",
            caption="../report/audit_failures_table.rst",
            category="Audit, when estimators fail",
            labels={"result": "errors by strategy and size"},
        ),
    log:
        "logs/{study}/audit_failures_table.log",
    benchmark:
        "benchmarks/{study}/audit_failures_table.jsonl"
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_failures_table"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the sets that estimators fail on in {wildcards.study}"
    script:
        "../scripts/audit_failures_table.py"


rule audit_failing_sets_figure:
    """Draw which sets each estimator fails on."""
    input:
        rows=audited("predictions"),
        abouts=audited_abouts,
    output:
        pdf="results/{study}/figures/audit_failing_sets.pdf",
        png="results/{study}/figures/audit_failing_sets.png",
        svg=report(
            "results/{study}/figures/audit_failing_sets.svg",
            caption="../report/audit_failing_sets.rst",
            category="Audit, when estimators fail",
            labels={"result": "Which sets does which estimator fail on?"},
        ),
        csv=report(
            "results/{study}/figures/audit_failing_sets.csv",
            caption="../report/numbers.rst",
            category="Audit, when estimators fail",
            labels={"result": "Which sets: numbers (csv)"},
        ),
    log:
        "logs/{study}/audit_failing_sets_figure.log",
    wildcard_constraints:
        study=AUDITED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=audited_titles,
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("audit_failing_sets_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing the sets that estimators fail on in {wildcards.study}"
    script:
        "../scripts/audit_failing_sets_figure.py"
