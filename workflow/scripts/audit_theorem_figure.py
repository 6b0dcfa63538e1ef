"""Draw how far RIF is from the Newton step, beside the bounds of Theorem 3.1 and its companions."""

from leaveout.figures.style import save
from leaveout.figures.theorem import theorem_figure
from leaveout.job import job
from leaveout.theorem_tables import read_theorem
from leaveout.vouching import marked

with job(snakemake):
    titles, note = marked(snakemake.params.titles, snakemake.input.abouts)
    save(theorem_figure(read_theorem(snakemake.input.rows), titles, note), snakemake.output)
