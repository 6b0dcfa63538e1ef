"""Rank the training samples by their influence on each evaluation function, and retrain without the first of them."""

from leaveout import effects, influential, result_rows
from leaveout.embeddings import read_embeddings
from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.linear_algebra import placed
from leaveout.model_file import read_model

with job(snakemake) as log:
    params, inputs = snakemake.params, snakemake.input
    seed, dataset = params.training["seed"], params.training["dataset"]
    embeddings = read_embeddings(inputs).subsample(**params.training)
    test, ids, y = embeddings.test, embeddings.training.ids, embeddings.training.y
    X = placed(embeddings.training.X, snakemake.resources.device)
    model = read_model(inputs.model, inputs.factor, X, y)
    del embeddings, X  # the model has its own
    evaluations = bind(params.evaluations, model, test.X, test.y, seed, dataset)
    ranked = [ranking for f in evaluations.functions for ranking in influential.rankings(model, f)]
    labels, settings = params.labels | {"n_train": model.n}, params.influential
    log.info("%d rankings of %d samples", len(ranked), model.n)
    count = max(settings["samples"], *settings["groups"], 0)  # who is in a group stands in the list
    listed = influential.listed(ranked, count, ids, y, labels)
    result_rows.write(listed, snakemake.output.samples)
    rows = influential.measure_groups(model, evaluations, ranked, settings["groups"], labels)
    effects.write(effects.table(rows), snakemake.output.groups)
