"""Tabulate how far the published truth is off, and how good the estimators look to it."""

from leaveout.convergence_tables import convergence_table, read_judged, readable_convergence
from leaveout.job import job
from leaveout.tables import write_table

with job(snakemake) as log:
    judged = read_judged(snakemake.input.rows, snakemake.input.effects)
    for message in judged.left_out:
        log.info("left out: %s", message)
    table = convergence_table(judged.pairs, snakemake.params.bootstrap, snakemake.params.seed)
    caption = "The published truth beside the certified one, and the estimators by each, with 95 % intervals."
    write_table(table, readable_convergence(table), snakemake.output, caption)
