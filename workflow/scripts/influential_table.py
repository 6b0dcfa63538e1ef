"""Tabulate the most influential samples of each evaluation function."""

from leaveout.influential_tables import influential_table, readable_influential
from leaveout.job import job
from leaveout.tables import write_table

with job(snakemake):
    table = influential_table(snakemake.input.samples)
    write_table(table, readable_influential(table), snakemake.output, "Most influential training samples.")
