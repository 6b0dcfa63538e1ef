"""Draw how the errors of predictions grow."""

from leaveout.figures.scaling import scaling_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.scaling_tables import read_scaling, uncertified
from leaveout.vouching import marked

with job(snakemake) as log:
    rows = read_scaling(snakemake.input.rows)
    for message in uncertified(rows):
        log.info("left out: %s", message)
    titles, note = marked(snakemake.params.titles, snakemake.input.abouts)
    save(scaling_figure(rows, titles, note), snakemake.output)
