"""A saved network predicts on other rows as its own data were prepared."""

import subprocess
import sys

import numpy as np
import pytest

import minidl
from minidl import Trainer, datasets, nn
from minidl.errors import ArgumentError, DataError, TableError
from minidl.training import Predictor, load_extra, load_model, save_model


def pets(n=40, seed=0):
    """Rows of age, pet and weight in text, and the target: whether it barks."""
    generator = np.random.default_rng(seed)
    pet = generator.choice(["dog", "cat", "bird"], n)
    age, weight = generator.integers(1, 15, n), generator.normal(10, 2, n).round(2)
    barks = np.where((pet == "dog") & (age < 12), "yes", "no")
    return [*zip(age.tolist(), pet.tolist(), weight.tolist(), barks.tolist(), strict=True)]


def write(path, rows, names=("age", "pet", "weight", "barks"), separator=","):
    lines = [separator.join(map(str, row)) for row in [names, *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A data set with text, and a Predictor trained on it."""
    file = write(tmp_path_factory.mktemp("pets") / "pets.csv", pets(200))
    data = datasets.load(file, target="barks")
    trainer = Trainer(nn.mlp(data.n_features, 8, 1, seed=0), "bce", "nag", lr=0.3, seed=0)
    trainer.fit(data.X_train, data.y_train, epochs=60)
    return data, Predictor(trainer.model, data.preparation)


def test_columns_are_found_by_name_in_any_order_and_beside_others(trained, tmp_path):
    _, predictor = trained
    rows = pets(30, seed=1)
    usual = write(tmp_path / "a.csv", rows)
    names = "weight", "comment", "pet", "age"
    turned = [(weight, "none", pet, age) for age, pet, weight, _ in rows]
    other = write(tmp_path / "b.tsv", turned, names, "\t")
    answers = predictor.predict(usual)
    assert np.array_equal(answers, predictor.predict(other))
    assert np.mean(answers == [row[-1] for row in rows]) > 0.9
    assert set(answers) == {"yes", "no"}


def test_predictions_are_those_of_the_network_on_prepared_rows(trained, tmp_path):
    data, predictor = trained
    rows = pets(12, seed=2)
    file = write(tmp_path / "a.csv", rows)
    ages, weights = (np.array([row[k] for row in rows], float) for k in (0, 2))
    kinds = np.array([[row[1] == name for name in ("bird", "cat", "dog")] for row in rows], float)
    places = {name: k for k, name in enumerate(data.feature_names)}
    X = np.empty((12, 5))
    for name, values in (("age", ages), ("weight", weights)):
        k = places[name]
        X[:, k] = (values - data.x_mean[k]) / data.x_scale[k]
    X[:, [places[f"pet_{name}"] for name in ("bird", "cat", "dog")]] = kinds
    logits = predictor.model.predict(X)[:, 0]
    second = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(predictor.predict_proba(file)[:, 1], second, rtol=1e-12)
    np.testing.assert_allclose(predictor.predict_proba(file).sum(axis=1), 1.0)
    names = np.array(predictor.classes)[(logits > 0).astype(int)]
    assert np.array_equal(predictor.predict(file), names)


def test_a_category_that_training_did_not_have_counts_as_none(trained, tmp_path):
    _, predictor = trained
    file = write(tmp_path / "a.csv", [(3, "snake", 9.5, "no"), (3, "cat", 9.5, "no")])
    with pytest.warns(UserWarning, match="column 'pet': 1 row has 'snake': not seen in training"):
        first, second = predictor.predict_proba(file)[:, 1]
    assert np.isfinite(first)
    assert first != second


def test_absent_columns_and_missing_values_are_all_named(trained, tmp_path):
    _, predictor = trained
    with pytest.raises(TableError, match=r"(?s)2 problems.*column 'pet'.*column 'weight'"):
        predictor.predict(write(tmp_path / "a.csv", [(3, 1), (4, 2)], ("age", "size")))
    with pytest.raises(TableError, match=r"column 'age'[,:] missing"):
        predictor.predict(write(tmp_path / "b.csv", [("", "cat", 9.5), (4, "cat", 9.0)],
                                ("age", "pet", "weight")))  # fmt: skip


def test_missing_values_are_filled_as_in_training(tmp_path):
    rows = [("" if k == 3 else age, pet, weight, barks)
            for k, (age, pet, weight, barks) in enumerate(pets(60))]  # fmt: skip
    data = datasets.load(write(tmp_path / "a.csv", rows), target="barks", missing="mean")
    predictor = Predictor(nn.mlp(data.n_features, 1, seed=0), data.preparation)
    mean = data.x_mean[data.feature_names.index("age")]
    gap, filled = (
        write(tmp_path / f"{k}.csv", [(age, "cat", 9.5), (4, "dog", 9.0)], ("age", "pet", "weight"))
        for k, age in enumerate(["", repr(float(mean))])
    )
    with pytest.warns(UserWarning, match="column 'age': 1 missing value is filled with"):
        answers = predictor.predict_proba(gap)
    np.testing.assert_allclose(answers, predictor.predict_proba(filled), rtol=1e-12)


@pytest.mark.parametrize(
    ("rows", "remarks"),
    [
        ([[3, "emu", 9.5], [4, "emu", 9.0], [4, "cow", 9.0]],
         ["column 'pet': 3 rows have 'emu', 'cow': not seen in training, treated as none of "
          "the known values"]),
        ([[3, 7, 9.5], [4, 8, 9.0]],  # numbers instead of text
         ["column 'pet': 2 rows have '7', '8': not seen in training, treated as none of the "
          "known values"]),
        ([["30%", "cat", "$9"], ["40%", "dog", "$10"]],
         ["column 'age': read without percent signs", "column 'weight': read without currency "
          "signs"]),
        ([["true", "cat", 9.0], ["false", "dog", 9.5]], ["column 'age': false is 0 and true is 1"]),
    ],
)  # fmt: skip
def test_a_warning_says_what_is_not_used_as_it_is_written(rows, remarks, trained, tmp_path):
    _, predictor = trained
    names = "age", "pet", "weight"
    for source, title in (
        (rows, "the array"),
        (write(tmp_path / "new.csv", rows, names), f"file {tmp_path / 'new.csv'}"),
    ):
        with pytest.warns(UserWarning, match=remarks[0]) as caught:
            predictor.predict(source)
        (warning,) = caught  # one for all columns
        assert str(warning.message).split("\n") == [f"{title}, {remark}" for remark in remarks]
        assert warning.filename == __file__


def test_a_warning_says_which_lines_of_a_file_are_no_rows(trained, tmp_path):
    file = tmp_path / "new.csv"
    file.write_text("# of May\nage,pet,weight\n3,cat,9\n4,dog,9\n", encoding="utf-8")
    with pytest.warns(UserWarning, match=r"new\.csv, left out: 1 comment line"):
        assert len(trained[1].predict(file)) == 2


def test_an_integer_category_may_have_a_decimal_point(tmp_path):
    rows = [("7" if k % 3 else "8.0" if k % 2 else "x", str(k % 5), k % 2) for k in range(60)]
    file = write(tmp_path / "a.csv", rows, ("code", "b", "y"))
    preparation = datasets.load(file, target="y", test_size=0).preparation
    assert preparation.features[0].categories == ("7", "8.0", "x")
    predictor = Predictor(nn.mlp(4, 1, seed=0), preparation)
    one, other = (
        predictor.predict_proba(write(tmp_path / "b.csv", [*cells, ("x", 3)], ("code", "b")))
        for cells in ([("7", 1), ("8.0", 2)], [("7.0", 1), ("8", 2)])
    )
    assert np.array_equal(one, other)
    assert np.array_equal(predictor.predict_proba([[7.0, 1.0], [8.0, 2.0]]), one[:2])
    with pytest.warns(UserWarning, match="2 rows have '7.5', '07': not seen"):
        predictor.predict(write(tmp_path / "b.csv", [("7.5", 1), ("07", 2)], ("code", "b")))


def test_a_line_of_empty_cells_is_an_error_lest_predictions_belong_to_other_lines(tmp_path):
    table = tmp_path / "train.csv"
    table.write_text("a,b,kind\n1,2,x\n2,,y\n3,1,x\n4,2,y\n")
    data = datasets.load(table, target="kind", missing="mean", test_size=0)
    predictor = Predictor(nn.mlp(2, 1, seed=0), data.preparation)
    rows = tmp_path / "new.csv"
    rows.write_text("a,b\n1,2\n,\n3,\n")
    with pytest.raises(DataError, match=r"new\.csv, line 3: all cells are empty"):
        predictor.predict(rows)
    rows.write_text("a,b\n1,2\n\n3,\n,\n,\n")  # as spreadsheets end a table
    with pytest.warns(UserWarning, match="column 'b': 1 missing value"):
        assert len(predictor.predict(rows)) == 2


def test_a_saved_predictor_predicts_the_same_in_another_process(trained, tmp_path):
    _, predictor = trained
    model, rows = tmp_path / "model.npz", write(tmp_path / "a.csv", pets(20, seed=3))
    predictor.save(model)
    code = "import minidl, sys; print(*minidl.load(sys.argv[1]).predict(sys.argv[2]))"
    command = [sys.executable, "-c", code, str(model), str(rows)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.split() == predictor.predict(rows).tolist()
    assert load_model(model).predict(np.zeros((1, 5))).shape == (1, 1)
    assert {"x_mean", "x_scale", "class_names"} <= set(load_extra(model))


def test_targets_of_a_regression_are_in_their_own_units(tmp_path):
    data = datasets.load("diabetes", seed=0)
    trainer = Trainer(nn.mlp(10, 8, 1, seed=0), "mse", "nag", lr=0.01, seed=0)
    trainer.fit(data.X_train, data.y_train, epochs=20)
    Predictor(trainer.model, data.preparation).save(tmp_path / "model.npz")
    predictor = minidl.load(tmp_path / "model.npz")
    original = data.X_test * data.x_scale + data.x_mean
    expected = data.inverse_y(trainer.model.predict(data.X_test)[:, 0])
    np.testing.assert_allclose(predictor.predict(original), expected, rtol=1e-9)
    assert predictor.classes == ()
    with pytest.raises(ArgumentError, match="does not predict probabilities"):
        predictor.predict_proba(original)


def test_several_classes_have_names_and_probabilities():
    data = datasets.load("iris", seed=0)
    network = nn.mlp(4, 3, seed=0)
    predictor = Predictor(network, data.preparation)
    rows = (data.X_test * data.x_scale + data.x_mean).tolist()
    logits = network.predict(data.X_test)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predictor.predict_proba(rows), expected, rtol=1e-9)
    names = np.array(["setosa", "versicolor", "virginica"])[logits.argmax(axis=1)]
    assert np.array_equal(predictor.predict(rows), names)


def test_two_classes_may_have_an_output_each():
    data = datasets.load("moons", n=40, seed=0)
    network = nn.mlp(2, 2, seed=0)
    predictor = Predictor(network, data.preparation, "cross_entropy")
    rows = data.X_test * data.x_scale + data.x_mean
    logits = network.predict(data.X_test)
    assert predictor.predict(rows).tolist() == [str(k) for k in logits.argmax(axis=1)]
    second = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    np.testing.assert_allclose(predictor.predict_proba(rows)[:, 1], second, rtol=1e-12)


@pytest.mark.parametrize(("loss", "threshold"), [("hinge", 0.0), ("mse", 0.5), ("bce", 0.0)])
def test_two_classes_are_told_apart_where_the_loss_does(loss, threshold, tmp_path):
    data = datasets.load("moons", n=40, seed=0)
    network = nn.mlp(2, 1, seed=0)
    Predictor(network, data.preparation, loss).save(tmp_path / "m.npz")
    predictor = minidl.load(tmp_path / "m.npz")
    rows = data.X_test * data.x_scale + data.x_mean
    above = (network.predict(data.X_test)[:, 0] > threshold).astype(int)
    assert predictor.predict(rows).tolist() == [str(k) for k in above]
    assert predictor.probabilistic == (loss == "bce")


@pytest.mark.parametrize("name", ["model", "model.txt", "model.csv", "model.h5"])
def test_a_model_is_loaded_again_whatever_its_file_is_called(name, tmp_path):
    preparation = datasets.load("moons", n=40).preparation
    Predictor(nn.mlp(2, 1, seed=0), preparation).save(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert minidl.load(tmp_path / name).predict([[0.0, 0.0]]).shape == (1,)


def test_what_is_no_predictor_is_refused(tmp_path):
    data = datasets.load("moons", n=40)
    with pytest.raises(ArgumentError, match="model must be a Layer"):
        Predictor("m.npz", data.preparation)
    with pytest.raises(ArgumentError, match="preparation must be that of a Dataset"):
        Predictor(nn.mlp(2, 1, seed=0), data)
    save_model(nn.mlp(2, 1, seed=0), tmp_path / "m.npz")
    with pytest.raises(DataError, match="has no preparation of data"):
        minidl.load(tmp_path / "m.npz")
    with pytest.raises(DataError, match="another number of columns: got 3, expected 2"):
        Predictor(nn.mlp(2, 1, seed=0), data.preparation).predict([[1.0, 2.0, 3.0]])
