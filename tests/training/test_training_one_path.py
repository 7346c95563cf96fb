"""One path for several callbacks, runs or networks: refused, or always the file of one run."""

import pytest
from training_problems import Do, two_class_trainer, two_classes

from minidl import nn, optim, train_replicas
from minidl.errors import ArgumentError
from minidl.training import Checkpoint, CSVLog, History

X, Y = two_classes()


def test_two_runs_that_log_to_one_path_never_mix_their_rows(tmp_path):
    path = tmp_path / "log.csv"
    first, second = (two_class_trainer(seed=seed, callbacks=[CSVLog(path)]) for seed in (0, 1))

    def losses():
        return History.from_csv(path)["train_loss"].tolist()

    def train_the_other(trainer, record):
        assert losses() == first.history["train_loss"].tolist()
        second.fit(X, Y, epochs=1)
        assert losses() == second.history["train_loss"].tolist()

    first.fit(X, Y, epochs=3, callbacks=[Do(on_epoch_end=train_the_other)])
    assert second.epoch == 4
    path.unlink()
    first.fit(X, Y, epochs=2)
    assert losses() == first.history["train_loss"].tolist()


def test_one_file_for_two_callbacks_of_a_run_is_refused(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(ArgumentError, match=r"callbacks would write .*a twice"):
        two_class_trainer(callbacks=[CSVLog(path), Checkpoint(str(path))])


def test_one_file_for_several_networks_is_refused_and_one_file_each_is_written(tmp_path):
    names = iter(range(4))

    def train(name):
        make = lambda seed: nn.mlp(2, 1, seed=seed)  # noqa: E731
        train_replicas(
            make, optim.NAG(0.1), X, Y, loss="bce", epochs=1, seeds=4,
            callbacks=lambda: [Checkpoint(tmp_path / name())],
        )  # fmt: skip

    with pytest.raises(ArgumentError, match="the second over the first"):
        train(lambda: "a")
    assert list(tmp_path.iterdir()) == []
    train(lambda: str(next(names)))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0", "1", "2", "3"]
