"""Test ten claims about Nesterov's accelerated gradient (NAG) by experiments.

The verdict is FALSE if an experiment finds a counterexample, TRUE WHEN if it finds none under a
condition, and TRUE if it finds none at all. On a quadratic of curvature h the iterates depend on
x = lr h and on the momentum m only.
"""

import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minidl import datasets, nn, optim, train_replicas

M = 0.9
Make = Callable[..., optim.Optimizer]


class Rules(NamedTuple):
    """The optimizers under test."""

    descent: Make = optim.GradientDescent
    momentum: Make = optim.Momentum
    nag: Make = optim.NAG
    reformulated: Make = optim.ReformulatedNAG


class Claim(NamedTuple):
    """A claim with its verdict, the evidence and the source."""

    sentence: str
    verdict: str
    evidence: str
    source: str
    numbers: dict[str, Any]


def verdict(held: Any, elsewhere: Any = True, when: str = "") -> str:
    """Return the verdict on a claim that `held` under a condition, and `elsewhere`."""
    if not held:
        return "FALSE"
    return "TRUE" if elsewhere else f"TRUE WHEN {when}"


def run(optimizer: optim.Optimizer, slope: optim.Gradient, start: Any, steps: int) -> np.ndarray:
    """Return the iterates, beginning with the start."""
    w = np.array(start, dtype=float)
    iterates = [w.copy()]
    with np.errstate(over="ignore", invalid="ignore"):  # some runs diverge
        for _ in range(steps):
            optimizer.step(w, slope)
            iterates.append(optimizer.iterate(w).copy())
    return np.array(iterates)


def quadratics(optimizer: optim.Optimizer, x: Any, steps: int = 2000) -> np.ndarray:
    """Return the iterates from w = 1 on quadratics of curvatures x, at learning rate 1."""
    x = np.array(x)
    return run(optimizer, lambda w: x * w, np.ones_like(x), steps)


def settled(points: np.ndarray, size: float = 1e-3) -> np.ndarray:
    """Return the step from which each column stays below `size`, or infinity."""
    outside = ~(np.abs(points) < size)
    last = len(points) - 1 - outside[::-1].argmax(axis=0)
    return np.where(outside[-1], np.inf, last + 1.0)


def overshoot(points: np.ndarray) -> np.ndarray:
    """Return how far each column went beyond the minimum."""
    return np.maximum(0.0, -points.min(axis=0))


def tuned(rules: Rules) -> dict[str, float]:
    """Return the steps to 1e-6 at condition number 100, each at its best lr and m."""
    h, q, s = np.array([1.0, 10.0, 100.0]), np.sqrt(301), np.sqrt(100)
    optimizers = {
        "momentum": rules.momentum(4 / (1 + s) ** 2, ((s - 1) / (s + 1)) ** 2),
        "nag": rules.nag(4 / 301, (q - 2) / (q + 2)),
    }
    runs = {name: run(o, lambda w: h * w, np.ones(3), 1000) for name, o in optimizers.items()}
    return {name: settled(points, 1e-6).max() for name, points in runs.items()}


def always_better(rules: Rules) -> Claim:
    flat = [settled(quadratics(make(1.0, M), [0.0027]))[0] for make in (rules.momentum, rules.nag)]
    data = datasets.load("circles", seed=0)
    circles = []
    for make in (rules.momentum, rules.nag):
        replicas = train_replicas(
            lambda seed: nn.mlp(2, 16, 16, 1, activation="tanh", seed=seed),
            make(1.0, M),
            data.X_train,
            data.y_train,
            loss="binary_cross_entropy",
            batch_size="full",
            seeds=range(5),
            epochs=100,
        )
        epochs = [replica.history.epochs_to(0.1, sustained=3) for replica in replicas]
        circles.append(np.median([np.inf if epoch is None else epoch for epoch in epochs]))
    best = tuned(rules)
    held = flat[1] <= flat[0] and circles[1] <= circles[0] and best["nag"] <= best["momentum"]
    return Claim(
        "NAG is always better than momentum.",
        verdict(held),
        f"Both tuned for condition number 100, momentum needs {best['momentum']:.0f} steps to 1e-6"
        f" and NAG {best['nag']:.0f}. With equal lr and m = 0.9: at x = 0.0027 they need"
        f" {flat[0]:.0f} and {flat[1]:.0f} steps to 1e-3; on circles, full batch at lr 1,"
        f" {circles[0]:.0f} and {circles[1]:.0f} epochs (median of 5 seeds).",
        "Lessard, Recht and Packard 2016, Proposition 1: rates 1 - 2/(s + 1), s = sqrt(kappa),"
        " and 1 - 2/sqrt(3 kappa + 1)",
        {"tuned": best, "flat": flat, "circles": circles},
    )


