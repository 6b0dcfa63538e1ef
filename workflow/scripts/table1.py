"""Tabulate the data sets: sizes, test accuracy beside the paper's."""

from leaveout.dataset_tables import datasets_table, readable_datasets
from leaveout.job import job
from leaveout.tables import write_table

with job(snakemake):
    given = snakemake.input
    table = datasets_table(snakemake.params.datasets, given.fits, given.samples, given.abouts)
    write_table(table, readable_datasets(table), snakemake.output, "Data sets, and test accuracy of the full models.")
