"""Every part counts epochs alike; schedules by epochs have the closed forms of PyTorch."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pytest
from training_problems import Do, two_class_trainer, two_classes

from minidl import optim
from minidl.errors import ArgumentError
from minidl.optim import Optimizer
from minidl.training import (
    Checkpoint,
    CSVLog,
    EarlyStopping,
    LearningRateSchedule,
    Progress,
    load_run,
)

X, Y = two_classes()
ROOT_HALF = math.sqrt(0.5)

# The rates of epochs 1, 2, ... as the closed forms of torch.optim.lr_scheduler give them for
# last_epoch = 0, 1, ..., by hand: StepLR is base * gamma ** (last_epoch // step_size),
# ExponentialLR is base * gamma ** last_epoch, CosineAnnealingLR is
# eta_min + (base - eta_min) * (1 + cos(pi * last_epoch / T_max)) / 2.
SCHEDULES: dict[str, tuple[Any, list[float]]] = {
    "StepLR": (
        optim.StepDecay(0.8, every=3, factor=0.5),
        [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1],
    ),
    "ExponentialLR": (optim.ExponentialDecay(0.8, rate=0.5), [0.8, 0.4, 0.2, 0.1, 0.05]),
    "CosineAnnealingLR": (
        optim.CosineDecay(0.5, steps=4, end=0.1),
        [0.5, 0.3 + 0.2 * ROOT_HALF, 0.3, 0.3 - 0.2 * ROOT_HALF, 0.1, 0.1],
    ),
    "LinearLR": (optim.LinearWarmup(0.4, steps=4), [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]),
    "SequentialLR": (
        optim.LinearWarmup(0.4, steps=2, then=optim.StepDecay(0.4, every=2, factor=0.5)),
        [0.2, 0.4, 0.4, 0.4, 0.2, 0.2],
    ),
    "LambdaLR": (lambda epoch: 0.5 / (1 + epoch), [0.5, 0.25, 0.5 / 3, 0.125]),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("calls", [1, 2], ids=["one fit", "a fit for each epoch"])
def test_a_schedule_by_epochs_has_the_rates_of_pytorch(name: str, calls: int) -> None:
    schedule, expected = SCHEDULES[name]
    rates: list[float] = []
    look = Do(on_epoch_end=lambda trainer, record: rates.append(trainer.optimizer.lr))
    hooks = [LearningRateSchedule(schedule), look]
    trainer = two_class_trainer("batch", callbacks=hooks)
    for _ in range(1 if calls == 1 else len(expected)):
        trainer.fit(X, Y, epochs=len(expected) if calls == 1 else 1)
    assert rates[1:] == pytest.approx(expected, rel=1e-15)


def test_a_schedule_by_steps_has_the_rates_of_pytorch() -> None:
    for schedule, expected in SCHEDULES.values():
        assert list(map(schedule, range(len(expected)))) == pytest.approx(expected, rel=1e-15)


def test_a_resumed_run_goes_on_with_the_rate_of_its_epoch(tmp_path: Path) -> None:
    rates = LearningRateSchedule(optim.StepDecay(0.8, every=3, factor=0.5))
    first, second = (two_class_trainer(callbacks=[rates]) for _ in range(2))
    first.fit(X, Y, epochs=2, callbacks=[Checkpoint(tmp_path / "run.npz")])
    load_run(second, tmp_path / "run.npz")
    second.fit(X, Y, epochs=1)
    assert second.optimizer.lr == 0.8
    second.fit(X, Y, epochs=1)
    assert second.optimizer.lr == 0.4


def test_hooks_history_log_and_checkpoint_number_epochs_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, ended = [], []
    look = Do(
        on_epoch_begin=lambda trainer, epoch: begun.append((epoch, trainer.epoch)),
        on_epoch_end=lambda trainer, record: ended.append((record["epoch"], trainer.epoch)),
    )
    stopping = EarlyStopping("train_loss", patience=50)
    path, log = tmp_path / "run.npz", tmp_path / "log.csv"
    hooks = [look, stopping, CSVLog(log), Progress(lines=2)]
    trainer = two_class_trainer(callbacks=hooks, measure_every=2)
    trainer.fit(X, Y, epochs=4)
    assert begun == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert ended == [(0, 0), (2, 2), (4, 4)]
    assert trainer.history["epoch"].tolist() == [0, 2, 4]
    assert trainer.history["updates"].tolist() == [0, 2 * 3, 4 * 3]  # 3 batches an epoch
    assert [row["epoch"] for row in csv.DictReader(log.read_text().splitlines())] == ["0", "2", "4"]
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["0", "2", "4"]
    assert stopping.best_epoch == trainer.history.best()[0] == 4

    def stop(trainer: Any, epoch: int) -> None:
        if epoch == 6:
            raise KeyboardInterrupt

    saving = two_class_trainer(callbacks=[Checkpoint(path, every=3), Do(on_epoch_begin=stop)])
    with pytest.raises(KeyboardInterrupt):
        saving.fit(X, Y, epochs=9)
    loaded = two_class_trainer()
    load_run(loaded, path)
    assert loaded.epoch == 3


@pytest.mark.parametrize("rate", [0.1, None, [0.1, 0.05], "step"])
def test_a_rate_that_is_no_function_is_an_error(rate: Any) -> None:
    with pytest.raises(ArgumentError, match="rate must be a function"):
        LearningRateSchedule(rate)
    with pytest.raises(ArgumentError, match="rate must be an instance, got the class StepDecay"):
        LearningRateSchedule(optim.StepDecay)  # type: ignore[arg-type]


def test_an_optimizer_without_a_learning_rate_is_an_error_for_the_schedule() -> None:
    class Fixed(Optimizer):
        def update(self, w: Any, grad: Any) -> None:
            w -= 0.1 * grad(w)

    hook = LearningRateSchedule(optim.StepDecay(0.1, every=3))
    with pytest.raises(ArgumentError, match=r"does not have: got Fixed\(\)"):
        two_class_trainer(optimizer=Fixed(), callbacks=[hook]).fit(X, Y, epochs=1)
