"""Join the shards of a study."""

import pyarrow as pa

from leaveout.effects import read, write
from leaveout.job import job

with job(snakemake):
    write(
        pa.concat_tables(read(shard) for shard in snakemake.input.shards), snakemake.output.rows, snakemake.params.stamp
    )
