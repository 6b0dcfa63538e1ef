"""Record what a study was run with: configuration and versions."""

import yaml

from leaveout.files import complete
from leaveout.job import job
from leaveout.provenance import versions
from leaveout.redaction import redacted_values

with job(snakemake), complete(snakemake.output.record) as unfinished:
    config = redacted_values(snakemake.params.config)
    record = {"config": config, "library": snakemake.params.library, "versions": versions()}
    unfinished.write_text(yaml.safe_dump(record, sort_keys=False), encoding="utf-8")
