"""A race in a JSON file is the same race."""

import importlib.metadata
import json

import pytest
from comparison_runs import race, without_seconds

import minidl
from minidl.comparison import Comparison, compare
from minidl.errors import DataError

MADE_UP = [
    {"nag": [10] * 6, "momentum": [20] * 6},
    {"nag": [None] * 3, "momentum": [None, 4, "@ 3"], "batch": ["@ 1"] * 3},
    {"nag": [7], "nag-reformulated": [7]},
    {"momentum": [4, 5]},
]


@pytest.mark.parametrize("outcomes", MADE_UP)
def test_from_a_file_come_the_same_table_sentences_and_file(outcomes, tmp_path):
    first = race(outcomes)
    text = first.to_json(tmp_path / "race.json")
    again = Comparison.from_json(tmp_path / "race.json")
    assert str(again) == str(first)
    assert again.to_json() == text == (tmp_path / "race.json").read_text(encoding="utf-8")


def test_a_real_race_comes_back_with_every_curve(tmp_path):
    first = compare("sine", optimizers=["nag", "batch", "gd"], lr=0.5, seeds=2, epochs=4)
    first.to_json(tmp_path / "race.json")
    again = Comparison.from_json(tmp_path / "race.json")
    assert again.to_json() == first.to_json()
    for a, b in zip(first.runs, again.runs, strict=True):
        assert (a.optimizer, a.seed, a.hit) == (b.optimizer, b.seed, b.hit)
        assert a.history["train_loss"].tolist() == b.history["train_loss"].tolist()


@pytest.mark.parametrize("outcomes", MADE_UP)
def test_the_file_is_strict_json_without_infinities(outcomes):
    def refuse(word):
        raise AssertionError(word)

    json.loads(race(outcomes).to_json(), parse_constant=refuse)


def test_the_file_says_what_was_raced_with_what_and_what_came_of_it():
    made = compare("moons", optimizers=["nag", "gd"], seeds=[2], epochs=3, target_loss=0.3)
    data = made.to_dict()
    assert data["minidl"] == minidl.__version__
    assert data["numpy"] == importlib.metadata.version("numpy")
    assert data["scikit-learn"] == importlib.metadata.version("scikit-learn")
    assert data["settings"] == {
        "problem": "moons",
        "optimizers": [
            {"name": "nag", "lr": 0.1, "momentum": 0.9, "batch_size": 32},
            {"name": "mini-batch", "lr": 0.1, "momentum": None, "batch_size": 32},
        ],
        "hidden": [16, 16],
        "activation": "tanh",
        "loss": None,
        "epochs": 3,
        "seeds": [2],
        "target_loss": 0.3,
        "target_accuracy": None,
        "sustained": 3,
    }
    assert [row["optimizer"] for row in data["rows"]] == ["nag", "mini-batch"]
    assert data["sentences"] == made.sentences()
    assert [len(run["history"]["columns"]["train_loss"]) for run in data["runs"]] == [4, 4]


def test_numbers_of_the_file_are_those_of_the_race():
    data = race({"nag": [10, None, 12], "momentum": [20, 21, 22]}).to_dict()
    assert data["rows"][0]["epochs"] == 12.0
    (duel,) = data["duels"]
    assert (duel["fewer"], duel["more"], duel["equal"], duel["neither"]) == (2, 1, 0, 0)
    assert duel["medians"] == [12.0, 21.0]
    assert duel["mean_difference"] == pytest.approx((-10 + 29 - 10) / 3)
    assert duel["p"] == duel["p_holm"] == 1.0


def test_what_never_happened_is_null():
    data = race({"nag": [None], "momentum": [None]}).to_dict()
    assert data["rows"][0]["epochs"] is None
    assert data["duels"][0]["medians"] == [None, None]
    assert data["runs"][0]["hit"] is None


def test_the_same_race_twice_gives_the_same_record_but_for_the_seconds():
    first, second = (compare("circles", optimizers=["nag"], seeds=2, epochs=3) for _ in range(2))
    assert without_seconds(first.to_dict()) == without_seconds(second.to_dict())


def test_an_interrupted_race_comes_back_interrupted(tmp_path):
    whole = race({"nag": [10] * 3, "momentum": [20] * 3})
    part = Comparison(whole.settings, whole.runs[:3])
    part.to_json(tmp_path / "part.json")
    again = Comparison.from_json(tmp_path / "part.json")
    assert not again.complete
    assert str(again) == str(part)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"table",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"settings": {}, "runs": []}',
        b'{"settings": {"optimizers": [], "epochs": 1}, "runs": []}',
        b'{"settings": {"optimizers": [], "epochs": 1}, "runs": [{"optimizer": "nag"}]}',
    ],
)
def test_another_file_is_refused_by_name(text, tmp_path):
    file = tmp_path / "other.json"
    file.write_bytes(text)
    with pytest.raises(DataError, match=r"other\.json is not a saved comparison"):
        Comparison.from_json(file)
