"""Test seven claims that tutorials make about Nesterov's accelerated gradient (NAG).

``claims.py`` says what the verdicts mean. Example 10 tests five claims about its limits.
"""

import numpy as np
from claims import Claim, M, Rules, bowls, run, settled, show, tuned, verdict

from minidl import datasets, nn, optim, train_replicas
from minidl.errors import ArgumentError


def overshoot(points: np.ndarray) -> np.ndarray:
    """Return how far each column went beyond the minimum."""
    return np.maximum(0.0, -points.min(axis=0))


def on_circles(optimizer: optim.Optimizer) -> float:
    """Return the median epoch, of 5 seeds, at which a network reaches a loss of 0.1."""
    data = datasets.load("circles", seed=0)
    replicas = train_replicas(
        lambda seed: nn.mlp(2, 16, 16, 1, activation="tanh", seed=seed),
        optimizer,
        data.X_train,
        data.y_train,
        loss="binary_cross_entropy",
        batch_size="full",
        seeds=range(5),
        epochs=100,
    )
    epochs = [replica.history.epochs_to(0.1, sustained=3) for replica in replicas]
    return float(np.median([np.inf if epoch is None else epoch for epoch in epochs]))


def always_better(rules: Rules) -> Claim:
    makes = (rules.momentum, rules.nag)
    flat = [settled(bowls(make(1.0, M), [0.0027]))[0] for make in makes]
    circles = [on_circles(make(1.0, M)) for make in makes]
    best = tuned(rules)
    held = flat[1] <= flat[0] and circles[1] <= circles[0] and best["nag"] <= best["momentum"]
    return Claim(
        "NAG is always better than momentum.",
        verdict(held),
        f"Momentum needs {best['momentum']:.0f} steps and NAG {best['nag']:.0f} to come within 1e-6"
        " of the minimum of a bowl that is 100 times as steep in one direction as in another, each"
        f" with its best lr and m. In a flat bowl, x = 0.0027, they need {flat[0]:.0f} and"
        f" {flat[1]:.0f} steps to 1e-3; a network on circles, full batch at lr 1, needs"
        f" {circles[0]:.0f} and {circles[1]:.0f} epochs (median of 5 seeds).",
        "Lessard, Recht and Packard 2016, Proposition 1: with kappa = 100 here, and s = its root,"
        " the rates are 1 - 2/(s + 1) and 1 - 2/sqrt(3 kappa + 1)",
        {"tuned": best, "flat": flat, "circles": circles},
    )


def around(x: np.ndarray, held: np.ndarray, place: int) -> tuple[float, float]:
    """Return the first and the last x around a place between which a claim held everywhere."""
    below, above = np.flatnonzero(~held[:place]), np.flatnonzero(~held[place:])
    first = below[-1] + 1 if below.size else 0
    last = place + above[0] - 1 if above.size else len(x) - 1
    return float(x[first]), float(x[last])


def fewer_epochs(rules: Rules) -> Claim:
    x = np.r_[10:200, 200:13300:10, 13300:13560] / 10_000  # NAG is stable for all of them
    middle = int(np.searchsorted(x, 0.5))
    runs = [bowls(make(1.0, M), x) for make in (rules.momentum, rules.nag)]
    steps = {size: [settled(points, size) for points in runs] for size in (1e-3, 1e-6)}
    fewer = {size: nag < momentum for size, (momentum, nag) in steps.items()}
    low, high = around(x, fewer[1e-3], middle)
    finer = around(x, fewer[1e-6], middle)
    best = tuned(rules)
    return Claim(
        "NAG needs fewer epochs.",
        verdict(
            fewer[1e-3][middle],
            fewer[1e-3].all() and best["nag"] < best["momentum"],
            f"both have the same lr and m = {M}, and {low:.4f} <= x <= {high:.4f} (steps to 1e-3)",
        ),
        f"At x = 0.5 momentum takes {steps[1e-3][0][middle]:.0f} steps (epochs, if the batch is"
        f" full) until |w| stays below 1e-3, and NAG {steps[1e-3][1][middle]:.0f}. Of {len(x)} x"
        f" from {x[0]} to {x[-1]}, NAG took fewer at all from {low:.4f}, the first that held, to"
        f" {high:.4f}, the last. Both ends depend on the tolerance 1e-3: to 1e-6 they are"
        f" {finer[0]:.4f} and {finer[1]:.4f}. With the best lr and m for each, momentum needs"
        f" {best['momentum']:.0f} steps and NAG {best['nag']:.0f} (claim 1).",
        "the errors fall as sqrt(m)^k and, for x < 1, sqrt(m (1 - x))^k while the roots are complex"
        " (Polyak 1964; O'Donoghue and Candes 2015)",
        {"x": x, "steps": steps, "low": low, "high": high, "finer": finer, "tuned": best},
    )


