"""Draw how soon planted samples are found, and predicted against actual rises of samples' own losses."""

import pyarrow as pa

from leaveout.comparison import SUSPECTS, compare
from leaveout.figures.detection import detection_figure
from leaveout.figures.style import save
from leaveout.job import job
from leaveout.result_rows import read
from leaveout.suspicion import SCHEMA
from leaveout.vouching import marked

with job(snakemake) as log:
    rows = pa.concat_tables(read(file, SCHEMA) for file in snakemake.input.rows)
    comparison = compare(rows, key=SUSPECTS)
    for message in comparison.left_out:
        log.info("%s", message)
    titles, note = marked(snakemake.params.titles, snakemake.input.abouts)
    save(detection_figure(rows, comparison, *titles.values(), note), snakemake.output)
