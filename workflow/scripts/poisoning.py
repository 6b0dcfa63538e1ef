"""Add test samples with the wrong label, one at a time, and measure what removing each again would change."""

from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.poisoning import SCHEMA, chosen, poison, rows
from leaveout.result_rows import table, write
from leaveout.runs import read_run
from leaveout.seeds import generator

with job(snakemake) as log:
    params = snakemake.params
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, params.training, snakemake.resources.device, allowance)
    test = embeddings.test
    drawn = chosen(test, params.samples, generator(params.training["seed"], params.training["dataset"], "poisoning"))
    wrong = 1 - test.y[drawn]
    poisoned = poison(model, test.X[drawn], wrong, params.iteration_limit)
    log.info("%d poisoned models, %d certified", len(drawn), poisoned.refit.certified.sum())
    labels = params.labels | {"n_train": model.n}
    write(table(rows(poisoned, test.ids[drawn], wrong, labels), SCHEMA), snakemake.output.rows, params.stamp)
