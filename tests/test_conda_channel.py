"""What conda environments are made of in tests: names, files, packages of wheels, and a wall around each."""

import sys
from email.parser import HeaderParser

import pytest
from packaging.requirements import Requirement

from conda import own_packages
from conda.environments import read_environment
from conda.names import conda_name, conda_spec


@pytest.mark.parametrize(
    "pip, expected",
    [
        ("numpy", "numpy"),
        ("matplotlib>=3.10,<4", "matplotlib-base <4,>=3.10"),
        ("Pandas_Stubs==2.*", "pandas-stubs 2.*"),
        ("ml-dtypes ~=0.3.1", "ml-dtypes ~=0.3.1"),
        ("protobuf!=4.21.0,<5", "protobuf !=4.21.0,<5"),
        ("smart-open[http]>=5.2", "smart-open >=5.2"),
        ("torch", "pytorch"),
    ],
)
def test_a_requirement_of_pips_is_one_of_condas(pip, expected):
    assert conda_spec(Requirement(pip)) == expected


@pytest.mark.parametrize("pip", ["numpy===2.0", "numpy @ file:///numpy.whl"])
def test_what_conda_has_no_word_for_is_refused(pip):
    with pytest.raises(ValueError, match="conda has no word for this"):
        conda_spec(Requirement(pip))


def test_names_lead_there_and_back():
    assert conda_name("soundfile") == "pysoundfile"
    assert conda_name("Scikit_Learn") == "scikit-learn"


@pytest.mark.parametrize("entry", ["numpy =2", "numpy =2.4.6", "numpy >=2.4", "numpy=2.4", "numpy =2.4 py311*"])
def test_a_pin_is_exact_to_the_minor_version(tmp_path, entry):
    file = tmp_path / "envs.yaml"
    file.write_text(f"channels: [conda-forge]\ndependencies: ['{entry}']")
    with pytest.raises(ValueError, match=r"envs\.yaml: numpy.*expected a package and its minor version"):
        read_environment(file)


def test_what_another_installation_has_is_not_there(tmp_path, monkeypatch):
    other = tmp_path / "site-packages"
    other.mkdir()
    for name in ("only_there", "snakemake_interface_there"):
        (other / f"{name}.py").write_text("")
    (tmp_path / "beside_the_script.py").write_text("")
    monkeypatch.setattr(sys, "path", [*sys.path, str(other), str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="No module named 'only_there'"):
        own_packages.OwnPackages.find_spec("only_there")
    for name in ("snakemake_interface_there", "beside_the_script", "numpy", "json", "nowhere", "sys"):
        assert own_packages.OwnPackages.find_spec(name) is None


@pytest.mark.conda
def test_a_package_requires_what_its_wheel_does_with_the_extras_that_others_want():
    from conda.wheels import requirements

    lines = ["numpy>=2", 'colorama; sys_platform == "win32"', 'requests; extra == "http"', 'boto3; extra == "s3"']
    about = HeaderParser().parsestr("".join(f"Requires-Dist: {line}\n" for line in lines))
    assert [each.name for each in requirements(about)] == ["numpy"]
    assert [each.name for each in requirements(about, {"http"})] == ["numpy", "requests"]


@pytest.mark.conda
@pytest.mark.parametrize("found", [("Darwin", "arm64", (3, 11)), ("Linux", "x86_64", (3, 12))])
def test_other_machines_are_told_what_is_needed(monkeypatch, found):
    from conda import channel

    system, machine, version = found
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("sys.version_info", (*version, 0, "final", 0))
    with pytest.raises(RuntimeError, match=r"environments are made on Linux, x86_64, Python 3\.11; this is "):
        channel.refuse_other_machines()
