"""The configuration: what it accepts, completes and refuses, and in which words."""

import itertools

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from configured import DATASETS, ROOT, SCHEMA_FILE, STUDIES, merged
from leaveout import evaluation, removal
from leaveout.config import Config, load
from leaveout.consistency import EMBEDS, KINDS
from leaveout.errors import ConfigError
from leaveout.plotted import PUBLISHED_STRATEGIES

SCHEMA = yaml.safe_load(SCHEMA_FILE.read_text())
EMBEDDING = SCHEMA["$defs"]["dataset"]["properties"]["embedding"]
REMOVAL = "studies.demo.removal"
FILE = "sources: {new: {license: none, files: {'%s'"
PLACE = "allowed: either url, or package and path, or the path alone"
DESIGN = "{samples: 9, features: 3, steepness: 4, seed: 0}"


def error(loaded, *texts, **options):
    with pytest.raises(ConfigError) as caught:
        loaded(*texts, **options)
    return str(caught.value)


def test_the_projects_own_configuration_is_valid():
    files = [ROOT / "config" / "config.yaml", ROOT / "config" / "datasets.yaml"]
    config = load(merged(yaml.safe_load(file.read_text()) for file in files), SCHEMA_FILE, files)
    assert "demo" in config.studies


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sede: 1", "sede: unknown key: allowed: accept_unverified, datasets, device, mirror, seed, "),
        ("studies: {demo: {dataset: [digits]}}", "studies.demo.dataset: unknown key: allowed: "),
        (
            "studies: {demo: {poisoning: {dataset: dogfish}}}",
            "studies.demo.poisoning.dataset = dogfish: allowed: digits",
        ),
        ("studies: {demo: {vary: [{dataset: digits, n_train: [every]}]}}", "studies.demo.vary.0.n_train.0 = 'every': "),
        ("studies: {demo: {removal: {strategy: [random]}}}", "studies.demo.removal.strategy: unknown key: "),
        ("seed: zero", "seed = 'zero': allowed: integer, >= 0 (Root of every random draw"),
        ("seed: -1", "seed = -1: allowed: integer, >= 0"),
        ("seed: true", "seed = True: allowed: integer, >= 0"),
        ("studies: {demo: {datasets: digits}}", "studies.demo.datasets = 'digits': allowed: array"),
        ("datasets: {digits: {regularization: 0}}", "datasets.digits.regularization = 0: allowed: number, > 0"),
        ("datasets: {digits: {regularization: -1e-5}}", "datasets.digits.regularization = -1e-05: allowed: number"),
        ("datasets: {digits: {regularization: .nan}}", "datasets.digits.regularization = nan: allowed: finite"),
        ("datasets: {digits: {regularization: 1e999}}", "datasets.digits.regularization = inf: allowed: finite"),
        ("datasets: {digits: {intercept: yes}}", "datasets.digits.intercept = True: allowed: one of none, "),
        ("studies: {demo: {removal: {sizes: {max: 100}}}}", f"{REMOVAL}.sizes.max = 100: allowed: number, > 0, < 100"),
        ("studies: {demo: {removal: {sizes: {min: 6}}}}", f"{REMOVAL}.sizes.min = 6.0: allowed: at most max = 5.0"),
        ("studies: {demo: {removal: {strategies: [nearest]}}}", f"{REMOVAL}.strategies.0 = 'nearest': allowed: one of"),
        ("studies: {demo: {removal: {repeats: 0}}}", f"{REMOVAL}.repeats = 0: allowed: integer, >= 1"),
        ("studies: {demo: {evaluations: [accuracy]}}", "studies.demo.evaluations.0 = 'accuracy': allowed: one of"),
        (
            "studies: {demo: {datasets: [digit]}}",
            "studies.demo.datasets.0 = digit: allowed: cifar10_auto_truck, cifar10_auto_truck_normalized, ",
        ),
        ("studies: {demo: {vary: [{dataset: mnist, n_train: [9]}]}}", "studies.demo.vary.0.dataset = mnist: allowed: "),
        (
            "studies: {demo: {vary: [{dataset: digits, n_train: [9, 5000]}]}}",
            "studies.demo.vary.0.n_train.1 = 5000: allowed: at most the data set's expected.n_train = 1437",
        ),
        (
            "studies: {demo: {removal: {strategies: [high_loss]}}}",
            "studies.demo.removal.strategies = ['high_loss']: allowed: one at least that figures show",
        ),
        (
            "studies: {demo: {evaluations: [total_test_loss]}}",
            "studies.demo.evaluations = ['total_test_loss']: allowed: one at least of, test_prediction, test_loss",
        ),
        ("studies: {demo: {vary: [{dataset: digits}]}}", "studies.demo.vary.0 = {'dataset': 'digits'}: allowed: "),
        (
            "datasets: {digits: {source: nowhere}}",
            "datasets.digits.source = nowhere: allowed: bert_base_uncased, cifar10, ",
        ),
        (
            "studies: {demo: {influential: {groups: [1, 0]}}}",
            "studies.demo.influential.groups.1 = 0: allowed: integer, >= 1",
        ),
        ("mirror: 3", "mirror = 3: allowed: string, null, matching "),
        ("mirror: ''", "mirror = '': allowed: string, null, matching "),
        ("mirror: 's3://bucket'", "mirror = 's3://bucket': allowed: string, null, matching "),
        (
            "datasets: {digits: {embedding: {method: resnet}}}",
            "datasets.digits.embedding.method = 'resnet': allowed: one of audio, bow, features, fourier",
        ),
        ("datasets: {dogfish: {embedding: {features: 3}}}", "datasets.dogfish.embedding.features: unknown key"),
        ("datasets: {dogfish: {source: {samples: 9}}}", "datasets.dogfish.source.features: missing: allowed: integer"),
        (
            f"datasets: {{new: {{source: {DESIGN}, regularization: 1}}}}",
            "datasets.new.parser = table: allowed: made_up, for a design",
        ),
        (
            f"datasets: {{new: {{source: {DESIGN}, parser: made_up, split: source, regularization: 1}}}}",
            "datasets.new.split = source: allowed: {train: ..., seed: ...}: what is made up",
        ),
        ("datasets: {dogfish: {parser: made_up}}", "datasets.dogfish.parser = made_up: allowed: cifar10, digits, "),
        (
            f"datasets: {{new: {{source: {DESIGN.replace('4,', '-4,')}, parser: made_up, regularization: 1}}}}",
            "datasets.new.source.steepness = -4: allowed: number, >= 0 (How steeply labels depend",
        ),
        ("datasets: {dogfish: {split: sauce}}", "datasets.dogfish.split = 'sauce': allowed: "),
        (
            "datasets: {digits: {split: {generator: mt}}}",
            "datasets.digits.split.generator = 'mt': allowed: one of",
        ),
        ("accept_unverified: enron", "accept_unverified = 'enron': allowed: array"),
        ("accept_unverified: [enrom]", "accept_unverified.0 = enrom: allowed: bert_base_uncased, cifar10, "),
        ("sources: {new: {files: {}, license: none}}", "sources.new.files = {}: allowed: object, with at least 1 keys"),
        (
            f"{FILE % 'a/b/c'}: {{url: 'https://example.org'}}}}}}}}",
            "sources.new.files.a/b/c: allowed: string, matching ",
        ),
        (f"{FILE % '../a'}: {{url: 'https://example.org'}}}}}}}}", "sources.new.files.../a: allowed: string, "),
        (f"{FILE % 'f'}: {{path: f, sha256: {'0a' * 32}}}}}}}}}", "sources.new.files.f = {'path': 'f', "),
        (
            "datasets: {enron: {embedding: {weights: en_core_web_md}}}",
            "datasets.enron.embedding.weights = en_core_web_md: allowed: bert_base_uncased, cifar10, ",
        ),
        (
            "datasets: {mine: {extends: imdb, parser: cifar10}}",
            "datasets.mine = {parser: cifar10, embedding: {method: text}}: allowed: for images, vision",
        ),
        (
            "datasets: {digits: {classes: {'1': ['0', '1']}}}",
            "datasets.digits.classes.1 = ['0']: allowed: classes without label 0",
        ),
        (
            "datasets: {cifar10_cat_dog: {embedding: {arguments: {weights: DEFAULT}}}}",
            "datasets.cifar10_cat_dog.embedding.arguments.weights: allowed: ",
        ),
        ("datasets: {digits: {embedding: null}}", "datasets.digits.embedding = None: allowed: object (How samples "),
        ("datasets: {enron: {embedding: {weights: {path: ''}}}}", "datasets.enron.embedding.weights.path = '': "),
        ("datasets: {enron: {embedding: {weights: {}}}}", "datasets.enron.embedding.weights = {}: allowed: "),
        (
            "datasets: {imdb: {embedding: {pooling: max}}}",
            "datasets.imdb.embedding.pooling = 'max': allowed: one of cls",
        ),
        (f"{FILE % '.hidden'}: {{url: 'https://example.org'}}}}}}}}", "sources.new.files..hidden: allowed: string, "),
        (
            f"{FILE % 'f'}: {{url: 'ftp://example.org'}}}}}}}}",
            "sources.new.files.f.url = 'ftp://example.org': allowed: ",
        ),
        (
            f"{FILE % 'f'}: {{url: 'https://example.org', sha256: 12}}}}}}}}",
            "sources.new.files.f.sha256 = 12: allowed: ",
        ),
        (f"{FILE % 'f'}: {{sha256: {'0a' * 32}}}}}}}}}", f"sources.new.files.f = {{'sha256': '{'0a' * 32}'}}: {PLACE}"),
        (f"{FILE % 'f'}: {{package: p}}}}}}}}", f"sources.new.files.f = {{'package': 'p'}}: {PLACE}"),
        (
            f"{FILE % 'f'}: {{package: p, path: f}}}}}}}}",
            "sources.new.files.f = {'package': 'p', 'path': 'f'}: allowed: package and path with sha256",
        ),
        (f"{FILE % 'f'}: {{url: 'https://e.org', path: f}}}}}}}}", "sources.new.files.f = {'url': 'https://e.org', "),
        (f"{FILE % 'f'}: {{url: 'https://e .org'}}}}}}}}", "sources.new.files.f.url = 'https://e .org': allowed: "),
        (f'{FILE % "f"}: {{url: "https://e.org\\n"}}}}}}}}', "sources.new.files.f.url = 'https://e.org\\n': allowed: "),
        (f"{FILE % 'f'}: {{path: ''}}}}}}}}", "sources.new.files.f.path = '': allowed: "),
        (f'{FILE % "f"}: {{path: "a\\0b"}}}}}}}}', "sources.new.files.f.path = 'a\\x00b': allowed: "),
        (f"{FILE % 'f'}: {{package: a/b, path: f}}}}}}}}", "sources.new.files.f.package = 'a/b': allowed: "),
        (
            f"{FILE % 'f'}: {{package: p, path: ../f, sha256: {'0a' * 32}}}}}}}}}",
            "sources.new.files.f.path = ../f: allowed: a path inside the package",
        ),
        ('mirror: "a\\0b"', "mirror = 'a\\x00b': allowed: string, null, matching "),
        ('datasets: {digits: {title: "a\\u202eb"}}', "datasets.digits.title = 'a\\u202eb': allowed: string, matching "),
        ("studies: {demo: {removal: {sizes: {count: 1000000000}}}}", f"{REMOVAL}.sizes.count = 1000000000: allowed: "),
        (
            "studies: {demo: {removal: {repeats: 10001}}}",
            f"{REMOVAL}.repeats = 10001: allowed: integer, >= 1, <= 10000",
        ),
        (
            "studies: {demo: {removal: {repeats: 1438}}}",
            f"{REMOVAL}.repeats = 1438: allowed: at most 1437, the different sets of 1 of 1437 samples",
        ),
        (
            "studies: {demo: {removal: {repeats: 10}, vary: [{dataset: digits, n_train: [9, 20]}]}}",
            f"{REMOVAL}.repeats = 10: allowed: at most 9, the different sets of 1 of 9 samples",
        ),
        (
            "datasets: {digits: {split: {train: 0.8, seed: 4294967296}}}",
            "datasets.digits.split.seed = 4294967296: allowed: integer, >= 0, <= 4294967295",
        ),
    ],
)
def test_a_wrong_setting_is_refused_with_file_key_value_and_what_is_allowed(loaded, tmp_path, text, message):
    assert error(loaded, text).startswith(f"{tmp_path / 'mine.yaml'}: {message}")


