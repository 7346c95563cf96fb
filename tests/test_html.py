"""What notebooks show: tables that parse, agree with their objects, and escape all text."""

from html.parser import HTMLParser

import numpy as np
import pytest

import minidl
from minidl import History, Trainer, compare, datasets, nn, optim, train_replicas
from minidl.comparison import Comparison, Study
from minidl.html import paragraph, preformatted, settings, table

EVIL = '<script>alert("x")</script>&<b>'
VOID = {"br", "hr", "img"}


class Page(HTMLParser):
    """The rows of the tables of a page, its other text, its tags and their attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.rows, self.rest, self.open, self.attributes, self.tags = [], "", [], [], set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += text
        elif text.strip():
            self.rest += text


def shown(thing):
    """The page of an object, without anything that could run, load or hide text in a dark theme."""
    page = Page(thing._repr_html_())
    assert page.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p", "pre"}
    assert {name for name, _ in page.attributes} <= {"scope", "style"}
    assert {value for name, value in page.attributes if name == "style"} <= {"text-align: left"}
    return page


def test_a_table_has_headers_for_columns_and_rows_and_escapes_every_text():
    text = table([["gd", 1, EVIL], [EVIL, 2, "x"]], ["optimizer", EVIL, ""], caption=EVIL)
    page = Page(text)
    assert page.rows == [["optimizer", EVIL, ""], ["gd", "1", EVIL], [EVIL, "2", "x"]]
    assert page.rest == EVIL
    assert "<script" not in text
    assert text.count('scope="col"') == 3
    assert text.count('scope="row"') == 2


def test_settings_paragraphs_and_printed_text_escape_every_text():
    assert Page(settings([["<td>", EVIL]])).rows == [["<td>", EVIL]]
    assert Page(paragraph(EVIL)).rest == EVIL
    assert Page(preformatted(f"a\n  {EVIL}")).rest == f"a\n  {EVIL}"


@pytest.fixture(scope="module")
def iris():
    return datasets.load("iris", seed=0)


@pytest.fixture
def trainer(iris):
    trainer = Trainer(nn.mlp(4, 8, 3, seed=0), "cross_entropy", "nag", lr=0.1, seed=7, l2=0.001)
    trainer.fit(iris.X_train, iris.y_train, epochs=30, validation=(iris.X_test, iris.y_test))
    return trainer


def test_a_history_shows_the_first_the_best_and_the_last_epoch(trainer):
    history = trainer.history
    title, *rows = shown(history).rows
    losses = ["training loss", "accuracy", "validation loss", "accuracy"]
    assert title == ["", "epoch", *losses]
    assert 6 <= len(rows) <= 9
    columns = ["train_loss", "train_accuracy", "validation_loss", "validation_accuracy"]
    for _, epoch, *values in rows:
        assert [float(value) for value in values] == [
            pytest.approx(history.entry(name, int(epoch)), abs=6e-5) for name in columns
        ]
    marks = {mark: int(epoch) for mark, epoch, *_ in rows if mark}
    assert marks["best"] == history.best("validation_loss")[0]
    assert marks["last"] == 30
    assert rows[0][1] == "0"


def test_rows_of_a_history_that_skips_epochs_have_their_own_numbers():
    losses = [0.9, 0.5, 0.7]
    history = History.from_columns({"epoch": [0, 5, 10], "train_loss": losses})
    assert shown(history).rows[1:] == [
        ["", "0", "0.9000"],
        ["best", "5", "0.5000"],
        ["last", "10", "0.7000"],
    ]


def test_a_history_without_epochs_or_with_advice_is_shown():
    assert shown(History()).rest == "History(empty)"
    history = History.from_columns({"epoch": [0, 1], "train_loss": [np.nan, np.nan]})
    history.advice = EVIL
    page = shown(history)
    assert page.rest == EVIL
    assert [row[0] for row in page.rows] == ["", "", "last"]


def test_a_data_set_shows_its_summary(iris):
    page = shown(iris)
    rows = dict(page.rows)
    assert page.rest == "iris"
    assert rows["task"] == "multiclass"
    assert rows["4 features"] == ", ".join(iris.feature_names)
    for part, y in (("training", iris.y_train), ("test", iris.y_test)):
        assert f"{part} rows: {rows[f'{part} rows']}" in iris.summary()
        assert rows[f"{part} rows"].startswith(f"{len(y)} (setosa: {int((y == 0).sum())}, ")


def test_a_data_set_names_a_dozen_features_and_shows_what_was_decided(tmp_path):
    file = tmp_path / "many.csv"
    names = [f"f{k}" for k in range(30)]
    lines = [[str(k * j % 7 + 0.5) for j in range(30)] + ["ab"[k % 2]] for k in range(40)]
    lines[3][0] = ""
    file.write_text("\n".join(map(",".join, [[*names, "class"], *lines])))
    data = datasets.load(file, missing="mean")
    rows = dict(shown(data).rows)
    shown_features = rows[f"{data.n_features} features"]
    assert shown_features.startswith("f0, f1, ")
    assert shown_features.endswith(f"and {data.n_features - 12} more")
    assert data.notes
    for note in data.notes:
        assert f"{note.title:<10} {rows[note.title]}" in data.summary()


def test_names_in_a_data_set_are_no_markup():
    X, y = [[1.0], [2.0], [3.0], [4.0]] * 3, [EVIL, "b", EVIL, "b"] * 3
    data = datasets.Dataset.from_arrays(X, y, name=EVIL, feature_names=[f"{EVIL}1"])
    page = shown(data)
    assert page.rest == EVIL
    assert dict(page.rows)["1 feature"] == f"{EVIL}1"
    assert EVIL in dict(page.rows)["training rows"]


def test_a_network_shows_the_rows_of_its_summary():
    model = nn.mlp(4, 8, 3, seed=0)
    rows = shown(model).rows
    assert [" ".join(row).split() for row in rows] == [
        line.split() for line in model.summary().splitlines()
    ]
    assert rows[-1][-1] == str(model.parameters.size)


def test_a_trainer_shows_its_settings_and_its_last_epoch(trainer):
    rows, last = dict(shown(trainer).rows), trainer.history.row(-1)
    assert rows["model"] == f"{trainer.model!r}, {4 * 8 + 8 + 8 * 3 + 3} parameters"
    assert rows["loss"] == "SoftmaxCrossEntropy()"
    assert rows["optimizer"] == "NAG(lr=0.1, momentum=0.9)"
    assert [rows["batch size"], rows["seed"], rows["l2"]] == ["32", "7", "0.001"]
    assert rows["epoch"] == "30"
    assert float(rows["validation loss"]) == pytest.approx(last["validation_loss"], abs=6e-5)
    assert "callbacks" not in rows
    assert repr(trainer).startswith("Trainer(Sequential(Dense(4, 8), Tanh(), Dense(8, 3)), Softmax")
    assert f"batch_size=32; epoch 30, training loss {rows['training loss']}" in repr(trainer)


def test_a_trainer_shows_callbacks_class_weights_and_why_it_stopped(iris):
    stop = minidl.training.StopAtTarget(loss=0.5)
    made = Trainer(
        nn.mlp(4, 8, 3, seed=0), "cross_entropy", "nag", lr=0.1, callbacks=[stop],
        class_weight="balanced", seed=0,
    )  # fmt: skip
    assert dict(shown(made).rows)["epoch"] == "0, not trained yet"
    made.fit(iris.X_train, iris.y_train, epochs=30)
    rows = dict(shown(made).rows)
    assert rows["callbacks"] == repr(stop)
    assert rows["class weight"] == "balanced"
    assert rows["stopped by"] == "target"


def test_a_custom_optimizer_cannot_add_markup(iris):
    class Odd(optim.NAG):
        def __repr__(self):
            return EVIL

    made = Trainer(nn.mlp(4, 8, 3, seed=0), "cross_entropy", Odd(0.1), seed=0)
    assert dict(shown(made).rows)["optimizer"] == EVIL


def test_a_replica_shows_its_settings_and_its_last_losses(iris):
    replicas = train_replicas(
        lambda seed: nn.mlp(4, 8, 3, seed=seed), "nag", iris.X_train, iris.y_train,
        loss="cross_entropy", lr=[0.1, 0.2], seeds=[3], epochs=4,
    )  # fmt: skip
    for replica, lr in zip(replicas, ("0.1", "0.2"), strict=True):
        rows = dict(shown(replica).rows)
        loss = f"{replica.history.entry('train_loss', -1):.4f}"
        assert [rows["seed"], rows["lr"], rows["epoch"]] == ["3", lr, "4"]
        assert rows["training loss"] == loss
        assert repr(replica).startswith(f"Replica(seed=3, lr={lr}; epoch 4, training loss {loss}, ")


@pytest.fixture(scope="module")
def comparison():
    evil = {EVIL: optim.NAG(0.5), "gd": optim.GradientDescent(0.5)}
    return compare("circles", optimizers=evil, tune="none", epochs=10, seeds=6, tuning_seeds=2)


def test_a_comparison_shows_its_screen_and_its_answer_in_a_line(comparison):
    page = shown(comparison)
    assert page.rest == str(comparison)
    assert EVIL in page.rest
    assert repr(comparison).startswith(f"<Comparison of {EVIL} and gd on circles: ")
    sentence = repr(comparison).split("circles: ")[1].removesuffix(">")
    assert sentence in " ".join(str(comparison).split())


def test_a_study_shows_every_comparison(comparison):
    study = Study([comparison, comparison])
    assert shown(study).rest == str(study)
    assert repr(study).count(repr(comparison)) == 2


def test_an_interrupted_comparison_says_so(comparison):
    part = Comparison(comparison.plan, comparison.runs[:1])
    assert "circles: Interrupted while tuning, after 1 run" in repr(part)
    assert "Interrupted" in shown(part).rest
