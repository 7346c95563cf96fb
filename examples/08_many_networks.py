"""Train 48 networks in one call: six learning rates times eight seeds.

The networks are trained together, as arrays with one more axis; each has the history of a single
run. ``--jobs -1`` uses all processors with equal results; it is faster if training takes longer
than starting processes, about a second.
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
        memory=2**16,  # blocks of 16 networks, so that several processes have work
    )
    seconds = time.perf_counter() - start

    print("   lr   median    worst  below 0.1   (training loss after 20 epochs)")
    for lr in RATES:
        histories = [r.history for r in replicas if r.hyperparameters["lr"] == lr]
        losses = [history["train_loss"][-1] for history in histories]
        low = sum(loss < 0.1 for loss in losses)
        print(f"{lr:5g} {statistics.median(losses):8.4f} {max(losses):8.4f} {low:8d}/8")

    best = min(replicas, key=lambda replica: float(replica.history["train_loss"][-1]))
    correct = (best.model(data.X_test).data[:, 0] > 0) == data.y_test
    print(f"\nThe best is seed {best.seed} at lr {best.hyperparameters['lr']:g}:")
    print(f"{correct.mean():.3f} of the test rows are classified correctly.")
    print(f"{len(replicas)} networks in {seconds:.2f} s, jobs={jobs}.")


if __name__ == "__main__":
    main()
