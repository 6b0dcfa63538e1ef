"""Tabulate how well each estimator matches the certified retrains, with bootstrap intervals."""

import pyarrow as pa

from leaveout.effects import read
from leaveout.job import job
from leaveout.tables import calibration_table, with_intervals, write_table

with job(snakemake):
    rows = pa.concat_tables(read(shard) for shard in snakemake.input.shards)
    table = calibration_table(rows, snakemake.params.bootstrap, snakemake.params.seed)
    write_table(
        table, with_intervals(table), snakemake.output, "Calibration of predicted effects, with 95 % intervals."
    )
