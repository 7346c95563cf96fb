"""The weights after every epoch."""

import numpy as np

from minidl import Trainer, nn, train_replicas
from minidl.training import Checkpoint, WeightPath, load_run

X = np.linspace(-1, 1, 12)[:, None]
Y = np.sin(3 * X[:, 0])


def trainer(*callbacks):
    return Trainer(
        nn.mlp(1, 4, 1, seed=0), "mse", "momentum", lr=0.05, seed=0, callbacks=[*callbacks]
    )


def test_each_row_is_the_iterate_after_that_epoch():
    path = WeightPath()
    longer = trainer(path)
    longer.fit(X, Y, epochs=4)
    assert path.measured == [0, 1, 2, 3, 4]
    for epoch in (1, 3):
        shorter = trainer()
        shorter.fit(X, Y, epochs=epoch)
        np.testing.assert_array_equal(path.weights[epoch], shorter.model.parameters.value)
    np.testing.assert_array_equal(path.weights[0], nn.mlp(1, 4, 1, seed=0).parameters.value)


def test_a_resumed_run_goes_on_with_its_path(tmp_path):
    whole, first, second = WeightPath(), WeightPath(), WeightPath()
    trainer(whole).fit(X, Y, epochs=4)
    file = tmp_path / "run.npz"
    trainer(first, Checkpoint(file)).fit(X, Y, epochs=2)
    resumed = trainer(second, Checkpoint(tmp_path / "other.npz"))
    load_run(resumed, file)
    resumed.fit(X, Y, epochs=2)
    assert second.measured == whole.measured
    np.testing.assert_array_equal(second.weights, whole.weights)


def test_each_of_several_networks_has_a_path():
    paths = []

    def callbacks():
        paths.append(WeightPath())
        return [paths[-1]]

    options = {"loss": "mse", "seeds": 2, "epochs": 2, "callbacks": callbacks}
    train_replicas(lambda seed: nn.mlp(1, 4, 1, seed=seed), "nag", X, Y, lr=0.05, **options)
    assert [path.weights.shape for path in paths] == [(3, 13), (3, 13)]
    assert not np.array_equal(paths[0].weights, paths[1].weights)
