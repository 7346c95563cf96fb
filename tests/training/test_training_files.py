"""Files that cannot be written or read: nothing is lost, and the error names the file."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import LR, two_class_trainer, two_classes

from minidl import Trainer, load_model, nn, optim, save_model
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.training import load_run, save_run

X, Y = two_classes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failing_write_leaves_the_old_file_and_no_other(error, path, monkeypatch):
    def half(file, **arrays):
        file.write(b"half of a file")
        raise error

    model = nn.mlp(2, 3, 1, seed=0)
    save_model(model, path)
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(type(error)):
        save_model(nn.mlp(2, 3, 1, seed=1), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_whoever_has_the_old_file_open_goes_on_reading_it(path):
    """The new file takes the old one's place in one move; it is never half written."""
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    before = path.read_bytes()
    with path.open("rb") as file:
        save_model(nn.mlp(2, 3, 1, seed=1), path)
        assert file.read() == before
    assert path.read_bytes() != before


def test_the_file_has_the_very_name_that_was_given(tmp_path):
    save_model(nn.mlp(2, 3, 1, seed=0), tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def unchanged(trainer, call, error, match):
    """The call raises the error, and nothing of the trainer has changed."""
    before = [trainer.model.parameters.value.copy(), trainer.optimizer.step_count, trainer.epoch]
    with pytest.raises(error, match=match):
        call()
    assert_array_equal(trainer.model.parameters.value, before[0])
    assert [trainer.optimizer.step_count, trainer.epoch] == before[1:]
    assert len(trainer.history) == 0


@pytest.fixture
def saved(path):
    trainer = two_class_trainer("nag")
    trainer.fit(X, Y, epochs=2)
    save_run(trainer, path)
    return path


def test_a_run_of_another_seed_optimizer_or_network_is_refused(saved):
    cases = [
        (two_class_trainer("nag", seed=1), ArgumentError, r"another seed.*seed=1.*seed=0"),
        (two_class_trainer("momentum"), ArgumentError, "another optimizer.*NAG.*Momentum"),
        (two_class_trainer("nag-reformulated"), ArgumentError, "another optimizer"),
    ]
    other = Trainer(nn.mlp(2, 7, 1, seed=0), "bce", optimizer=optim.NAG(LR), seed=0)
    for trainer, error, match in [*cases, (other, ShapeError, "other parameters")]:
        unchanged(trainer, lambda t=trainer: load_run(t, saved), error, match)


def test_a_file_of_a_model_alone_holds_no_run(path):
    save_model(nn.mlp(2, 6, 1, seed=0), path)
    trainer = two_class_trainer("nag")
    unchanged(
        trainer,
        lambda: load_run(trainer, path),
        DataError,
        "holds a model without a run to continue",
    )


def write_array(path):
    with path.open("wb") as file:
        np.save(file, np.ones(3))


WRONG = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("hello", encoding="utf-8"),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:300]),
    "one array": write_array,
    "other arrays": lambda path: np.savez(path, X=np.ones(3)),
    "objects": lambda path: np.savez(path, X=np.array([{}])),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_of_something_else_is_an_error_that_names_it(kind, saved):
    WRONG[kind](saved)
    for load in (load_model, lambda path: load_run(two_class_trainer("nag"), path)):
        words = "it is a folder" if kind == "a folder" else r"model\.npz is not a saved (model|run)"
        with pytest.raises(DataError, match=words):
            load(saved)


def test_a_misspelt_path_is_an_error_that_shows_it(saved):
    wrong = saved.with_name("modle.npz")
    for load in (load_model, lambda path: load_run(two_class_trainer("nag"), path)):
        with pytest.raises(DataError, match=r"there is no file .*modle\.npz"):
            load(wrong)