def test_a_setting_that_holds_itself_is_refused(loaded, tmp_path):
    message = error(loaded, "studies: &all {demo: *all}", command_line={})
    assert message.startswith(f"{tmp_path / 'datasets.yaml'}, ")
    assert "mine.yaml: a setting holds itself, or others too deep in each other" in message


@pytest.mark.parametrize("name, shown", [("a\n", r"a\n"), ("\u202eb", r"\u202eb"), ("a\x07", r"a\x07")])
def test_names_that_a_terminal_would_obey_are_shown_as_codes(loaded, tmp_path, name, shown):
    message = error(loaded, yaml.safe_dump({"datasets": {name: {}}}))
    assert message.startswith(f"{tmp_path / 'mine.yaml'}: datasets.{shown}: allowed: string, ")
    assert message.isprintable()


def test_letters_that_only_look_like_others_are_told_apart(loaded):
    assert error(loaded, yaml.safe_dump({"datasets": {"\u0430bc": {}}})).endswith(r"its letters are '\u0430bc'")


NO_FOLDERS = ["a" * 101, "a/b", "..", ".", "", "Demo", "démo", "two words", "1st", "-x", "a.b", "a=b", "{study}"]


@pytest.mark.parametrize("kind", ["studies", "datasets", "sources"])
@pytest.mark.parametrize("name", NO_FOLDERS)
def test_names_that_are_no_safe_folders_are_refused(loaded, tmp_path, kind, name):
    entries = {"studies": {"datasets": ["digits"]}, **{key: {} for key in ("datasets", "sources")}}
    message = error(loaded, yaml.safe_dump({kind: {name: entries[kind]}}))
    assert message.startswith(f"{tmp_path / 'mine.yaml'}: {kind}.{name}: ")


