"""Tabulate the exponents with which the errors of predictions grow."""

from leaveout.job import job
from leaveout.scaling_tables import read_scaling, readable_scaling, scaling_table, uncertified
from leaveout.tables import write_table

with job(snakemake) as log:
    rows = read_scaling(snakemake.input.rows)
    for message in uncertified(rows):
        log.info("left out: %s", message)
    table = scaling_table(rows, snakemake.params.bootstrap, snakemake.params.seed)
    caption = "Exponents of the errors of predictions, over random sets, with 95 % intervals."
    write_table(table, readable_scaling(table, snakemake.params.titles), snakemake.output, caption)
