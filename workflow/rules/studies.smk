"""Studies: what each is made of, and the record of how it was made. Every study is a target by its name.

Reads   results/{study}/effects.parquet, or an audit's effects, for their time: what is newer was made with other versions
Writes  results/{study}/run.yaml
"""


rule run_record:
    """Record a study's merged configuration and the versions that it was run with."""
    input:
        rows=recorded_rows,
    output:
        record="results/{study}/run.yaml",
    log:
        "logs/{study}/run_record.log",
    conda:
        "../../envs/core.yaml"
    params:
        config=study_settings,
        library=library("effects"),
        stamps=LINEAGE.stamps,
    message:
        "Recording configuration and versions of {wildcards.study}"
    script:
        "../scripts/run_record.py"


for study in CONFIG.studies:

    rule:
        name:
            study
        input:
            products(study),
