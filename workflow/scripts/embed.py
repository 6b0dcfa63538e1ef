"""Embed a data set: source files -> features, ids, labels and split."""

from leaveout.embed import Machine
from leaveout.job import job
from leaveout.preparation import prepare

with job(snakemake):
    machine = Machine(snakemake.resources.device, snakemake.threads, snakemake.resources.workers)
    prepare(
        snakemake.params.entry,
        snakemake.input,
        snakemake.output,
        machine,
        snakemake.params.library,
        snakemake.params.stamp,
    )
