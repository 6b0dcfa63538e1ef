"""Measure an audit's removal sets under each convention: predictions and certified retrains."""

from leaveout import conventions, result_rows
from leaveout.evaluated_runs import read_evaluated_run
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.removal import read_removal_sets

with job(snakemake) as log:
    params = snakemake.params
    where, allowance = snakemake.resources.device, Allowance.of(params.demand, snakemake.resources.mem_mb)
    model, bound = read_evaluated_run(snakemake.input, params.training, params.evaluations, where, allowance)
    sets = read_removal_sets(snakemake.input.sets)
    log.info("%d removal sets", len(sets))
    labels = params.labels | {"n_train": model.n}
    rows = conventions.measure_conventions(model, bound, sets, labels, params.iteration_limit)
    result_rows.write(result_rows.table(rows, conventions.SCHEMA), snakemake.output.rows, params.stamp)
