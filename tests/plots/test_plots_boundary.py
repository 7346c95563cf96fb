"""Boundaries and fitted curves: shades, lines, rows and counts against the model's own numbers."""

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from minidl import Predictor, Trainer, datasets, load, nn, plots
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.plots.points import MOST
from minidl.plots.scores import scores_of
from minidl.plots.shades import MARKERS, PALETTE, STRONGEST

mpl.use("agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def moons():
    return datasets.load("moons", n=200)


def fitted(data, loss, epochs=20, lr=0.1):
    model = nn.mlp(data.n_features, 8, data.n_outputs, seed=0)
    trainer = Trainer(model, loss, "nag", lr=lr, seed=0)
    trainer.fit(data.X_train, data.y_train, epochs=epochs)
    return trainer


def own(data, X):
    return X * data.x_scale + data.x_mean


def pixels(ax, size):
    """The middle of each pixel of the picture, in the units of the axes, row by row from below."""
    left, right, low, high = ax.images[0].get_extent()
    x = [left + (k + 0.5) * (right - left) / size for k in range(size)]
    y = [low + (k + 0.5) * (high - low) / size for k in range(size)]
    return np.array([[u, v] for v in y for u in x])


def points(ax, label):
    """The points of scatters with this label, as a set of rounded pairs."""
    found = [c.get_offsets() for c in ax.collections if c.get_label() == label]
    return {tuple(np.round(xy, 9)) for xy in np.concatenate(found)}


def pairs(xy):
    return {tuple(np.round(row, 9)) for row in xy}


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def faded(p):
    """The colour of probabilities by hand: white if all are equal, half the colour if certain."""
    p = np.asarray(p)
    colour = np.array(to_rgb(PALETTE[int(p.argmax())]))
    share = STRONGEST * (p.max() - 1 / len(p)) / (1 - 1 / len(p))
    return (1 - share) + share * colour


def test_two_classes_are_shaded_by_their_probability_in_the_units_of_the_data():
    data = moons()
    trainer = fitted(data, "bce")
    ax = plots.plot_boundary(trainer, data, resolution=20)
    image = np.asarray(ax.images[0].get_array()).reshape(400, 3)
    for xy, colour in zip(pixels(ax, 20), image, strict=True):
        z = trainer.model.predict([(xy - data.x_mean) / data.x_scale]).item()
        p = 1 / (1 + np.exp(-z))
        np.testing.assert_allclose(colour, faded([1 - p, p]), atol=1e-9)
    rows = own(data, np.concatenate([data.X_train, data.X_test]))
    left, right, low, high = ax.images[0].get_extent()
    assert left < rows[:, 0].min() < rows[:, 0].max() < right
    assert low < rows[:, 1].min() < rows[:, 1].max() < high
    assert (ax.get_xlabel(), ax.get_ylabel()) == data.feature_names


def test_the_line_is_where_the_probability_is_one_half():
    data = moons()
    trainer = fitted(data, "bce")
    ax = plots.plot_boundary(trainer, data)
    (line,) = [
        c for c in ax.collections if not len(c.get_offsets()) or not c.get_label()[0].isalpha()
    ]
    line = np.concatenate([path.vertices for path in line.get_paths()])
    z = trainer.model.predict((line - data.x_mean) / data.x_scale)[:, 0]
    p = 1 / (1 + np.exp(-z))
    assert len(line) > 50
    assert 0.45 < p.min() < p.max() < 0.55
    assert ax.figure.axes[1].get_ylabel() == "probability of class 1"


def test_training_rows_are_filled_held_out_rows_hollow_and_wrong_rows_crossed():
    data = moons()
    trainer = fitted(data, "bce", epochs=2)
    ax = plots.plot_boundary(trainer, data)
    assert points(ax, "training rows") == pairs(own(data, data.X_train))
    assert points(ax, "held-out rows") == pairs(own(data, data.X_test))
    faces = {
        c.get_label(): c.get_facecolor()[0, :3] for c in ax.collections if "rows" in c.get_label()
    }
    assert (faces["held-out rows"] == 1).all()
    assert not (faces["training rows"] == 1).all()
    wrong, counts = [], []
    for X, y in ((data.X_train, data.y_train), (data.X_test, data.y_test)):
        missed = (trainer.model.predict(X)[:, 0] > 0) != y
        wrong.append(own(data, X)[missed])
        counts.append(int(missed.sum()))
    assert points(ax, "wrong") == pairs(np.concatenate(wrong))
    assert min(counts) > 0
    words = f"wrong: {counts[0]} of 150 training rows, {counts[1]} of 50 held-out rows"
    assert ax.get_title() == f"moons\n{words}"
    assert texts(ax) == [
        "class 0",
        "class 1",
        "training rows",
        "held-out rows",
        "predicted wrongly",
    ]


def test_several_classes_have_their_colours_and_markers_and_more_features_their_components():
    data = datasets.load("iris")
    trainer = fitted(data, "cross_entropy")
    ax = plots.plot_boundary(trainer, data, resolution=15)
    pca = PCA(2).fit(data.X_train)
    found = np.array(sorted(points(ax, "training rows")))
    mine = pca.transform(data.X_train)
    signs = np.sign(pca.components_[[0, 1], np.abs(pca.components_).argmax(axis=1)])
    np.testing.assert_allclose(found, np.array(sorted(pairs(mine * signs))), atol=1e-8)
    image = np.asarray(ax.images[0].get_array()).reshape(225, 3)
    for xy, colour in zip(pixels(ax, 15), image, strict=True):
        z = trainer.model.predict(pca.inverse_transform([xy * signs]))[0]
        p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        np.testing.assert_allclose(colour, faded(p), atol=1e-8)
    shares = np.round(100 * pca.explained_variance_ratio_).astype(int)
    assert ax.get_xlabel() == f"first principal component ({shares[0]} % of the variance)"
    assert ax.get_ylabel() == f"second principal component ({shares[1]} % of the variance)"
    assert ax.get_title().split("\n")[1:3] == [
        "4 features: the plane of the first two principal components",
        "rows on the wrong side of a line can be predicted correctly",
    ]
    assert texts(ax)[:3] == ["setosa", "versicolor", "virginica"]
    markers = [handle.get_marker() for handle in ax.get_legend().legend_handles[:3]]
    assert markers == list(MARKERS[:3])
    assert len(ax.figure.axes) == 1  # shades of three classes have no scale


def test_one_feature_gives_curves_of_the_probabilities():
    X = np.linspace(-3, 5, 60)[:, None]
    data = Dataset.from_arrays(X, np.digitize(X[:, 0], [-1, 2]), feature_names=["mass"])
    trainer = fitted(data, "cross_entropy")
    ax = plots.plot_boundary(trainer, data, resolution=30)
    for k in range(3):
        x, y = ax.lines[k].get_data()
        z = trainer.model.predict(((x - data.x_mean) / data.x_scale)[:, None])
        np.testing.assert_allclose(y, (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))[:, k])
    assert ax.get_xlabel() == "mass"
    assert {x for x, _ in points(ax, "held-out rows")} == {
        x for (x,) in pairs(own(data, data.X_test))
    }


