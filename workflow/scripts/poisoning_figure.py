"""Draw predicted against actual changes of added samples' logits, and the sample with the smallest change."""

import pyarrow as pa

from leaveout.comparison import POISONS, compare
from leaveout.exhibits import exhibit
from leaveout.figures.poisoning import leftmost, poisoning_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.poisoning import SCHEMA
from leaveout.result_rows import read
from leaveout.vouching import marked

with job(snakemake) as log:
    given, params = snakemake.input, snakemake.params
    comparison = compare(pa.concat_tables(read(file, SCHEMA) for file in given.rows), key=POISONS)
    for message in comparison.left_out:
        log.info("%s", message)
    sample = leftmost(comparison.pairs)
    shown = exhibit(params.parser, params.classes, given.raw, *sample, params.design) if sample else None
    titles, note = marked(params.titles, given.abouts)
    save(poisoning_figure(comparison, shown, *titles.values(), note), snakemake.output)
