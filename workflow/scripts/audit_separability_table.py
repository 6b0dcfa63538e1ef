"""Tabulate an audit's slopes beside how separable the training samples are."""

import pandas as pd

from leaveout.job import job
from leaveout.model_file import read_summary
from leaveout.separability_tables import readable_separability, separability_table
from leaveout.tables import write_table

with job(snakemake):
    given = snakemake.input
    fits = dict(zip(map(tuple, snakemake.params.runs), map(read_summary, given.fits), strict=True))
    table = separability_table(pd.read_csv(given.calibration), fits)
    write_table(
        table, readable_separability(table), snakemake.output, "Slopes beside separability, with 95 % intervals."
    )