def test_a_regression_with_one_feature_shows_the_fitted_curve_in_its_own_units():
    X = np.linspace(10, 50, 80)[:, None]
    data = Dataset.from_arrays(X, 1000 + 30 * X[:, 0], feature_names=["age"])
    trainer = fitted(data, "mse")
    ax = plots.plot_boundary(trainer, data, resolution=25)
    x, y = ax.lines[0].get_data()
    predicted = Predictor(trainer.model, data.preparation).predict(x[:, None])
    np.testing.assert_allclose(y, predicted)
    assert (len(x), ax.lines[0].get_label()) == (25, "fitted curve")
    xy = np.concatenate([own(data, data.X_train), data.inverse_y(data.y_train)[:, None]], axis=1)
    assert points(ax, "training rows") == pairs(xy)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "y")


def test_a_regression_with_two_features_shades_the_prediction_and_colours_rows_by_the_truth():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 9, (60, 2))
    data = Dataset.from_arrays(X, X[:, 0] - 5 * X[:, 1])
    trainer = fitted(data, "mse", lr=0.05)
    ax = plots.plot_boundary(trainer, data, resolution=10)
    image = np.asarray(ax.images[0].get_array())
    predicted = Predictor(trainer.model, data.preparation).predict(pixels(ax, 10))
    np.testing.assert_allclose(image.ravel(), predicted)
    (rows,) = [c for c in ax.collections if c.get_label() == "training rows"]
    expected = ax.images[0].to_rgba(data.inverse_y(data.y_train))
    np.testing.assert_allclose(rows.get_facecolor(), expected)
    (held,) = [c for c in ax.collections if c.get_label() == "held-out rows"]
    expected = ax.images[0].to_rgba(data.inverse_y(data.y_test))
    np.testing.assert_allclose(held.get_facecolor(), expected)  # filled too: colour is the value
    shapes = [len(c.get_paths()[0].vertices) for c in (rows, held)]
    assert shapes[1] == 5 < shapes[0]  # a diamond, a circle
    assert texts(ax) == ["training rows", "held-out rows"]
    assert [handle.get_marker() for handle in ax.get_legend().legend_handles] == ["o", "D"]


