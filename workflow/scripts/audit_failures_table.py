"""Tabulate which sets each estimator fails on."""

from leaveout.failure_tables import failure_points, failures_table, readable_failures
from leaveout.job import job
from leaveout.prediction_tables import certified, read_predictions, uncertified
from leaveout.tables import write_table

with job(snakemake) as log:
    rows, params = read_predictions(snakemake.input.rows), snakemake.params
    for name in uncertified(rows):
        log.info("not certified, not counted: %s", name)
    table = failures_table(failure_points(certified(rows)), params.bootstrap, params.seed)
    caption = "Relative errors of predicted parameters, by strategy and by size of the sets, with 95 % intervals."
    write_table(table, readable_failures(table), snakemake.output, caption)
