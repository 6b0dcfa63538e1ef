"""Tabulate the evidence behind the ground truth, and name the retrained models that are not certified."""

from leaveout.certificate_tables import certificates_table, readable_certificates
from leaveout.job import job
from leaveout.tables import write_table

with job(snakemake) as log:
    given = snakemake.input
    files = {
        "removal sets": [given.rows],
        "influential groups": given.groups,
        "poisoning": given.poisoned,
        "detection": given.planted,
        "suspects": given.suspects,
    }
    table = certificates_table(files)
    for run in table[table["not_certified"] != ""].itertuples():
        log.info("%s, %s/%s: not certified: %s", run.experiment, run.dataset, run.variant, run.not_certified)
    if failed := (models := table["models"].sum()) - table["certified"].sum():
        log.warning(
            "%d of %d retrained models are not certified: drawn nowhere, named in %s",
            failed,
            models,
            snakemake.output.csv,
        )
    write_table(table, readable_certificates(table), snakemake.output, "Certificates of the retrained models.")
