"""Tabulate the licences of the models that embed."""

from leaveout.dataset_tables import model_licenses_table, readable_licenses
from leaveout.job import job
from leaveout.tables import write_table

with job(snakemake):
    table = model_licenses_table(snakemake.params.datasets, snakemake.params.sources)
    write_table(table, readable_licenses(table), snakemake.output, "Licences of the models.")
