"""Which learning rate is best, and does that depend on the seed? 48 networks, in one call.

Six learning rates times eight seeds are trained together, as arrays with one axis more. Each
network has its own history, as if it had been trained alone. ``--jobs -1`` spreads them over all
processors and changes no digit; it pays when they take longer than starting processes, a second.
"""

import argparse
import statistics
import time

from minidl import datasets, nn, optim, train_replicas

RATES = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes; -1: one per processor")
    jobs = parser.parse_args().jobs

    data = datasets.load("moons", seed=0)
    start = time.perf_counter()
    replicas = train_replicas(
        lambda seed: nn.mlp(2, 16, 16, 1, activation="tanh", seed=seed),
        optim.NAG(lr=RATES),
        data.X_train,
        data.y_train,
        loss="binary_cross_entropy",
        seeds=8,
        epochs=20,
        jobs=jobs,
        memory=2**16,  # blocks of 16 networks, so that there is something to spread
    )
    seconds = time.perf_counter() - start

    print("   lr   median    worst  below 0.1   (training loss after 20 epochs)")
    for lr in RATES:
        mine = [one.history for one in replicas if one.hyperparameters["lr"] == lr]
        losses = [history["train_loss"][-1] for history in mine]
        low = sum(loss < 0.1 for loss in losses)
        print(f"{lr:5g} {statistics.median(losses):8.4f} {max(losses):8.4f} {low:8d}/8")

    best = min(replicas, key=lambda one: float(one.history["train_loss"][-1]))
    score = (best.model(data.X_test).data[:, 0] > 0) == data.y_test
    print(f"\nThe best is seed {best.seed} at lr {best.hyperparameters['lr']:g}:")
    print(f"{score.mean():.3f} of the test rows are classified as they should be.")
    print(f"{len(replicas)} networks in {seconds:.2f} s, jobs={jobs}.")


if __name__ == "__main__":
    main()
