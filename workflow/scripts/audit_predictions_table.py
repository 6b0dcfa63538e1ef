"""Tabulate how tight the bounds of predictions' errors are."""

from leaveout.job import job
from leaveout.prediction_tables import predictions_table, read_predictions, readable_predictions, uncertified
from leaveout.tables import write_table

with job(snakemake) as log:
    rows, params = read_predictions(snakemake.input.rows), snakemake.params
    for name in uncertified(rows):
        log.info("not certified, not counted: %s", name)
    table = predictions_table(rows, params.bootstrap, params.seed)
    caption = "Bounds of the errors of predictions, without retraining, with 95 % intervals."
    write_table(table, readable_predictions(table), snakemake.output, caption)
