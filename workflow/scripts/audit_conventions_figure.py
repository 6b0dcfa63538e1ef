"""Draw the slopes under each convention and selection of the sets."""

import pandas as pd

from leaveout.figures.conventions import conventions_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.vouching import marked

with job(snakemake):
    titles, note = marked(snakemake.params.titles, snakemake.input.abouts)
    save(conventions_figure(pd.read_csv(snakemake.input.table), titles, note), snakemake.output)
