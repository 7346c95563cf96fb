"""Compare how many epochs each optimizer needs to converge, over seeds and learning rates.

Every optimizer is trained at the same learning rates. Four tuning seeds set the target and choose
the best rate of each optimizer; ten other seeds evaluate it. A seed gives all optimizers the same
split, initial weights and order of rows, so that runs are paired. The verdict on each pair compares
them at their own best rates; ``result.details()`` also compares them at the same rate.
"""

from minidl.comparison import compare


def main() -> None:
    result = compare(
        "circles",
        optimizers=["gd", "momentum", "nag"],
        lr=[2.0**k for k in range(-4, 1)],
        momentum=0.9,
        epochs=25,
        seeds=10,
        tuning_seeds=4,
        target="gap:0.1",
    )
    print(result)

    print("\nEpochs to converge, seed by seed:")
    for contestant in result.plan.contestants:
        runs = result.evaluation_runs(contestant, result.chosen[contestant.name].setting)
        times = result.target.times(runs, sustained=3)
        print(f"{contestant.name:10s}", *(f"{t:4g}" for t in times))


if __name__ == "__main__":
    main()
