"""Rank the training samples by their influence on each evaluation function, and retrain without the first of them."""

from leaveout import effects, influential, result_rows
from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.runs import read_run

with job(snakemake) as log:
    params = snakemake.params
    seed, dataset = params.training["seed"], params.training["dataset"]
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, params.training, snakemake.resources.device, allowance)
    test, ids, y = embeddings.test, embeddings.training.ids, embeddings.training.y
    del embeddings  # the model has training samples of its own
    evaluations = bind(params.evaluations, model, test.X, test.y, seed, dataset)
    ranked = [ranking for f in evaluations.functions for ranking in influential.rankings(model, f)]
    labels, settings = params.labels | {"n_train": model.n}, params.influential
    log.info("%d rankings of %d samples", len(ranked), model.n)
    count = max(settings["samples"], *settings["groups"], 0)  # who is in a group stands in the list
    listed = influential.listed(ranked, count, ids, y, labels)
    result_rows.write(listed, snakemake.output.samples, params.stamp)
    rows = influential.measure_groups(model, evaluations, ranked, settings["groups"], labels, params.iteration_limit)
    effects.write(effects.table(rows), snakemake.output.groups, params.stamp)
