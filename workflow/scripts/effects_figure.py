"""Draw predicted against actual effects."""

import pyarrow as pa

from leaveout.comparison import compare
from leaveout.effects import read
from leaveout.figures.effects import effects_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.vouching import marked

with job(snakemake) as log:
    rows = pa.concat_tables(read(shard) for shard in snakemake.input.shards)
    comparison = compare(rows, snakemake.params.column)
    for message in comparison.left_out:
        log.info("%s", message)
    titles, note = marked(snakemake.params.titles, snakemake.input.abouts)
    save(effects_figure(comparison, titles, snakemake.params.quantity, note), snakemake.output)
