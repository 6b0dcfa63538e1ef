"""Tabulate the licences of the data."""

from leaveout.dataset_tables import licenses_table
from leaveout.job import job
from leaveout.tables import write_table

with job(snakemake):
    table = licenses_table(snakemake.params.datasets, snakemake.params.sources)
    write_table(table, table, snakemake.output, "Licences of the data.")