def jump_and_correct(slope: optim.Gradient, lr: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the w from 3.0 on and the ends of the jumps, with both steps written one by one."""
    points, ends, v = [np.array([3.0])], [], np.zeros(1)
    for _ in range(steps):
        w = points[-1]
        ends.append(w - M * v)  # the jump
        points.append(ends[-1] - lr * slope(ends[-1]))  # the correction
        v = w - points[-1]
    return np.array(points), np.array(ends)


def two_steps(rules: Rules) -> Claim:
    asked = []

    def slope(w: np.ndarray) -> np.ndarray:
        asked.append(w.copy())
        return w + 2 * np.sin(3 * w)

    nag = run(rules.nag(0.1, M), slope, [3.0], 100)
    places, count = np.array(asked[:100]), len(asked) / 100
    momentum = run(rules.momentum(0.1, M), slope, [3.0], 100)
    points, ends = jump_and_correct(slope, 0.1, 100)
    apart = [float(np.abs(a - points).max()) for a in (nag, momentum)]
    place = float(np.abs(places - ends).max())
    return Claim(
        "NAG works in two steps: first a jump along the accumulated gradients, then a correction by"
        " the gradient at the end of the jump.",
        verdict(max(apart[0], place) < 1e-12 and count == 1),
        "Written as two equations, w1 = w - m v and w2 = w1 - lr f'(w1), with v = w - w2 for the"
        " next time. In 100 updates on f = w^2/2 - 2/3 cos(3 w), from w = 3 with lr = 0.1, w2"
        f" differs from NAG's w by at most {apart[0]:.0e}, and w1 from the points at which NAG"
        f" takes the gradient by {place:.0e}. Momentum, which takes it before the jump, differs by"
        f" {apart[1]:.1f}. NAG takes {count:g} gradient for both steps together, as momentum does.",
        "Sutskever et al. 2013, eq. 3-4; in such words Ruder 2016, arXiv 1609.04747, section 4.2",
        {"apart": apart, "place": place, "count": count},
    )


def without_momentum(rules: Rules) -> Claim:
    x = np.array([0.01, 0.5])
    with_m, zero, descent = (
        bowls(optimizer, x)
        for optimizer in (rules.nag(1.0, M), rules.nag(1.0, 0.0), rules.descent(1.0))
    )
    steps, apart = [settled(with_m), settled(zero)], float(np.abs(zero - descent).max())
    try:
        message = f"makes {optim.SGD(0.1, momentum=0.0, nesterov=True)}"
    except ArgumentError as error:
        message = f'says "{error}"'
    return Claim(
        "SGD(momentum=0.0, nesterov=True), as tutorials for Keras write, is NAG.",
        verdict(apart > 0),
        f"With m = 0 there is no jump: NAG's w differs from that of gradient descent by {apart:g}."
        f" At x = 0.01 it takes {steps[1][0]:.0f} steps to 1e-3; with m = {M}, {steps[0][0]:.0f}."
        " Keras, optax and scikit-learn accept m = 0 and train by gradient descent; PyTorch raises"
        f" a ValueError, and minidl {message}",
        "the update rules in Keras's documentation of SGD; torch.optim.SGD, \"Nesterov momentum"
        ' requires a momentum and zero dampening"',
        {"apart": apart, "steps": steps, "message": message},
    )


def does_not_cross(rules: Rules) -> Claim:
    threshold = ((1 - M) / (1 + M)) ** 2
    x = (0.1, 0.5, 0.9, 1.01 * threshold, 0.99 * threshold)
    over = overshoot(bowls(rules.nag(1.0, M), x, 4000))
    crosses = ["crosses" if o > 0 else "does not cross" for o in over[3:]]
    return Claim(
        "NAG does not cross the minimum.",
        verdict(not over[:4].any()),
        f"It goes beyond the minimum by {over[0]:.3f} at x = 0.1, {over[1]:.3f} at x = 0.5 and"
        f" {over[2]:.3f} at x = 0.9. 1 % above the threshold x = {threshold:.5f} it {crosses[0]},"
        f" 1 % below it {crosses[1]}.",
        "it crosses iff x > ((1 - m)/(1 + m))^2 and x is not 1 (O'Donoghue and Candes 2015,"
        " arXiv 1204.3982)",
        {"overshoot": over, "threshold": threshold},
    )


def surely_crosses(rules: Rules) -> Claim:
    threshold = (1 - np.sqrt(M)) ** 2
    x = threshold * np.linspace(0.01, 0.99, 50), np.geomspace(1.01 * threshold, 3.7, 100)
    below, above = (overshoot(bowls(rules.momentum(1.0, M), part, 4000)) for part in x)
    return Claim(
        "Momentum surely crosses it.",
        verdict((above > 0).all(), (below > 0).all(), f"x > {threshold:.5f} (m = {M})"),
        f"It crossed at {(above > 0).sum()} of {len(above)} x above that, and at"
        f" {(below > 0).sum()} of {len(below)} below.",
        "the roots of z^2 - (1 + m - x) z + m are complex or negative iff x > (1 - sqrt(m))^2"
        " (Polyak 1964)",
        {"above": (above > 0).sum(), "below": (below > 0).sum(), "threshold": threshold},
    )


def overshoots_less(rules: Rules) -> Claim:
    less, more = {}, (0.0, 0.0, 0.0, 0.0)  # more: difference, m, x, NAG's overshoot
    for m in np.arange(1, 20) / 20:
        x = np.linspace(0, 2 * (1 + m) / (1 + 2 * m), 402)[1:-1]  # where NAG is stable
        a, b = (overshoot(bowls(make(1.0, m), x, 1000)) for make in (rules.momentum, rules.nag))
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
        f"Of {len(less)} momenta from 0.05 to 0.95, each at 400 x for which NAG is stable, it"
        f" overshot less for all x <= 1 at {sum(low for low, _ in less.values())}, and for all x at"
        f" {sum(always for _, always in less.values())}. Its worst case is m = {more[1]:.2f},"
        f" x = {more[2]:.2f}: momentum goes {more[3] - more[0]:.3f} beyond, NAG {more[3]:.3f}.",
        "on a quadratic NAG is momentum with m (1 - x) for m (Sutskever et al. 2013, Theorem 2.1),"
        " negative for x > 1",
        {"less": less, "small": small, "more": more},
    )


CLAIMS = [always_better, fewer_epochs, two_steps, without_momentum]
CLAIMS += [does_not_cross, surely_crosses, overshoots_less]

if __name__ == "__main__":
    show(CLAIMS)
