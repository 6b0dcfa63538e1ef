"""Draw the removal sets of one variant."""

from leaveout.embeddings import read_embeddings
from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.linear_algebra import placed
from leaveout.model_file import read_model
from leaveout.removal import RANKED_BY, candidates, draw, sizes, write_removal_sets

with job(snakemake) as log:
    seed, dataset = snakemake.params.training["seed"], snakemake.params.training["dataset"]
    embeddings = read_embeddings(snakemake.input).subsample(**snakemake.params.training)
    training, test = embeddings.training, embeddings.test
    X = placed(training.X, snakemake.resources.device)
    model = read_model(snakemake.input.model, snakemake.input.factor, X, training.y)
    given = candidates(model, bind(RANKED_BY, model, test.X, test.y, seed, dataset), training.X)
    removal = snakemake.params.removal
    chosen = sizes(model.n, removal["sizes"]["min"], removal["sizes"]["max"], removal["sizes"]["count"])
    drawn = list(draw(given, removal["strategies"], chosen, removal["repeats"], seed, dataset))
    log.info("%d removal sets of %d sizes", len(drawn), len(chosen))
    write_removal_sets(drawn, training.ids, snakemake.output.sets)
