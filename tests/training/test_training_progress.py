"""Progress: a bar on a terminal, exact plain lines elsewhere, and nothing on standard output."""

import io

import pytest
from training_problems import line, linear_trainer, two_class_trainer, two_classes

from minidl.errors import ArgumentError
from minidl.training import EarlyStopping, Progress, StopAtTarget

X, Y = two_classes()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def expected_line(row):
    """Return the line of one row of a history."""
    return f"epoch {row['epoch']}  train_loss {row['train_loss']:.5f}"


@pytest.mark.parametrize(
    ("epochs", "lines", "shown"),
    [
        (3, 10, [0, 1, 2, 3]),
        (10, 10, list(range(11))),
        (19, 10, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 19]),
        (20, 10, list(range(0, 21, 2))),
        (25, 5, [0, 5, 10, 15, 20, 25]),
        (26, 5, [0, 6, 12, 18, 24, 26]),
        (4, 1, [0, 4]),
        (0, 10, [0]),
    ],
)
def test_a_plain_stream_gets_a_line_now_and_then(epochs, lines, shown):
    file = io.StringIO()
    trainer = linear_trainer(callbacks=[Progress(file, lines=lines)])
    history = trainer.fit(*line(), epochs=epochs)
    assert file.getvalue().splitlines() == [expected_line(history.row(e)) for e in shown]


def test_a_line_has_losses_and_accuracies():
    file = io.StringIO()
    trainer = two_class_trainer(callbacks=[Progress(file)])
    row = trainer.fit(X, Y, epochs=0, validation=(X[:9], Y[:9])).row(0)
    assert file.getvalue() == (
        f"epoch 0  train_loss {row['train_loss']:.5f}  train_accuracy {row['train_accuracy']:.4f}"
        f"  validation_loss {row['validation_loss']:.5f}"
        f"  validation_accuracy {row['validation_accuracy']:.4f}\n"
    )


def test_it_goes_to_standard_error_only(capsys):
    linear_trainer(callbacks=[Progress()]).fit(*line(), epochs=2)
    out, err = capsys.readouterr()
    assert out == ""
    assert [text.split("  ")[0] for text in err.splitlines()] == ["epoch 0", "epoch 1", "epoch 2"]


def test_a_second_fit_goes_on_with_the_count():
    file = io.StringIO()
    trainer = linear_trainer(callbacks=[Progress(file)])
    for _ in range(2):
        trainer.fit(*line(), epochs=2)
    shown = [text.split("  ")[0] for text in file.getvalue().splitlines()]
    assert shown == [f"epoch {e}" for e in range(5)]


def test_a_terminal_gets_a_bar_that_ends_at_the_last_epoch(capsys):
    file = Terminal()
    history = linear_trainer(callbacks=[Progress(file)]).fit(*line(), epochs=7)
    text = file.getvalue()
    assert "epoch 0  " not in text
    last = text.split("\r")[-1]
    assert "7/7" in last
    assert f"loss {history['train_loss'][-1]:.4f}" in last
    assert text.endswith("\n")
    assert capsys.readouterr() == ("", "")


def test_the_bar_of_a_run_that_stops_early_stays_where_it_stopped():
    file = Terminal()
    trainer = two_class_trainer("nag", callbacks=[Progress(file), StopAtTarget(10.0, sustained=4)])
    trainer.fit(X, Y, epochs=50)
    assert "3/50" in file.getvalue().split("\r")[-1]


def test_the_bar_of_a_second_fit_starts_where_the_first_ended():
    file = Terminal()
    trainer = linear_trainer(callbacks=[Progress(file)])
    trainer.fit(*line(), epochs=3)
    file.truncate(0)
    file.seek(0)
    trainer.fit(*line(), epochs=2)
    text = file.getvalue()
    assert "3/5" in text
    assert "5/5" in text


def test_the_bar_is_closed_when_an_error_ends_the_run():
    file = Terminal()
    hooks = [Progress(file), EarlyStopping()]  # there are no validation rows
    with pytest.raises(ArgumentError):
        linear_trainer(callbacks=hooks).fit(*line(), epochs=3)
    assert file.getvalue().endswith("\n")


@pytest.mark.parametrize("lines", [0, -1, 1.5])
def test_lines_must_be_a_count(lines):
    with pytest.raises(ArgumentError, match=f"^lines must be an integer >= 1, got {lines}"):
        Progress(lines=lines)