def test_sources_have_the_files_that_mirrors_have_and_checksums_where_they_are_published(loaded):
    """Addresses and checksums of the original publishers; a mirror has the same names."""
    sources = loaded().sources
    files = {name: (source, file) for source, entry in sources.items() for name, file in entry["files"].items()}
    unpublished = {name for name, (_, file) in files.items() if not set(file) & {"md5", "sha256"}}
    assert unpublished == {
        "ESC-50-master.zip",
        "dogfish_900_300_inception_features_train.npz",
        "dogfish_900_300_inception_features_test.npz",
        "enron1.tar.gz",
        "openl3_audio_mel256_env-v0_4_0.h5.gz",
    }
    data = {entry["source"] for entry in loaded().datasets.values() if isinstance(entry["source"], str)}
    assert {name: source for name, (source, _) in files.items() if source in data} == {
        "ESC-50-master.zip": "esc50",
        "cifar-10-python.tar.gz": "cifar10",
        "dogfish_900_300_inception_features_train.npz": "dogfish",
        "dogfish_900_300_inception_features_test.npz": "dogfish",
        "enron1.tar.gz": "enron",
        "aclImdb_v1.tar.gz": "imdb",
        "digits.csv.gz": "digits",
    }
    assert next(iter(sources["dogfish"]["files"])).endswith("train.npz")
    assert all(source["license"] for source in sources.values())


