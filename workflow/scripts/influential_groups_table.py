"""Tabulate what the most influential samples do together, and name the groups that are not certified."""

from leaveout.influential_tables import groups_table, readable_groups, uncertified
from leaveout.job import job
from leaveout.tables import write_table

with job(snakemake) as log:
    table = groups_table(snakemake.input.groups)
    for name in uncertified(table):
        log.info("not certified, not shown: %s", name)
    caption = "Groups of the most influential training samples: predicted effects beside certified retrains."
    write_table(table, readable_groups(table), snakemake.output, caption)
