"""What a study comes out as: on any number of cores, in any order, cut in any way, and once more."""

import pyarrow.parquet as pq
import pytest
import yaml

from agreement import disagreements
from faults.studies import SMALL

pytestmark = pytest.mark.faults
ROWS = "results/tiny/effects.parquet"
RANKINGS = [
    f"results/tiny/few_digits/base/{name}.parquet" for name in ("influential", "influential_groups", "suspects")
]
TABLES = ["results/tiny/tables/calibration.csv"]


@pytest.fixture
def agrees(study, undisturbed):
    """Run what has numbers, on so many cores; fail unless all that is in both runs agrees, and these are in both."""

    def check(cores=2, targets=(*RANKINGS, ROWS, *TABLES), fault=None, config=SMALL):
        assert study.snakemake_run("--cores", str(cores), *targets, fault=fault, config=config) == 0, study.output
        assert all((study.folder / target).exists() for target in targets)
        found = disagreements(undisturbed.results, study.results)
        assert [line for line in found if not line.endswith("in one run only")] == []

    return check


@pytest.mark.parametrize("cores", [1, 4])
@pytest.mark.fault("another number of cores", "1, 2 and 4", "the same rows")
def test_the_number_of_cores_changes_nothing(agrees, cores):
    agrees(cores)


@pytest.mark.fault("another order of the shards", "asked for one by one, `high_loss` after `random`", "the same rows")
def test_the_order_of_the_shards_changes_nothing(agrees):
    for name in ("random", "high_loss"):
        agrees(1, [f"results/tiny/few_digits/base/effects/{name}.parquet"])
    agrees()


@pytest.mark.fault("finer shards", "`sizes_per_shard: 1`", "the same rows")
def test_finer_shards_change_nothing(study, agrees, tmp_path):
    config = yaml.safe_load(SMALL.read_text())
    config["studies"]["tiny"]["sizes_per_shard"] = 1
    finer = tmp_path / "finer.yaml"
    finer.write_text(yaml.safe_dump(config))
    agrees(config=finer)
    assert sum(1 for _ in study.results.rglob("effects/*.parquet")) == 4


@pytest.mark.fault("finer blocks of removal sets", "one set at a time, by `BLOCK_BYTES`", "the same rows")
def test_finer_blocks_change_nothing(agrees, tmp_path):
    agrees(fault={"block_bytes": 1, "seen": str(tmp_path / "seen")})
    assert (tmp_path / "seen").exists()


@pytest.mark.fault(
    "the same study once more", "from nothing, on the same machine", "every Parquet file is the same, byte by byte"
)
def test_a_second_run_from_nothing_is_the_same_to_the_byte(study, undisturbed, agrees):
    agrees()
    files = {str(file.relative_to(study.folder)) for file in study.folder.glob("re*/**/*.parquet")}
    assert {ROWS, *RANKINGS, "resources/embeddings/few_digits/samples.parquet"} <= files
    different = [n for n in files if (study.folder / n).read_bytes() != (undisturbed.folder / n).read_bytes()]
    assert different == [], [
        pq.read_table(study.folder / n).equals(pq.read_table(undisturbed.folder / n)) for n in different
    ]
