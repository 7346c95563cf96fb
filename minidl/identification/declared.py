"""Hyperparameters that an optimizer says it has, beside those by which it acts."""

from collections.abc import Iterator, Mapping

ALIASES = {
    "momentum": ("momentum", "mu", "gamma", "beta", "m"),
    "beta1": ("beta1", "beta_1", "b1"),
    "beta2": ("beta2", "beta_2", "b2"),
    "rho": ("rho", "alpha", "decay", "decay_rate", "beta", "gamma", "beta2"),
    "epsilon": ("epsilon", "eps", "delta"),
    "weight_decay": ("weight_decay", "wd", "decay", "weight_decay_rate"),
    "threshold": (
        "threshold",
        "clip",
        "clip_norm",
        "clip_value",
        "max_norm",
        "clipnorm",
        "clipvalue",
    ),
    "initial": ("initial", "initial_accumulator_value"),
    "dampening": ("dampening",),
    "momentum_decay": ("momentum_decay",),
    "lr_decay": ("lr_decay", "decay", "decay_rate"),
    "lr_factor": ("lr_factor", "decay", "decay_rate", "gamma"),
    "shrink": ("shrink", "eta_minus", "etaminus"),
    "grow": ("grow", "eta_plus", "etaplus"),
    "smallest": ("smallest", "min_step", "step_min"),
    "largest": ("largest", "max_step", "step_max"),
}
UNUSED = {"momentum": 1, "weight_decay": 99}  # whose absence shows, in rules so large
WITHIN = 1e-4  # relative difference of equal numbers


def given(name: str, declared: Mapping[str, float]) -> float | None:
    """Return what an optimizer declares for a hyperparameter of minidl.

    >>> given("beta1", {"beta_1": 0.8}), given("beta1", {"momentum": 0.9})
    (0.8, None)
    """
    alias = _alias(name, declared)
    return None if alias is None else declared[alias]


def _alias(name: str, declared: Mapping[str, float]) -> str | None:
    """Return the word by which a hyperparameter is declared."""
    return next((alias for alias in ALIASES.get(name, ()) if alias in declared), None)


def disagreements(
    h: Mapping[str, float], declared: Mapping[str, float], rate: float | None
) -> Iterator[str]:
    """Yield how hyperparameters act otherwise than they were given; `rate` is that of the runs."""
    own = {name: given(name, declared) for name in h if name != "lr"}
    pairs = {name: (value, h[name]) for name, value in own.items() if value is not None}
    if rate is not None:
        if "smallest" in h:  # Rprop's first step is no smaller, and no larger than `largest`
            rate = min(max(rate, h["smallest"]), h["largest"])
        pairs = {"lr": (rate, h["lr"]), **pairs}
    wrong = {name: pair for name, pair in pairs.items() if not _equal(*pair)}
    taken = [_alias(name, declared) for name in h]  # decay may be rho, or that of the weights
    for name, most in UNUSED.items():
        value = given(name, declared)
        if value and name not in h and len(h) <= most and _alias(name, declared) not in taken:
            yield f"{name} is {value:g}, but has no effect"
    (said1, acts1), (said2, acts2) = (pairs.get(name, (0, 1)) for name in ("beta1", "beta2"))
    if "beta1" in wrong and _equal(said1, acts2) and _equal(said2, acts1):
        yield "beta1 and beta2 are exchanged"
        wrong = {name: pair for name, pair in wrong.items() if "beta" not in name}
    for name, (said, acts) in wrong.items():
        both = "beta" in name and _equal(acts, said1 * said2) and ", beta1 * beta2"
        yield f"{name} is {said:g}, but acts as {acts:.6g}{both or _times(said, acts)}"


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= WITHIN * min(abs(one), abs(1 - one) or 1, 1) + 1e-300


def _times(said: float, acts: float) -> str:
    """Return a simple relation between two numbers."""
    if said <= 0 or acts <= 0:
        return ""
    simple = {0.5: "half of it", 2: "twice as much", 0.1: "a tenth of it", 10: "ten times as much"}
    for factor, words in simple.items():
        if _equal(acts, factor * said):
            return f", {words}"
    if _equal(acts, said**2):
        return ", its square: it is applied twice"
    return ", its root" if _equal(acts, said**0.5) else ""
