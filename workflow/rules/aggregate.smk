"""Aggregate: shards -> all rows of a study.

Reads   results/{study}/{dataset}/{variant}/effects/{shard}.parquet
Writes  results/{study}/effects.parquet
"""


rule aggregate:
    """Join the shards of a study into one table."""
    input:
        shards=study_shards,
    output:
        rows="results/{study}/effects.parquet",
    log:
        "logs/{study}/aggregate.log",
    conda:
        "../../envs/core.yaml"
    params:
        library=library("aggregate"),
    message:
        "Joining the rows of {wildcards.study}"
    script:
        "../scripts/aggregate.py"