def fewer_epochs(rules: Rules) -> Claim:
    x = np.append(np.geomspace(0.001, 1.35, 2000), 0.5)
    steps = [settled(quadratics(make(1.0, M), x)) for make in (rules.momentum, rules.nag)]
    fewer = steps[1] < steps[0]
    low = x[~fewer & (x < 0.5)].max(initial=0.0)
    high = x[~fewer & (x > 0.5)].min(initial=np.inf)
    best = tuned(rules)
    return Claim(
        "NAG needs fewer epochs.",
        verdict(
            fewer[-1],
            fewer.all() and best["nag"] < best["momentum"],
            f"both have the same lr and m, and {low:.4f} < x < {high:.3f} (m = 0.9)",
        ),
        f"With equal lr and m at x = 0.5: momentum {steps[0][-1]:.0f} steps to"
        f" 1e-3, NAG {steps[1][-1]:.0f}. NAG needed fewer at {fewer.sum()} of {len(x)} x from 0.001"
        f" to 1.35. Both tuned for condition number 100: {best['momentum']:.0f} and"
        f" {best['nag']:.0f}.",
        "the errors fall as sqrt(m)^k and sqrt(m (1 - x))^k while the roots are complex (Polyak"
        " 1964; O'Donoghue and Candes 2015)",
        {"x": x, "steps": steps, "low": low, "high": high, "tuned": best},
    )


def does_not_cross(rules: Rules) -> Claim:
    threshold = ((1 - M) / (1 + M)) ** 2
    x = (0.1, 0.5, 0.9, 1.01 * threshold, 0.99 * threshold)
    over = overshoot(quadratics(rules.nag(1.0, M), x, 4000))
    return Claim(
        "NAG does not cross the minimum.",
        verdict(not over[:4].any()),
        "Overshoot from w = 1, m = 0.9: "
        + ", ".join(f"{o:.3f} at x = {at}" for at, o in zip(x[:3], over, strict=False))
        + f". 1 % above the threshold {threshold:.5f} it crosses: {bool(over[3])};"
        f" 1 % below: {bool(over[4])}.",
        "it crosses iff x > ((1 - m)/(1 + m))^2 and x is not 1 (O'Donoghue and Candes 2015,"
        " arXiv 1204.3982)",
        {"overshoot": over, "threshold": threshold},
    )


def surely_crosses(rules: Rules) -> Claim:
    threshold = (1 - np.sqrt(M)) ** 2
    x = threshold * np.linspace(0.01, 0.99, 50), np.geomspace(1.01 * threshold, 3.7, 100)
    below, above = (overshoot(quadratics(rules.momentum(1.0, M), part, 4000)) for part in x)
    return Claim(
        "Momentum surely crosses it.",
        verdict((above > 0).all(), (below > 0).all(), f"x > {threshold:.5f} (m = 0.9)"),
        f"It crossed at {(above > 0).sum()} of {len(above)} curvatures above that, and at"
        f" {(below > 0).sum()} of {len(below)} below.",
        "the roots of z^2 - (1 + m - x) z + m are complex or negative iff x > (1 - sqrt(m))^2"
        " (Polyak 1964)",
        {"above": (above > 0).sum(), "below": (below > 0).sum(), "threshold": threshold},
    )


