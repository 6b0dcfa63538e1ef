"""Draw the removal sets of one variant."""

from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.removal import RANKED_BY, candidates, draw, sizes, write_removal_sets
from leaveout.runs import read_run

with job(snakemake) as log:
    seed, dataset = snakemake.params.training["seed"], snakemake.params.training["dataset"]
    allowance = Allowance.of(snakemake.params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, snakemake.params.training, snakemake.resources.device, allowance)
    training, test = embeddings.training, embeddings.test
    given = candidates(model, bind(RANKED_BY, model, test.X, test.y, seed, dataset), training.X)
    removal = snakemake.params.removal
    chosen = sizes(model.n, removal["sizes"]["min"], removal["sizes"]["max"], removal["sizes"]["count"])
    drawn = list(draw(given, removal["strategies"], chosen, removal["repeats"], seed, dataset))
    log.info("%d removal sets of %d sizes", len(drawn), len(chosen))
    write_removal_sets(drawn, training.ids, snakemake.output.sets, snakemake.params.stamp)
