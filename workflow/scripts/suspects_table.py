"""Tabulate the most suspicious samples of each data set."""

import pyarrow as pa

from leaveout.job import job
from leaveout.result_rows import read
from leaveout.suspicion import SCHEMA
from leaveout.suspicion_tables import readable_suspects, suspects_table
from leaveout.tables import write_table

with job(snakemake) as log:
    table = suspects_table(pa.concat_tables(read(file, SCHEMA) for file in snakemake.input.rows))
    for sample in table[table["actual"].isna()].itertuples():
        log.info("%s/%s: not certified without %s (%s)", sample.dataset, sample.variant, sample.id, sample.status)
    write_table(table, readable_suspects(table), snakemake.output, "Most suspicious training samples.")
