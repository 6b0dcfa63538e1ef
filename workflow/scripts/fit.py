"""Train one variant to its certified optimum."""

from leaveout.embeddings import read_embeddings
from leaveout.job import job
from leaveout.model import fit
from leaveout.model_file import write_model

with job(snakemake) as log:
    embeddings = read_embeddings(snakemake.input).subsample(**snakemake.params.training)
    model = fit(embeddings.training.X, embeddings.training.y, **snakemake.params.model)
    accuracy = model.accuracy(embeddings.test.X, embeddings.test.y)
    log.info("%s; test accuracy %.4f", model.certificate, accuracy)
    write_model(model, accuracy, snakemake.output.model)