def overshoots_less(rules: Rules) -> Claim:
    less, more = {}, (0.0, 0.0, 0.0, 0.0)  # more: difference, m, x, NAG's overshoot
    for m in np.arange(1, 20) / 20:
        x = np.linspace(0, 2 * (1 + m) / (1 + 2 * m), 402)[1:-1]  # where NAG is stable
        a, b = (
            overshoot(quadratics(make(1.0, m), x, 1000)) for make in (rules.momentum, rules.nag)
        )
        fine = (b < a) | ((a == 0) & (b == 0))
        less[float(m)] = bool(fine[x <= 1].all()), bool(fine.all())
        worst = np.argmax(b - a)
        more = max(more, (float((b - a)[worst]), float(m), float(x[worst]), float(b[worst])))
    small = max((m for m, (_, always) in less.items() if not always), default=0.0)
    return Claim(
        "NAG overshoots less.",
        verdict(
            all(up_to_one for up_to_one, _ in less.values()),
            small == 0,
            f"x <= 1, or m >= {small + 0.05:.2f}",
        ),
        f"At {len(less)} momenta and 400 x where NAG is stable: it overshot less for all x <= 1 at"
        f" {sum(low for low, _ in less.values())} momenta, and for all x at"
        f" {sum(always for _, always in less.values())}. Its worst case: m = {more[1]:.2f},"
        f" x = {more[2]:.2f}, momentum {more[3] - more[0]:.3f}, NAG {more[3]:.3f}.",
        "on a quadratic NAG is momentum with m (1 - x) for m (Sutskever et al. 2013, Theorem 2.1),"
        " negative for x > 1",
        {"less": less, "small": small, "more": more},
    )


def as_stable(rules: Rules) -> Claim:
    limit = 2 * (1 + M) / (1 + 2 * M)
    x = limit * np.array([0.99, 1.01])
    ends = [np.abs(quadratics(make(1.0, M), x, 400)[-1]) for make in (rules.momentum, rules.nag)]
    return Claim(
        "NAG is stable at any learning rate at which momentum is.",
        verdict((ends[1] < 1)[ends[0] < 1].all()),
        f"m = 0.9, |w| after 400 steps from 1: at x = {x[0]:.3f} momentum {ends[0][0]:.0e}, NAG"
        f" {ends[1][0]:.0e}; at x = {x[1]:.3f} momentum {ends[0][1]:.0e}, NAG {ends[1][1]:.0e}.",
        f"NAG is stable for x < 2 (1 + m)/(1 + 2 m) = {limit:.3f}, momentum for"
        f" x < 2 (1 + m) = {2 * (1 + M):.1f} (Cohen et al. 2021, arXiv 2103.00065)",
        {"ends": ends, "limit": limit},
    )


def pytorch(lr: Callable[[int], float], slope: optim.Gradient, start: float) -> np.ndarray:
    """Return the iterates of PyTorch's SGD(nesterov=True): b = m b + g; w -= lr (g + m b)."""
    w, b, iterates = np.array([start]), np.zeros(1), [np.array([start])]
    for k in range(100):
        g = slope(w)
        b = M * b + g
        w = w - lr(k) * (g + M * b)
        iterates.append(w + lr(k) * M * b)  # w is the look-ahead point
    return np.array(iterates)


def another_method(rules: Rules) -> Claim:
    def slope(w: np.ndarray) -> np.ndarray:
        return w + 2 * np.sin(3 * w)

    apart = {}
    for name, lr in {"constant": lambda k: 0.1, "falling": lambda k: 0.1 * 0.95**k}.items():
        nag = run(rules.nag(lr, M), slope, [3.0], 100)
        keras = run(rules.reformulated(lr, M), slope, [3.0], 100)
        apart[name] = np.abs(nag - keras).max(), np.abs(nag - pytorch(lr, slope, 3.0)).max()
    return Claim(
        "NAG looks ahead, so it is another method than the one in Keras and PyTorch.",
        verdict(max(apart["constant"]) > 1e-12),
        "100 steps on f = w^2/2 - 2/3 cos(3 w): the iterates differ from Keras's by at most"
        f" {apart['constant'][0]:.0e}, from PyTorch's by {apart['constant'][1]:.0e}. With a"
        f" learning rate that falls: {apart['falling'][0]:.0e} and {apart['falling'][1]:.0e};"
        " PyTorch's lr is outside the velocity.",
        "Bengio, Boulanger-Lewandowski and Pascanu 2012, arXiv 1212.0901, eq. 7: they store"
        " w - m v",
        {"apart": apart},
    )


