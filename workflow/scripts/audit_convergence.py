"""Retrain without an audit's sets of the first seed as the published procedure does, and predict at its full model."""

from leaveout import published, result_rows
from leaveout.evaluated_runs import read_evaluated_run
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.removal import first_sets, read_removal_sets

with job(snakemake) as log:
    params = snakemake.params
    where, allowance = snakemake.resources.device, Allowance.of(params.demand, snakemake.resources.mem_mb)
    model, bound = read_evaluated_run(snakemake.input, params.training, params.evaluations, where, allowance)
    sets = first_sets(read_removal_sets(snakemake.input.sets))
    log.info("%d removal sets", len(sets))
    rows = published.measure(model, bound(model), sets, params.labels | {"n_train": model.n})
    result_rows.write(result_rows.table(rows, published.SCHEMA), snakemake.output.rows, params.stamp)