def test_an_embedding_has_the_defaults_of_its_method(loaded):
    text = loaded().datasets["imdb"]["embedding"]
    assert text == {
        "method": "text",
        "weights": "bert_base_uncased",
        "pooling": "cls",
        "max_tokens": 512,
        "batch": 32,
        "mixed_precision": False,
    }
    vision = loaded().datasets["cifar10_auto_truck"]["embedding"]
    assert (vision["transform"], vision["size"], vision["workers"], vision["arguments"]) == ("plain", 224, 0, {})
    assert loaded().datasets["esc50_logmel"]["embedding"] == {"method": "logmel", "bands": 128, "sample_rate": 22050}


def test_by_default_files_come_from_their_own_addresses(loaded):
    assert (loaded().mirror, loaded().accept_unverified) == (None, ())
    config = loaded("{mirror: ../mirror, accept_unverified: [enron]}")
    assert (config.mirror, config.accept_unverified) == ("../mirror", ("enron",))
    assert config.merged["mirror"] == "../mirror"
    assert loaded("mirror: https://example.org/files").mirror == "https://example.org/files"


def test_a_missing_key_is_named(loaded, tmp_path):
    message = error(loaded, "studies: {other: {bootstrap: 100}}")
    assert message.startswith(f"{tmp_path / 'mine.yaml'}: studies.other.datasets: missing: allowed: array")


