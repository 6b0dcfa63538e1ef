"""Tabulate how well rankings find planted samples, with intervals over draws."""

import pyarrow as pa

from leaveout.job import job
from leaveout.result_rows import read
from leaveout.suspicion import SCHEMA
from leaveout.suspicion_tables import STATISTICS, detection_table
from leaveout.tables import with_intervals, write_table

with job(snakemake):
    table = detection_table(pa.concat_tables(read(file, SCHEMA) for file in snakemake.input.rows))
    caption = "Detection of planted samples, with 95 % intervals over draws."
    write_table(table, with_intervals(table, STATISTICS), snakemake.output, caption)
