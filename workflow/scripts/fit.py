"""Train one variant to its certified optimum."""

from leaveout.fitting import fit
from leaveout.job import job
from leaveout.linear_algebra import placed
from leaveout.memory import Allowance
from leaveout.model_file import write_model
from leaveout.runs import read_samples

with job(snakemake) as log:
    allowance = Allowance.of(snakemake.params.demand, snakemake.resources.mem_mb)
    embeddings = read_samples(snakemake.input, snakemake.params.training, allowance)
    X = placed(embeddings.training.X, snakemake.resources.device)
    model = fit(X, embeddings.training.y, **snakemake.params.model)
    accuracy = model.accuracy(embeddings.test.X, embeddings.test.y)
    log.info("%s; test accuracy %.4f", model.certificate, accuracy)
    write_model(model, accuracy, snakemake.output.model, snakemake.output.factor, snakemake.params.stamp)
