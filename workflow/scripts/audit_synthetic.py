"""Measure the errors of predictions on made-up designs of many sizes."""

from leaveout import result_rows, scaling
from leaveout.job import job

with job(snakemake):
    params = snakemake.params
    made, labels = params.scaling, {"study": snakemake.wildcards.study}
    rows = scaling.measure_synthetic(made["n"], made["d"], made["designs"], made["draws"], params.seed, labels)
    result_rows.write(result_rows.table(rows, scaling.SCHEMA), snakemake.output.rows, params.stamp)
