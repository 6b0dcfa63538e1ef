"""Measure the removal sets of one shard: predictions and certified retrains."""

from leaveout.effects import table, write
from leaveout.evaluated_runs import read_evaluated_run
from leaveout.job import job
from leaveout.measurement import measure
from leaveout.memory import Allowance
from leaveout.removal import read_removal_sets, sizes

with job(snakemake) as log:
    params = snakemake.params
    where, allowance = snakemake.resources.device, Allowance.of(params.demand, snakemake.resources.mem_mb)
    model, bound = read_evaluated_run(snakemake.input, params.training, params.evaluations, where, allowance)
    shard = params.shard
    chosen = sizes(model.n, shard["min"], shard["max"], shard["count"], shard["first"], shard["last"])
    sets = read_removal_sets(snakemake.input.sets, shard["strategy"], chosen)
    labels = params.labels | {"n_train": model.n}
    log.info("%d removal sets", len(sets))
    rows = measure(model, bound(model), sets, labels, params.iteration_limit)
    write(table(rows), snakemake.output.rows, params.stamp)
