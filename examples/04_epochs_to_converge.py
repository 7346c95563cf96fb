"""How many epochs does each optimizer need? One seed cannot say; eight may.

Seed s fixes split, initial weights and order of rows alike for all three, so that runs are pairs.
An optimizer has converged when the training loss has stayed below the target for three epochs.
"""

from minidl.comparison import compare


def main() -> None:
    race = compare(
        "circles",
        optimizers=["mini-batch", "momentum", "nag"],
        lr=0.1,
        momentum=0.9,
        epochs=40,
        seeds=8,
        target_loss=0.1,
    )
    print(race)

    print("\nEpochs to converge, seed by seed:")
    for name in ("mini-batch", "momentum", "nag"):
        print(f"{name:10s}", *(f"{run.epochs:4g}" for run in race.runs if run.optimizer == name))


if __name__ == "__main__":
    main()
