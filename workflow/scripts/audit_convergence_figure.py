"""Draw how far the published truth is off, and how good the estimators look to it."""

import pandas as pd

from leaveout.convergence_tables import read_judged
from leaveout.figures.convergence import convergence_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.vouching import marked

with job(snakemake) as log:
    judged = read_judged(snakemake.input.rows, snakemake.input.effects)
    for message in judged.left_out:
        log.info("left out: %s", message)
    titles, note = marked(snakemake.params.titles, snakemake.input.abouts)
    table = pd.read_csv(snakemake.input.table)
    save(convergence_figure(judged, table, titles, note), snakemake.output)
