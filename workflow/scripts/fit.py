"""Train one variant to its certified optimum."""

from leaveout.embeddings import read_embeddings
from leaveout.fitting import fit
from leaveout.job import job
from leaveout.linear_algebra import placed
from leaveout.model_file import write_model

with job(snakemake) as log:
    embeddings = read_embeddings(snakemake.input).subsample(**snakemake.params.training)
    X = placed(embeddings.training.X, snakemake.resources.device)
    model = fit(X, embeddings.training.y, **snakemake.params.model)
    accuracy = model.accuracy(embeddings.test.X, embeddings.test.y)
    log.info("%s; test accuracy %.4f", model.certificate, accuracy)
    write_model(model, accuracy, snakemake.output.model, snakemake.output.factor, snakemake.params.stamp)
