"""What a page says of a comparison: the words of the screen, and the recorded numbers."""

import numpy as np
import pytest
from page_reading import unpacked

from minidl.comparison.replay import typical_seed
from minidl.comparison.report.answer import answer
from minidl.page.race import race
from minidl.plots.style import looks_of


def test_the_verdict_is_that_of_the_screen(found, part):
    sentences = list(answer(found))
    assert [part["headline"], *part["answer"]] == sentences
    screen = " ".join(str(found).split())
    for sentence in [*sentences, *part["context"]]:
        assert sentence in screen
    assert part["texts"][0][1] == str(found)


def test_every_number_of_the_tables_is_on_the_screen(found, part):
    lines = [" ".join(line.split()) for line in str(found).splitlines()]
    for table in part["tables"]:
        for row in table["rows"]:
            assert any(line.startswith(row[0]) and all(c in line for c in row) for line in lines)
    assert [row[0] for row in part["tables"][0]["rows"]] == ["gd", "momentum", "nag"]
    assert len(part["tables"][1]["rows"]) == 3


def test_curves_are_the_recorded_ones_with_all_digits(found, part):
    seed = typical_seed(found)
    for one in part["runs"]:
        run = found.table[one["name"], found.chosen[one["name"]].setting, seed]
        for column, _ in part["columns"]:
            assert one["values"][column] == run.curves[column].tolist()
        time = found.target.time(run, found.plan.sustained)
        assert one["arrived"] == (int(time) if np.isfinite(time) else None)


def test_bands_are_the_quartiles_over_the_evaluation_seeds(found, part):
    one = part["runs"][1]
    contestant = found.plan.contestant(one["name"])
    runs = found.evaluation_runs(contestant, found.chosen[one["name"]].setting)
    curves = np.array([run.curves["train_loss"] for run in runs])
    low, high = one["bands"]["train_loss"]
    assert low == pytest.approx(np.quantile(curves, 0.25, axis=0), rel=1e-5)
    assert high == pytest.approx(np.quantile(curves, 0.75, axis=0), rel=1e-5)


def test_pictures_of_an_epoch_are_of_its_weights(part, replays):
    picture = part["picture"]
    side = picture["side"]
    for name, one in replays.items():
        bytes_of = unpacked(picture["frames"][name], side, side * side)
        one.model.parameters.set(one.weights[5])
        low, high = ([axis[end] for axis in picture["axes"]] for end in ("low", "high"))
        corners = np.array([low, [high[0], low[1]], [low[0], high[1]], high])
        X = (corners - one.data.x_mean) / one.data.x_scale
        expected = 1 / (1 + np.exp(-one.model.predict(X)[:, 0]))
        shown = bytes_of[part["stops"].index(5)][[0, side - 1, side * (side - 1), -1]] / 255
        assert shown == pytest.approx(expected, abs=0.004)


def test_the_seed_is_the_one_closest_to_the_medians(found):
    seed, plan = typical_seed(found), found.plan

    def distance(one):
        far = 0.0
        for row in found.rows:
            (time,) = found.times(plan.contestant(row.optimizer), row.setting, [one])
            far += abs(min(time, plan.epochs) - min(row.median, plan.epochs))
        return far

    assert distance(seed) == min(map(distance, plan.seeds)) < max(map(distance, plan.seeds))


def test_looks_are_those_of_all_pictures(part):
    looks = looks_of([one["name"] for one in part["runs"]])
    assert [one["look"]["color"] for one in part["runs"]] == [look.color for look in looks.values()]


def test_it_opens_when_the_first_optimizer_arrives(part):
    arrived = [one["arrived"] for one in part["runs"] if one["arrived"] is not None]
    assert part["open"] == min(arrived)
    assert part["open"] in part["stops"]


def test_losses_that_differ_when_trained_again_are_told(found, replays):
    seed = typical_seed(found)
    assert not [note for note in race(found, replays, seed)["notes"] if "differ" in note]
    history = replays["nag"].history
    column = history._columns["train_loss"]
    kept = column[-1]
    column[-1] = 1.02 * kept
    (note,) = [note for note in race(found, replays, seed)["notes"] if "differ" in note]
    column[-1] = kept
    assert "The losses of nag are those of the comparison" in note
    assert "up to 2 %" in note


def test_held_out_losses_that_differ_are_told_too(found, replays):
    column = replays["nag"].history._columns["validation_loss"]
    kept = column[-1]
    column[-1] = 1.03 * kept
    (note,) = [n for n in race(found, replays, typical_seed(found))["notes"] if "differ" in n]
    column[-1] = kept
    assert "up to 3 %" in note


def test_epochs_in_which_an_optimizer_arrives_stay_when_others_are_left_out(found, replays):
    thin = race(found, replays, typical_seed(found), room=1)
    arrived = {one["arrived"] for one in thin["runs"]} - {None}
    assert arrived
    assert arrived <= set(thin["stops"])
    assert len(thin["stops"]) <= len(arrived) + 2
