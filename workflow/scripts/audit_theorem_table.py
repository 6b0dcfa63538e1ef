"""Tabulate Theorem 3.1 on data: its constants, or how much of each bound is observed."""

from leaveout.job import job
from leaveout.tables import write_table
from leaveout.theorem_tables import TABLES, read_theorem

with job(snakemake):
    rows, params = read_theorem(snakemake.input.rows), snakemake.params
    kind = TABLES[params.kind]
    table = kind.table(rows, params.bootstrap, params.seed)
    write_table(table, kind.readable(table), snakemake.output, f"{kind.caption}, with 95 % intervals.")
