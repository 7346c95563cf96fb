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
UNUSED = {"momentum": 1, "weight_decay": 99}  # its absence shows in rules of so many at most
WITHIN = 1e-4  # relative difference of equal numbers


def given(name: str, declared: Mapping[str, float]) -> float | None:
    """Return the value that an optimizer declares for a hyperparameter of minidl.

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
    stated = {name: given(name, declared) for name in h if name != "lr"}
    pairs = {name: (value, h[name]) for name, value in stated.items() if value is not None}
    if rate is not None:
        if "smallest" in h:  # Rprop's first step is no smaller, and no larger than `largest`
            rate = min(max(rate, h["smallest"]), h["largest"])
        pairs = {"lr": (rate, h["lr"]), **pairs}
    differing = {name: pair for name, pair in pairs.items() if not _equal(*pair)}
    aliases = [_alias(name, declared) for name in h]  # decay may be rho, or that of the weights
    for name, limit in UNUSED.items():
        value = given(name, declared)
        if value and name not in h and len(h) <= limit and _alias(name, declared) not in aliases:
            yield f"{name} is {value:g}, but has no effect"
    (stated1, acts1), (stated2, acts2) = (pairs.get(name, (0, 1)) for name in ("beta1", "beta2"))
    if "beta1" in differing and _equal(stated1, acts2) and _equal(stated2, acts1):
        yield "beta1 and beta2 are exchanged"
        differing = {name: pair for name, pair in differing.items() if "beta" not in name}
    for name, (stated_value, acts) in differing.items():
        product = "beta" in name and _equal(acts, stated1 * stated2) and ", beta1 * beta2"
        remark = product or _times(stated_value, acts)
        yield f"{name} is {stated_value:g}, but acts as {acts:.6g}{remark}"


def _equal(a: float, b: float) -> bool:
    return abs(a - b) <= WITHIN * min(abs(a), abs(1 - a) or 1, 1) + 1e-300


def _times(stated: float, acts: float) -> str:
    """Return a simple relation between two numbers."""
    if stated <= 0 or acts <= 0:
        return ""
    simple = {0.5: "half of it", 2: "twice as much", 0.1: "a tenth of it", 10: "ten times as much"}
    for factor, words in simple.items():
        if _equal(acts, factor * stated):
            return f", {words}"
    if _equal(acts, stated**2):
        return ", its square: it is applied twice"
    return ", its root" if _equal(acts, stated**0.5) else ""
