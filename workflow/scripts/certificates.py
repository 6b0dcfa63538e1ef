"""Tabulate the evidence behind the ground truth, and name the sets that are not certified."""

from leaveout.effects import read
from leaveout.job import job
from leaveout.tables import certificates_table, readable_certificates, write_table

with job(snakemake) as log:
    table = certificates_table(read(snakemake.input.rows))
    for run in table[table["not_certified"] != ""].itertuples():
        log.warning("%s/%s: not certified, left out: %s", run.dataset, run.variant, run.not_certified)
    write_table(table, readable_certificates(table), snakemake.output, "Certificates of the retrained models.")
