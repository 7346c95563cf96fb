"""How many epochs does each optimizer need? One seed and one learning rate cannot say.

Every optimizer is tried at the same learning rates. Four seeds settle what counts as converged,
and the best rate of each; ten others judge. The same seed means the same split, weights and
order of rows for all, so that runs are pairs. Two questions are asked: who is faster at one
learning rate, and who is faster if each has its own?
"""

from minidl.comparison import compare


def main() -> None:
    found = compare(
        "circles",
        optimizers=["gd", "momentum", "nag"],
        lr=[2.0**k for k in range(-5, 2)],
        momentum=0.9,
        epochs=40,
        seeds=10,
        tuning_seeds=4,
        target="gap:0.1",
    )
    print(found)

    print("\nEpochs to converge, seed by seed:")
    for contestant in found.plan.contestants:
        runs = found.judged(contestant, found.chosen[contestant.name].setting)
        times = found.target.times(runs, sustained=3)
        print(f"{contestant.name:10s}", *(f"{t:4g}" for t in times))


if __name__ == "__main__":
    main()
