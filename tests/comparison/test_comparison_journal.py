"""No finished run is lost: killed, interrupted, gone on with, and never overwritten."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from comparison_runs import without_seconds

from minidl import datasets
from minidl.comparison import Comparison, Goal, Setting, Study, compare
from minidl.comparison.journal import Journal
from minidl.comparison.store import differences
from minidl.errors import DataError
from minidl.sealed import seal_json

GOLDEN = Path(__file__).parents[1] / "golden" / "comparison_protocol1"
SMALL = {"optimizers": ["gd", "nag"], "epochs": 5, "seeds": 3, "tuning_seeds": 2, "hidden": [4],
         "lr": [0.1, 0.3, 0.9], "sustained": 1, "target": "gap:0.5"}  # fmt: skip


def moons(seed):
    return datasets.load("moons", n=60, split_seed=seed)


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.json"
    compare(moons, out=path, **SMALL)
    return path


@pytest.fixture
def blocks(monkeypatch):
    """Makes the n-th finished block raise what is given, as a kill or Ctrl-C would come then."""

    def arrange(n, error):
        monkeypatch.setattr("minidl.comparison.executor.GROUP", 6)
        add, count = Journal.add, [0]

        def counted(self, number, runs):
            add(self, number, runs)
            count[0] += 1
            if count[0] == n:
                raise error

        monkeypatch.setattr(Journal, "add", counted)

    return arrange


def test_nothing_but_the_file_is_left(whole):
    assert os.listdir(whole.parent) == ["a.json"]


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_a_run_that_was_cut_short_goes_on_and_ends_with_the_same_file(
    after, whole, tmp_path, blocks, monkeypatch
):
    path = tmp_path / "a.json"
    blocks(after, RuntimeError("killed"))
    with pytest.raises(RuntimeError, match="killed"):
        compare(moons, out=path, **SMALL)
    assert os.listdir(tmp_path) == ["a.json.part"]
    kept = len((tmp_path / "a.json.part").read_text().splitlines()) - 1
    assert kept == after
    monkeypatch.undo()
    monkeypatch.setattr("minidl.comparison.executor.GROUP", 6)
    compare(moons, out=path, **SMALL)
    assert os.listdir(tmp_path) == ["a.json"]
    assert without_seconds(read(path)) == without_seconds(read(whole))


def test_what_is_finished_is_not_trained_again(tmp_path, blocks, monkeypatch):
    path = tmp_path / "a.json"
    blocks(3, RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        compare(moons, out=path, **SMALL)
    monkeypatch.undo()
    lines = (tmp_path / "a.json.part").read_text().splitlines()[1:]
    before = {(*r["setting"], r["optimizer"], r["seed"]) for x in lines
              for r in json.loads(x)["runs"] if "twin" not in r}  # fmt: skip
    trained = []
    add = Journal.add
    monkeypatch.setattr(
        Journal, "add", lambda self, number, runs: trained.extend(runs) or add(self, number, runs)
    )
    compare(moons, out=path, **SMALL)
    again = {(*one.setting, one.optimizer, one.seed) for one in trained if not one.twin}
    assert again
    assert before
    assert not before & again


def test_half_a_line_does_not_count(whole, tmp_path, blocks, monkeypatch):
    path, part = tmp_path / "a.json", tmp_path / "a.json.part"
    blocks(3, RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        compare(moons, out=path, **SMALL)
    monkeypatch.undo()
    text = part.read_bytes()
    part.write_bytes(text[:-40])  # the third block, cut short
    compare(moons, out=path, **SMALL)
    assert without_seconds(read(path)) == without_seconds(read(whole))


def test_a_part_without_a_single_whole_line_is_begun_anew(whole, tmp_path, blocks, monkeypatch):
    blocks(1, RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        compare(moons, out=tmp_path / "a.json", **SMALL)
    monkeypatch.undo()
    part = tmp_path / "a.json.part"
    part.write_bytes(part.read_bytes()[:300])
    compare(moons, out=tmp_path / "a.json", **SMALL)
    assert without_seconds(read(tmp_path / "a.json")) == without_seconds(read(whole))


def test_ctrl_c_keeps_what_is_finished_and_says_what_it_supports(tmp_path, blocks):
    path = tmp_path / "a.json"
    blocks(2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt) as caught:
        compare(moons, out=path, **SMALL)
    part = caught.value.comparison
    assert len(part.runs) > 0
    assert not part.complete
    assert "Interrupted" in str(part)
    assert (tmp_path / "a.json.part").exists()


def test_after_an_interruption_the_verdicts_rest_on_fewer_seeds(blocks):
    blocks(10, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt) as caught:
        compare(moons, **{**SMALL, "seeds": 8})
    part = caught.value.comparison
    assert part.target is not None
    assert len(part.rows) == 2
    assert "tuning is finished, and the verdicts rest on" in str(part)


def test_a_part_of_another_comparison_is_refused_and_kept(tmp_path, blocks, monkeypatch):
    path = tmp_path / "a.json"
    blocks(1, RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        compare(moons, out=path, **SMALL)
    monkeypatch.undo()
    before = (tmp_path / "a.json.part").read_bytes()
    for change in ({"epochs": 6}, {"hidden": [5]}, {"momentum": 0.5}):
        with pytest.raises(DataError, match="belongs to another comparison"):
            compare(moons, out=path, **{**SMALL, **change})
    with pytest.raises(DataError, match=r"comparison: data and weights differ\. "):
        compare(lambda s: datasets.load("moons", n=60, seed=1, split_seed=s), out=path, **SMALL)
    assert (tmp_path / "a.json.part").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"optimizers": ["nag", "adam"]},
         "gd in optimizers is not requested, adam in optimizers is not there"),
        ({"clip_norm": 1.0},
         "modifiers is None there, [['clip_norm', 1.0]] requested, gd in optimizers is "
         "'GradientDescent(lr=0.1)' there, 'ClipByNorm(GradientDescent(lr=0.1), clip_norm=1.0)' "
         "requested, nag in optimizers is 'NAG(lr=0.1, momentum=0.9)' there, "
         "'ClipByNorm(NAG(lr=0.1, momentum=0.9), clip_norm=1.0)' requested"),
        ({"batch_size": 7}, "batch_size in gd in contestants is 32 there, 7 requested, "
         "batch_size in nag in contestants is 32 there, 7 requested"),
        ({"optimizers": ["nag", "gd"]}, "the order of contestants differs"),
        ({"hidden": [6] * 6 + [5]},
         "network is 'Sequential(Dense(2, 4), Tanh(), Dense(4, 1))' there, 'Sequential(Dense(2, "
         "6), Tanh(), Dense(6, 6), Tanh(), Dense(6, 6), Tanh(), Dense(6, 6), Tanh(), D... "
         "requested"),
    ],
)  # fmt: skip
def test_only_what_differs_of_another_comparison_is_said(change, said, whole):
    with pytest.raises(DataError) as caught:
        compare(moons, out=whole, **{**SMALL, **change})
    text = str(caught.value).partition("is not overwritten: ")[2]
    assert text.removesuffix(". Give another file, or delete it; minidl compare --from shows "
                             "it.") == said  # fmt: skip


def test_of_long_values_the_place_where_they_differ_is_said():
    one, other = ({"seeds": [*range(90), k]} for k in (90, 91))
    (said,) = differences([one], [other])
    assert said == (
        "seeds is ...84, 85, 86, 87, 88, 89, 90] there, ...84, 85, 86, 87, 88, 89, 91] requested"
    )


def test_a_finished_file_is_shown_and_never_trained_again_or_overwritten(whole, monkeypatch):
    before = whole.read_bytes()
    monkeypatch.setattr("minidl.comparison.executor.train_many", None)
    found = compare(moons, out=whole, **SMALL)
    assert str(Study.from_json(whole)) == str(found)
    with pytest.raises(DataError, match="holds another comparison, and is not overwritten"):
        compare(moons, out=whole, **{**SMALL, "epochs": 6})
    assert whole.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a saved comparison"),
        ("[1]", "is not a saved comparison"),
        ('{"protocol": 1}', "is not a saved comparison"),
        ('{"protocol": 4, "comparisons": []}', "has another protocol version"),
        ('{"protocol": 1, "command": [], "versions": {}, "comparisons": [{}]}',
         "is not a saved comparison"),
    ],
)  # fmt: skip
def test_another_file_is_refused_by_name(text, words, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=words):
        Study.from_json(tmp_path / "x.json")


def test_a_file_that_is_not_there_and_a_folder_that_is_not(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        Study.from_json(tmp_path / "x.json")
    with pytest.raises(DataError, match="there is no folder"):
        compare(moons, out=tmp_path / "no" / "x.json", **SMALL)


def test_the_record_names_protocol_versions_and_seeds_and_holds_every_curve(whole):
    data = read(whole)
    assert data["protocol"] == 3
    assert set(data["versions"]) == {"minidl", "numpy", "scikit-learn"}
    one = data["comparisons"][0]
    assert (one["plan"]["seeds"], one["plan"]["tuning_seeds"]) == ([0, 1, 2], [10_000, 10_001])
    assert all(len(run["curves"]["train_loss"]) == 6 for run in one["runs"])


# -- files of earlier versions ----------------------------------------------------------------


def numbers(text):
    return re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text)


def test_a_file_of_protocol_1_gives_the_times_of_the_version_that_wrote_it_and_new_verdicts():
    """The file and the report are of the last version that recorded look-ahead losses."""
    file, report = GOLDEN.with_suffix(".json"), GOLDEN.with_suffix(".txt")
    study = Study.from_json(file)
    assert "look_ahead_loss" in study.comparisons[0].table["nag", Setting(0.3, 0.9), 0].curves
    saved = study.comparisons[0]
    exact = saved.target.reference + 0.1 * (saved.target.initial - saved.target.reference)
    told = Comparison(replace(saved.plan, goal=Goal("loss", exact)), saved.runs).details()
    sections = [text.split("\n\n") for text in (told, report.read_text(encoding="utf-8"))]
    new, old = ({part.split(";")[0]: numbers(part) for part in parts} for parts in sections)
    table = "Swap the flag: one learning rate, momentum 0.9"  # medians and arrivals at every rate
    assert new[table] == old[table]
    assert numbers(sections[0][0])[:6] == numbers(sections[1][0])[:6]
    assert f"{exact:.4g}" in numbers(sections[1][0])
    assert {duel.verdict.seeds for duel in study.comparisons[0].tuned} == {8}  # 6, and 2 that tuned
    text = file.read_text(encoding="utf-8")
    text = text.replace('"protocol":1', '"protocol":3')
    fields = ',"grows":true,"twins":false,"trials":[]},"runs":['
    assert study.to_json() == seal_json(text.replace('},"runs":[', fields))


@pytest.mark.parametrize("ending", ["", ".part"])
def test_a_file_in_which_mini_batch_has_its_older_name_is_continued(tmp_path, ending):
    out = tmp_path / "a.json"
    arguments = {"lr": 0.1, "epochs": 3, "seeds": 2, "tuning_seeds": 1, "target": "loss:0.1"}
    arguments["optimizers"] = ["minibatch", "nag"]
    first = compare("moons", out=out, **arguments)
    assert [row.optimizer for row in first.rows] == ["mini-batch", "nag"]
    text = out.read_text()
    assert text.count('"mini-batch"') > 2
    out.unlink()
    if ending:  # the journal of a run that was killed at its end
        record = json.loads(text)
        headers = [{**made.request, "versions": record["versions"]} for made in [first]]
        runs = [[0, [run.to_dict() for run in first.runs]]]
        text = "".join(json.dumps(line) + "\n" for line in [headers, *runs])
    older = re.sub(',"sha256":"[0-9a-f]*"', "", text).replace('"protocol":3', '"protocol":2')
    (tmp_path / f"a.json{ending}").write_text(older.replace('"mini-batch"', '"minibatch"'))
    second = compare("moons", out=out, **arguments)
    assert str(second) == str(first)
