"""Aggregate: shards -> all rows of a study.

Reads   results/{study}/{dataset}/{variant}/effects/{shard}.parquet
Writes  results/{study}/effects.parquet
"""

ROWS = LINEAGE.product(
    "results/{study}/effects.parquet",
    shards=LINEAGE.together(study_shards),
    library=library("aggregate"),
)


rule aggregate:
    """Join the shards of a study into one table."""
    input:
        shards=study_shards,
        outdated=ROWS.outdated,
    output:
        rows="results/{study}/effects.parquet",
    log:
        "logs/{study}/aggregate.log",
    conda:
        "../../envs/core.yaml"
    params:
        **ROWS.params,
        stamps=LINEAGE.stamps,
    message:
        "Joining the rows of {wildcards.study}"
    script:
        "../scripts/aggregate.py"
