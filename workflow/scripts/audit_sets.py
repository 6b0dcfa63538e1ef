"""Draw the removal sets of an audit: each strategy and size with several seeds, and the published selection."""

from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.removal import RANKED_BY, candidates, draw, sizes, write_removal_sets
from leaveout.runs import read_run

with job(snakemake) as log:
    params = snakemake.params
    seed, dataset = params.training["seed"], params.training["dataset"]
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, params.training, snakemake.resources.device, allowance)
    training, test = embeddings.training, embeddings.test
    given = candidates(model, bind(RANKED_BY, model, test.X, test.y, seed, dataset), training.X)
    wanted = params.removal["sizes"]
    chosen = sizes(model.n, wanted["min"], wanted["max"], wanted["count"])
    strategies, repeats = params.removal["drawn"]["strategies"], params.removal["drawn"]["repeats"]
    drawn = [
        *draw(given, strategies, chosen, repeats, seed, dataset),
        *draw(given, params.removal["published"], chosen, 1, seed, dataset),
    ]
    log.info("%d removal sets of %d sizes", len(drawn), len(chosen))
    write_removal_sets(drawn, training.ids, snakemake.output.sets, params.stamp)
