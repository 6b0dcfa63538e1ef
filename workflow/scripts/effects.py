"""Measure the removal sets of one shard: predictions and certified retrains."""

from leaveout.effects import table, write
from leaveout.embeddings import read_embeddings
from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.linear_algebra import placed
from leaveout.measurement import measure
from leaveout.model_file import read_model
from leaveout.removal import read_removal_sets, sizes

with job(snakemake) as log:
    seed, dataset = snakemake.params.training["seed"], snakemake.params.training["dataset"]
    embeddings = read_embeddings(snakemake.input).subsample(**snakemake.params.training)
    training, test = embeddings.training, embeddings.test
    X = placed(training.X, snakemake.resources.device)
    model = read_model(snakemake.input.model, snakemake.input.factor, X, training.y)
    del embeddings, training, X  # the model has its own
    evaluations = bind(snakemake.params.evaluations, model, test.X, test.y, seed, dataset)
    shard = snakemake.params.shard
    chosen = sizes(model.n, shard["min"], shard["max"], shard["count"], shard["first"], shard["last"])
    sets = read_removal_sets(snakemake.input.sets, shard["strategy"], chosen)
    labels = snakemake.params.labels | {"n_train": model.n}
    log.info("%d removal sets", len(sets))
    write(table(measure(model, evaluations, sets, labels)), snakemake.output.rows)
