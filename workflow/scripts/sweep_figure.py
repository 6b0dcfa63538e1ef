"""Draw predicted against actual effects where settings vary."""

import pyarrow as pa
import pyarrow.compute as pc

from leaveout.comparison import compare
from leaveout.effects import read
from leaveout.figures.style import save
from leaveout.figures.sweep import VARIANTS, sweep_figure, swept_evaluation
from leaveout.job import job
from leaveout.vouching import marked

with job(snakemake) as log:
    params = snakemake.params
    evaluation = swept_evaluation(params.evaluations)
    rows = pa.concat_tables(read(shard) for shard in snakemake.input.shards)
    comparison = compare(rows.filter(pc.field("evaluation") == evaluation), key=VARIANTS)
    for message in comparison.left_out:
        log.info("%s", message)
    titles, note = marked(params.titles, snakemake.input.abouts)
    save(sweep_figure(comparison, params.sweeps, titles, evaluation, note), snakemake.output)
