"""Tabulate an audit's effects: by convention, over seeds, or in pairs of estimators."""

from leaveout.convention_tables import TABLES, read_effects
from leaveout.job import job
from leaveout.tables import write_table

with job(snakemake) as log:
    comparison, kind = read_effects(snakemake.input.rows), TABLES[snakemake.params.kind]
    for message in comparison.left_out:
        log.info("%s", message)
    table = kind.table(comparison.pairs, snakemake.params.bootstrap, snakemake.params.seed)
    write_table(table, kind.readable(table), snakemake.output, f"{kind.caption}, with 95 % intervals.")
