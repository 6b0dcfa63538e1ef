"""Add test samples with the wrong label, one at a time, and measure what removing each again would change."""

from leaveout.embeddings import read_embeddings
from leaveout.job import job
from leaveout.linear_algebra import placed
from leaveout.model_file import read_model
from leaveout.poisoning import SCHEMA, chosen, poison, rows
from leaveout.result_rows import table, write
from leaveout.seeds import generator

with job(snakemake) as log:
    seed, dataset = snakemake.params.training["seed"], snakemake.params.training["dataset"]
    embeddings = read_embeddings(snakemake.input).subsample(**snakemake.params.training)
    training, test = embeddings.training, embeddings.test
    X = placed(training.X, snakemake.resources.device)
    model = read_model(snakemake.input.model, snakemake.input.factor, X, training.y)
    drawn = chosen(test, snakemake.params.samples, generator(seed, dataset, "poisoning"))
    wrong = 1 - test.y[drawn]
    poisoned = poison(model, test.X[drawn], wrong)
    log.info("%d poisoned models, %d certified", len(drawn), poisoned.refit.certified.sum())
    labels = snakemake.params.labels | {"n_train": model.n}
    write(table(rows(poisoned, test.ids[drawn], wrong, labels), SCHEMA), snakemake.output.rows)