def test_the_last_file_that_holds_the_key_is_named(loaded, tmp_path):
    assert error(loaded, "seed: -1", "seed: -2").startswith(f"{tmp_path / 'last.yaml'}: seed = -2")
    assert error(loaded, "seed: -1", "studies: {}").startswith(f"{tmp_path / 'mine.yaml'}: seed = -1")
    assert error(loaded, "seed: -1", "seed: -1").startswith(f"{tmp_path / 'last.yaml'}: seed = -1")
    both = ["studies: {demo: {stuff: {}}}"] * 2
    assert error(loaded, *both).startswith(f"{tmp_path / 'last.yaml'}: studies.demo.stuff: unknown key")


@pytest.mark.parametrize(("given_there", "message"), [({"seed": -3}, "seed = -3"), ({"sede": 1}, "sede: unknown key")])
def test_what_no_file_says_comes_from_the_command_line(loaded, given_there, message):
    assert error(loaded, command_line=given_there).startswith(f"--config: {message}")


@pytest.mark.parametrize("text", ["1e-5", "1E-5", "+1e-05", "1.e-5", ".1e-4", "1.0e-5", "0.00001"])
def test_scientific_notation_is_a_number_as_text_too(loaded, text):
    config = loaded(f"datasets: {{digits: {{regularization: {text}}}}}")
    assert config.datasets["digits"]["regularization"] == 1e-5


def test_whole_numbers_in_any_notation_are_integers(loaded):
    config = loaded("{seed: 7.0, studies: {demo: {vary: [{dataset: digits, n_train: [1e3]}]}}}")
    assert [type(value) for value in (config.seed, config.studies["demo"].runs[1].settings["n_train"])] == [int, int]
    assert config.studies["demo"].runs[1].variant == "n_train=1000"


def test_classes_may_be_named_without_quotes(loaded):
    text = "datasets: {digits: {classes: {0: ['4'], 1: ['9']}}}"
    assert loaded(text).datasets["digits"]["classes"] == {"0": ["4"], "1": ["9"]}


def test_defaults_are_filled_in_at_every_depth(loaded):
    config = loaded("studies: {other: {datasets: [digits], removal: {sizes: {max: 2}}}}")
    demo, other = config.studies["demo"], config.studies["other"]
    assert demo.sizes == {"min": 0.1, "max": 5, "count": 40}
    assert other.sizes == {"min": 0.1, "max": 2, "count": 40}
    assert (other.repeats, other.bootstrap, len(other.strategies)) == (1, 2000, 8)
    assert config.merged["studies"]["other"]["removal"]["sizes"]["count"] == 40
    assert config.datasets["digits"]["regularizer"] == "per_sample"


def test_a_study_cannot_take_the_name_of_a_rule_and_reads_which_are_taken(loaded, tmp_path):
    message = error(loaded, "studies: {fit: {datasets: [digits]}}")
    assert message.startswith(
        f"{tmp_path / 'mine.yaml'}: studies.fit: allowed: anything but aggregate, all, audit_conventions_figure, "
    )
    taken = message.split("anything but ")[1].split(" (")[0].split(", ")
    assert taken == SCHEMA["$defs"]["reserved"]["not"]["enum"]
    assert message.endswith(" (A name that no rule has)")


def leaves(schema, path=()):
    """Properties that hold values, not further keys."""
    if "$ref" in schema:
        return
    for name, child in schema.get("properties", {}).items():
        if child.get("type") != "object":
            yield (*path, name), child
        yield from leaves(child, (*path, name))


