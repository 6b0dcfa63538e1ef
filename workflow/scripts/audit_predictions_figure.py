"""Draw how far the bounds of predictions' errors lie from the errors."""

from leaveout.figures.predictions import predictions_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.prediction_tables import read_predictions, uncertified
from leaveout.vouching import marked

with job(snakemake) as log:
    rows = read_predictions(snakemake.input.rows)
    for name in uncertified(rows):
        log.info("not certified, not drawn: %s", name)
    titles, note = marked(snakemake.params.titles, snakemake.input.abouts)
    save(predictions_figure(rows, titles, note), snakemake.output)
