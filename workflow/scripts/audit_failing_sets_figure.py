"""Draw which sets each estimator fails on."""

from leaveout.failure_tables import failure_points, failures_table
from leaveout.figures.failing_sets import failing_sets_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.prediction_tables import certified, read_predictions, uncertified
from leaveout.vouching import marked

with job(snakemake) as log:
    rows, params = read_predictions(snakemake.input.rows), snakemake.params
    for name in uncertified(rows):
        log.info("not certified, not drawn: %s", name)
    table = failures_table(failure_points(certified(rows)), params.bootstrap, params.seed)
    titles, note = marked(params.titles, snakemake.input.abouts)
    save(failing_sets_figure(table, titles, note), snakemake.output)
