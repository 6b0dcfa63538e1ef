"""Draw the slopes against how separable the training samples are."""

import pandas as pd

from leaveout.figures.separability import separability_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.vouching import marked

with job(snakemake):
    titles, note = marked(snakemake.params.titles, snakemake.input.abouts)
    save(separability_figure(pd.read_csv(snakemake.input.table), titles, note), snakemake.output)
