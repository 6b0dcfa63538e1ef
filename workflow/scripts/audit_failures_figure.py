"""Draw when each estimator fails: its errors against what it ignores."""

from leaveout.figures.failures import failures_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.prediction_tables import read_predictions, uncertified
from leaveout.vouching import marked

with job(snakemake) as log:
    rows, params = read_predictions(snakemake.input.rows), snakemake.params
    for name in uncertified(rows):
        log.info("not certified, not drawn: %s", name)
    titles, note = marked(params.titles, snakemake.input.abouts)
    save(failures_figure(rows, titles, params.bootstrap, params.seed, note), snakemake.output)
