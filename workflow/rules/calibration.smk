"""Calibration: rows -> how well each estimator does, and what proves the truth that it is held against.

Reads   results/{study}/{dataset}/{variant}/effects/{shard}.parquet, results/{study}/effects.parquet,
        and of every other experiment the rows that hold retrained models
Writes  results/{study}/tables/{calibration,certificates}.{csv,md,tex,html}
"""


rule calibration:
    """Tabulate slope, R2, rank correlation and relative error, with bootstrap intervals."""
    input:
        shards=calibrated_shards,
    output:
        csv="results/{study}/tables/calibration.csv",
        md="results/{study}/tables/calibration.md",
        tex="results/{study}/tables/calibration.tex",
        html=report(
            "results/{study}/tables/calibration.html",
            caption="../report/calibration.rst",
            category="Figure 1 and 4: effects",
            labels={"result": "calibration"},
        ),
    log:
        "logs/{study}/calibration.log",
    benchmark:
        "benchmarks/{study}/calibration.jsonl"
    conda:
        "../../envs/core.yaml"
    params:
        bootstrap=study_setting("bootstrap"),
        seed=CONFIG.seed,
        library=library("calibration"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the calibration of {wildcards.study}"
    script:
        "../scripts/calibration.py"


rule certificates:
    """Tabulate the certificates of all retrained models of a study; name those that have none."""
    input:
        rows="results/{study}/effects.parquet",
        groups=base_influential_groups,
        poisoned=poisoned_poisoning,
        planted=poisoned_detection,
        suspects=base_suspects,
    output:
        csv="results/{study}/tables/certificates.csv",
        md="results/{study}/tables/certificates.md",
        tex="results/{study}/tables/certificates.tex",
        html=report(
            "results/{study}/tables/certificates.html",
            caption="../report/certificates.rst",
            category="Data and certificates",
            labels={"result": "certificates"},
        ),
    log:
        "logs/{study}/certificates.log",
    conda:
        "../../envs/core.yaml"
    params:
        library=library("certificates"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the certificates of {wildcards.study}"
    script:
        "../scripts/certificates.py"
