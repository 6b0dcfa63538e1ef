"""Measure the removal sets of one shard: predictions and certified retrains."""

from leaveout.effects import table, write
from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.measurement import measure
from leaveout.memory import Allowance
from leaveout.removal import read_removal_sets, sizes
from leaveout.runs import read_run

with job(snakemake) as log:
    seed, dataset = snakemake.params.training["seed"], snakemake.params.training["dataset"]
    allowance = Allowance.of(snakemake.params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, snakemake.params.training, snakemake.resources.device, allowance)
    test = embeddings.test
    del embeddings  # the model has training samples of its own
    evaluations = bind(snakemake.params.evaluations, model, test.X, test.y, seed, dataset)
    shard = snakemake.params.shard
    chosen = sizes(model.n, shard["min"], shard["max"], shard["count"], shard["first"], shard["last"])
    sets = read_removal_sets(snakemake.input.sets, shard["strategy"], chosen)
    labels = snakemake.params.labels | {"n_train": model.n}
    log.info("%d removal sets", len(sets))
    rows = measure(model, evaluations, sets, labels, snakemake.params.iteration_limit)
    write(table(rows), snakemake.output.rows, snakemake.params.stamp)
