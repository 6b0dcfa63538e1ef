"""retrained models that nothing proves: counted, named, and drawn nowhere."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from checkout import Checkout
from faults.studies import SMALL
from leaveout.certificate import CERTIFIED
from leaveout.effects import RETRAIN, read

pytestmark = pytest.mark.faults


@pytest.mark.fault(
    "retrained models that are not the optimum",
    "`iteration_limit: 1`: retraining is given up after one iteration",
    "counted and named in the report, a warning on the terminal, absent from figures and calibration; exit status 0",
)
def test_what_is_not_certified_is_counted_and_drawn_nowhere(undisturbed, tmp_path):
    config = yaml.safe_load(SMALL.read_text())
    config["studies"]["tiny"] |= {"iteration_limit": 1}
    (tmp_path / "limited.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    checkout = Checkout(Path(shutil.copytree(undisturbed.folder, tmp_path / "checkout", symlinks=True)))
    ended = checkout.snakemake("tiny", config=tmp_path / "limited.yaml")
    assert ended.returncode == 0, ended.stdout
    folder = checkout.folder / "results/tiny"

    rows = read(folder / "effects.parquet").to_pandas()
    truth = rows[rows["method"] == RETRAIN]
    proved = truth["status"] == "converged"
    assert (truth.loc[proved, "gradient_norm"] <= CERTIFIED).all()
    failed = truth[~proved]
    assert set(failed["status"]) == {"iteration_limit"}

    table = pd.read_csv(folder / "tables/certificates.csv", keep_default_na=False)
    models, certified = table["models"].sum(), table["certified"].sum()
    assert 0 < certified < models
    said = (
        f"certificates: {models - certified} of {models} retrained models are not certified: drawn nowhere, named in "
    )
    assert said + "results/tiny/tables/certificates.csv" in ended.stdout
    (base,) = table[(table["experiment"] == "removal sets") & (table["variant"] == "base")].to_dict("records")
    missing = set(failed[failed["variant"] == "base"]["set_id"])
    assert missing
    assert set(base["not_certified"].split("; ")) == {f"{name} (iteration_limit)" for name in missing}

    drawn = pd.read_csv(folder / "figures/figure1.csv")
    kept = truth[proved & (truth["variant"] == "base") & (truth["strategy"] == "random")]
    assert len(drawn) == 3 * len(kept)  # IF, RIF and NS
    assert not set(drawn["set_id"]) & missing