def test_a_regression_with_more_features_shows_predicted_against_true_targets():
    data = datasets.load("diabetes")
    model = LinearRegression().fit(data.X_train, data.y_train)
    ax = plots.plot_boundary(model, data)
    true = data.inverse_y(data.y_test)
    predicted = data.inverse_y(model.predict(data.X_test))
    assert points(ax, "held-out rows") == pairs(np.stack([true, predicted], axis=1))
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, y)
    scores = [
        model.score(*part) for part in ((data.X_train, data.y_train), (data.X_test, data.y_test))
    ]
    words = f"R² {scores[0]:.2f} on training rows, {scores[1]:.2f} on held-out rows"
    assert ax.get_title() == f"diabetes\n10 features: predicted against true targets\n{words}"


def arrays():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(90, 2)) * [10, 0.1] + [100, 5]
    return X, np.where(X[:, 0] > 103, "big $x$", "_small")


def test_arrays_and_estimators_of_scikit_learn_with_names_as_classes():
    X, y = arrays()
    frame = pd.DataFrame(X, columns=["mass", "$p$"])
    model = LogisticRegression().fit(frame, y)
    ax = plots.plot_boundary(model, (frame, y), resolution=10)
    image = np.asarray(ax.images[0].get_array()).reshape(100, 3)
    shares = model.predict_proba(pd.DataFrame(pixels(ax, 10), columns=frame.columns))
    expected = [
        faded(row[[list(model.classes_).index(name) for name in ("_small", "big $x$")]])
        for row in shares
    ]
    np.testing.assert_allclose(image, expected, atol=1e-9)
    assert points(ax, "training rows") == pairs(X)
    assert texts(ax)[:2] == [" _small", "big $x$"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("mass", "$p$")
    ax.figure.canvas.draw()  # a dollar is no formula


@pytest.mark.parametrize("kind", ["svc", "hinge", "mse"])
def test_models_without_probabilities_show_the_predicted_class(kind):
    data = moons()
    if kind == "svc":
        model = SVC().fit(data.X_train, data.y_train)
        second = model.predict
    else:
        model = fitted(data, kind)
        border = {"hinge": 0.0, "mse": 0.5}[kind]
        second = lambda X: model.model.predict(X)[:, 0] > border  # noqa: E731
    ax = plots.plot_boundary(model, data, resolution=12)
    image = np.asarray(ax.images[0].get_array()).reshape(144, 3)
    certain = {False: faded([1, 0]), True: faded([0, 1])}
    found = second((pixels(ax, 12) - data.x_mean) / data.x_scale)
    np.testing.assert_allclose(image, [certain[bool(k)] for k in found])
    assert len(ax.figure.axes) == 1  # without a scale of probabilities


def test_a_saved_predictor_draws_rows_in_their_own_units(tmp_path):
    data = moons()
    trainer = fitted(data, "bce")
    Predictor(trainer.model, data.preparation).save(tmp_path / "model.npz")
    predictor = load(tmp_path / "model.npz")
    first = plots.plot_boundary(trainer, data, resolution=20)
    second = plots.plot_boundary(predictor, data, resolution=20)
    same = np.asarray(first.images[0].get_array()) == np.asarray(second.images[0].get_array())
    assert same.all()
    X = own(data, data.X_train)
    ax = plots.plot_boundary(predictor, (X, data.y_train), resolution=20)
    assert points(ax, "training rows") == pairs(X)
    assert points(ax, "wrong") <= points(first, "wrong")


def test_a_class_that_the_estimator_never_saw_has_probability_zero():
    data = datasets.load("iris")
    few = data.y_train != 1
    model = LogisticRegression().fit(data.X_train[few], data.y_train[few])
    ax = plots.plot_boundary(model, data)
    missed = int((data.y_train == 1).sum())
    assert f"wrong: {missed} of 111 training rows" in ax.get_title()


def test_rows_of_some_of_the_classes_are_counted_as_the_network_numbers_them():
    data = moons()
    trainer = fitted(data, "bce")
    X, y = data.X_train[data.y_train == 1], data.y_train[data.y_train == 1]
    wrong = round(len(X) * (1 - trainer.evaluate(X, y)["accuracy"]))
    ax = plots.plot_boundary(trainer, (X, y))
    assert f"wrong: {wrong} of {len(X)} training rows" in ax.get_title()
    iris = datasets.load("iris", seed=0)
    trainer, last = fitted(iris, "cross_entropy"), iris.y_train > 0
    X, y = iris.X_train[last], iris.y_train[last]
    wrong = round(len(X) * (1 - trainer.evaluate(X, y)["accuracy"]))
    assert (
        f"wrong: {wrong} of {len(X)} training rows"
        in plots.plot_boundary(trainer, (X, y)).get_title()
    )


def test_the_columns_of_an_estimator_are_placed_by_its_classes():
    data = datasets.load("iris")
    some = data.y_train != 0
    model = LogisticRegression().fit(data.X_train[some], data.y_train[some])
    scores = scores_of(model, data).of(data.X_test)
    assert (scores[:, 0] == 0).all()
    np.testing.assert_array_equal(scores[:, 1:], model.predict_proba(data.X_test))


def test_given_axes_are_used_and_matplotlib_stays_as_it_is():
    before, figures = dict(mpl.rcParams), plt.get_fignums()
    ax = mpl.figure.Figure().subplots()
    assert plots.plot_boundary(nn.mlp(2, 1, seed=0), moons(), ax) is ax
    assert (dict(mpl.rcParams), plt.get_fignums()) == (before, figures)


def test_of_many_rows_two_thousand_are_drawn_and_all_are_counted():
    rng = np.random.default_rng(0)
    data = Dataset.from_arrays(rng.normal(size=(4000, 2)), rng.integers(0, 2, 4000), test_size=0.1)
    ax = plots.plot_boundary(nn.mlp(2, 1, seed=0), data, resolution=5)
    assert len(points(ax, "training rows")) == MOST == 2000
    assert "training rows: 2,000 of 3,600" in texts(ax)
    assert "of 3,600 training rows" in ax.get_title()
    shown = points(ax, "training rows") | points(ax, "held-out rows")
    assert points(ax, "wrong") <= shown


@pytest.mark.parametrize(
    ("model", "data", "error", "message"),
    [
        (moons(), nn.mlp(2, 1), ArgumentError, "model must be a network.*The model comes first"),
        (SVC, moons(), ArgumentError, "model must be a network"),
        (nn.mlp(2, 1), "moons", ArgumentError, r"data must be a Dataset or a pair \(X, y\), got"),
        (nn.mlp(2, 1), ([[1.0, 2.0]], [0, 1]), ShapeError, r"got \(1, 2\) and \(2,\)"),
        (nn.mlp(3, 1), moons(), ShapeError, "does not fit the layer"),
        (nn.mlp(2, 3), moons(), ShapeError, r"got \(1, 3\), expected \(n, 2 or 1\) for binary"),
        (nn.mlp(4, 1), datasets.load("iris"), ShapeError, r"expected \(n, 3\) for multiclass"),
        (nn.mlp(3, 1), ([[1.0, 2, 3], [2, 3, 4]], [0, 1]), DataError, "at least 3 training rows"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_clear_error(model, data, error, message):
    with pytest.raises(error, match=message):
        plots.plot_boundary(model, data)


def test_an_error_leaves_no_empty_figure_behind():
    with pytest.raises(ShapeError):
        plots.plot_boundary(nn.mlp(3, 1), moons())
    with pytest.raises(DataError):
        plots.plot_history({})
    assert plt.get_fignums() == []


def test_without_matplotlib_the_error_names_the_extra():
    script = """if True:
        import sys
        sys.modules["matplotlib"] = None
        from minidl import datasets, nn, plots
        try:
            plots.plot_boundary(nn.mlp(2, 1), datasets.load("moons"))
        except ValueError as error:
            print(error)
    """
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert found.strip().endswith("pip install 'minidl[plot]'")