def test_every_leaf_of_the_schema_is_described():
    found = dict(itertools.chain(leaves(SCHEMA), *(leaves(part, (name,)) for name, part in SCHEMA["$defs"].items())))
    assert len(found) > 30
    for path, leaf in found.items():
        target = SCHEMA["$defs"][leaf["$ref"].rsplit("/", 1)[1]] if "$ref" in leaf else leaf
        nested = target.get("type") == "object" and "properties" in target
        assert target.get("description", "").endswith(".") or nested, path
    assert all("description" in part for part in SCHEMA["$defs"].values() if "properties" not in part)


def test_every_object_of_the_schema_is_strict():
    objects = [part for part in (SCHEMA, *SCHEMA["$defs"].values()) if part.get("type") == "object"]
    objects += [leaf for part in objects for leaf in part["properties"].values() if leaf.get("type") == "object"]
    assert len(objects) > 8
    assert all("additionalProperties" in part or "allOf" in part for part in objects)
    methods = [clause["then"]["$ref"].rsplit("/", 1)[1] for clause in EMBEDDING["allOf"]]
    assert methods == EMBEDDING["properties"]["method"]["enum"]  # each strict, as one of the above


def test_the_schema_knows_the_librarys_strategies_and_evaluations():
    strategies = SCHEMA["$defs"]["removal"]["properties"]["strategies"]
    evaluations = SCHEMA["$defs"]["study"]["properties"]["evaluations"]
    assert strategies["items"]["enum"] == list(removal.STRATEGIES)
    assert strategies["default"] == [name for name in removal.STRATEGIES if name not in PUBLISHED_STRATEGIES]
    assert evaluations["items"]["enum"] == evaluations["default"]
    assert set(evaluations["default"]) == set(evaluation.EVALUATIONS)


def places(value, path=()):
    """Keys of everything in a configuration."""
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def test_what_every_parser_gives_is_known_and_can_be_embedded():
    dataset = SCHEMA["$defs"]["dataset"]["properties"]
    assert sorted(KINDS) == dataset["parser"]["enum"]
    assert set(KINDS.values()) == set(EMBEDS)
    assert sorted(itertools.chain(*EMBEDS.values())) == EMBEDDING["properties"]["method"]["enum"]


VALID = merged([yaml.safe_load(DATASETS), yaml.safe_load(STUDIES)])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1e999", "1e-5", "digits"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=5,
)


@given(place=st.sampled_from(list(places(VALID))), value=ANYTHING)
def test_whatever_a_user_writes_is_accepted_or_refused_by_key(place, value):
    config = yaml.safe_load(yaml.safe_dump(VALID))
    parent = config
    for part in place[:-1]:
        parent = parent[part]
    parent[place[-1]] = value
    try:
        assert isinstance(load(config, SCHEMA_FILE, []), Config)
    except ConfigError as refused:
        file, key, *_ = str(refused).split(": ")
        assert file == "--config"
        assert key.split(" ")[0].split(".")[0] in VALID


AUDIT = "studies: {demo: {}, mine: {datasets: [digits], runs_of: demo, audit: {}}}"


@pytest.mark.parametrize(
    "found, instead, message",
    [
        ("runs_of: demo", "runs_of: mine", "runs_of = mine: allowed: demo"),
        ("runs_of: demo", "runs_of: dmo", "(did you mean demo?)"),
        (", audit: {}", "", "mine.audit: missing: allowed: {}, or settings: a study with runs_of is an audit"),
        ("audit: {}", "audit: {}, poisoning: {dataset: digits}", "allowed: nothing: poison in demo"),
        ("audit: {}", "audit: {sizes: {min: 6}}", "audit.sizes.min = 6.0: allowed: at most max = 5.0"),
        ("audit: {}", "audit: {repeats: 1}", "audit.repeats = 1: allowed: integer, >= 2"),
    ],
)
def test_an_audit_that_cannot_be_is_refused_by_its_key(loaded, found, instead, message):
    assert message in error(loaded, AUDIT.replace(found, instead))


def test_made_up_data_of_too_few_samples_are_refused(loaded):
    text = AUDIT.replace("audit: {}", "audit: {scaling: {n: [50, 60], d: [20, 30]}}")
    assert "mine.audit.scaling.n = [50, 60]: allowed: one at least 5 times d" in error(loaded, text)