def ten_times_faster(rules: Rules) -> Claim:
    makes = {"descent": rules.descent(1.0), "momentum": rules.momentum(1.0, M)}
    last = [np.diff(run(o, np.ones_like, [0.0], 300)[:, 0])[-1] for o in makes.values()]
    steady = last[1] / last[0]
    x = (0.0027, 0.5)
    steps = [settled(quadratics(o, x, 4000)) for o in (rules.descent(1.0), rules.momentum(1.0, M))]
    ratio = steps[0] / steps[1]
    return Claim(
        "Momentum 0.9 makes learning 10 times faster.",
        verdict(
            abs(steady - 10) < 0.1,
            (abs(ratio - 10) < 1).all(),
            "the gradient has been constant for many steps",
        ),
        f"Under a constant gradient the steps become {steady:.2f} times those of gradient descent."
        f" On a quadratic, to 1e-3, the two need {steps[0][0]:.0f} and {steps[1][0]:.0f} steps at"
        f" x = 0.0027, {steps[0][1]:.0f} and {steps[1][1]:.0f} at x = 0.5.",
        "the velocity sums lr g m^k to lr g/(1 - m) (Polyak 1964)",
        {"steady": steady, "steps": steps},
    )


def lessard_slope(x: np.ndarray) -> np.ndarray:
    """Return f' of a convex function with curvatures 25 and 1, and its minimum at 0."""
    return np.where(x < 1, 25 * x, np.where(x < 2, x + 24, 25 * x - 24))


def both_converge(rules: Rules) -> Claim:
    heavy = run(rules.momentum(1 / 9, 4 / 9), lessard_slope, [3.3], 3000)[-3:, 0]
    nag = run(rules.nag(1 / 25, 2 / 3), lessard_slope, [3.3], 3000)[-3:, 0]
    return Claim(
        "NAG converges whenever f is convex, and so does tuned heavy ball.",
        verdict(np.abs([heavy, nag]).max() < 1e-6),
        "A convex function of one variable, f'' = 25, 1 and 25. After 3000 steps from 3.3 NAG"
        f" is at {nag[-1]:.0e}; heavy ball, tuned for curvatures 1 to 25, goes through "
        + ", ".join(f"{point:.4f}" for point in heavy)
        + ".",
        "Lessard, Recht and Packard 2016, eq. 4.11; that NAG converges at lr 1/L is Nesterov's"
        " theorem (2004, section 2.2)",
        {"heavy": heavy, "nag": nag},
    )


def worst_case(optimizer: optim.Optimizer, k: int) -> float:
    """Return f - f* after k steps on Nesterov's worst function, over its lower bound."""
    n = 2 * k + 1
    best = 1 - np.arange(1, n + 1) / (n + 1)

    def slope(w: np.ndarray) -> np.ndarray:
        away = np.pad(w - best, 1)
        return (2 * away[1:-1] - away[:-2] - away[2:]) / 4

    end = run(optimizer, slope, np.zeros(n), k)[-1]
    return float((end - best) @ slope(end) / 2 / (3 * (best @ best) / (32 * (k + 1) ** 2)))


def is_optimal(rules: Rules) -> Claim:
    ks = (10, 100, 1000)
    nag = [worst_case(rules.nag(1.0, optim.NesterovMomentum()), k) for k in ks]
    descent = [worst_case(rules.descent(1.0), k) for k in ks]
    best = tuned(rules)
    return Claim(
        "NAG is optimal.",
        verdict(
            max(nag) <= 64 / 3,
            best["nag"] <= best["momentum"],
            "optimal means the order in k, for all smooth convex functions",
        ),
        "f - f* on Nesterov's worst function over the lower bound 3 L D/(32 (k + 1)^2), at k ="
        " 10, 100, 1000: NAG "
        + ", ".join(f"{r:.1f}" for r in nag)
        + " (its bound allows 64/3); gradient descent "
        + ", ".join(f"{r:.1f}" for r in descent)
        + ". On quadratics of condition number 100, both tuned: heavy ball"
        f" {best['momentum']:.0f} steps to 1e-6, NAG {best['nag']:.0f}.",
        "Nesterov 1983, and 2004, Theorem 2.1.7; Beck and Teboulle 2009, Theorem 4.4:"
        " 2 L D/(k + 1)^2",
        {"nag": nag, "descent": descent, "tuned": best},
    )


CLAIMS = [always_better, fewer_epochs, does_not_cross, surely_crosses, overshoots_less]
CLAIMS += [as_stable, another_method, ten_times_faster, both_converge, is_optimal]


def main() -> None:
    for number, claim in enumerate(CLAIMS, 1):
        result = claim(Rules())
        print(f"{number}. {result.sentence}")
        for text in (result.verdict, result.evidence, f"Source: {result.source}."):
            print(textwrap.indent(textwrap.fill(text, 96), "    "))
        print()


if __name__ == "__main__":
    main()
