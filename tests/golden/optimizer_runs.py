"""The runs of optimizers_adaptive.npz: which rule, with which hyperparameters, in which library.

`write_optimizers.py` runs them in PyTorch, Keras and optax, and ``test_optim_adaptive_golden.py``
in minidl. Epsilon is 1e-2 in most, so that one in the wrong place shows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Settings = dict[str, Any]


class Run(NamedTuple):
    """A rule of minidl's table, its hyperparameters there, and whether the rate is halved."""

    library: str
    rule: str
    case: str
    problem: str
    settings: Settings

    @property
    def name(self) -> str:
        """The name of the run in the file."""
        return " ".join(self[:4])


_COARSE = {"beta1": 0.7, "beta2": 0.95, "epsilon": 1e-2}
_ADAM: dict[str, Settings] = {
    "plain": {"lr": 0.01},
    "coarse": {"lr": 0.02, **_COARSE},
    "scheduled": {"lr": 0.05, **_COARSE},
    "without momentum": {"lr": 0.02, "beta1": 0.0, "beta2": 0.9, "epsilon": 1e-2},
}
_DECAYED = {case: {**how, "weight_decay": 0.2} for case, how in _ADAM.items()}
_NADAM = {case: {**how, "momentum_decay": 0.02} for case, how in _ADAM.items()}
_NADAM["plain"] = {"lr": 0.01}
_RMSPROP: dict[str, Settings] = {
    "plain": {"lr": 0.001},
    "coarse": {"lr": 0.01, "rho": 0.9, "epsilon": 1e-2},
    "momentum": {"lr": 0.002, "rho": 0.9, "epsilon": 1e-2, "momentum": 0.8},
    "scheduled": {"lr": 0.02, "rho": 0.9, "epsilon": 1e-2},
    "scheduled momentum": {"lr": 0.005, "rho": 0.9, "epsilon": 1e-2, "momentum": 0.8},
}
_CENTERED = {case: how for case, how in _RMSPROP.items() if case != "plain"}
_SUMS: dict[str, Settings] = {
    "plain": {"lr": 0.1},
    "coarse": {"lr": 0.1, "epsilon": 1e-2},
    "scheduled": {"lr": 0.3, "epsilon": 1e-2},
}
_DELTAS: dict[str, Settings] = {
    "plain": {"lr": 1.0},
    "coarse": {"lr": 0.5, "rho": 0.8, "epsilon": 1e-2},
    "scheduled": {"lr": 2.0, "rho": 0.95, "epsilon": 1e-3},
}
_LION: dict[str, Settings] = {
    "plain": {"lr": 0.01},
    "coarse": {"lr": 0.01, "beta1": 0.5, "beta2": 0.9, "weight_decay": 0.5},
    "scheduled": {"lr": 0.02, "weight_decay": 0.1},
}
_RPROP: dict[str, Settings] = {
    "plain": {"lr": 0.01},
    "coarse": {"lr": 0.02, "shrink": 0.3, "grow": 1.1, "smallest": 1e-3, "largest": 0.05},
}
CASES: dict[str, dict[str, Settings]] = {
    "adam": _ADAM, "adamw": _DECAYED, "nadam": _NADAM, "radam": _ADAM, "amsgrad": _ADAM,
    "adamax": _ADAM, "rmsprop": _RMSPROP, "rmsprop-centered": _CENTERED, "adagrad": _SUMS,
    "adadelta": _DELTAS, "lion": _LION, "rprop": _RPROP,
}  # fmt: skip
MISSING = {("torch", "lion"), ("keras", "radam"), ("keras", "rprop")}
NOWHERE: set[str] = set()  # rules that no library has
LIBRARIES = ("torch", "keras", "optax")


def _runs() -> list[Run]:
    """Return the runs: all cases on the quadratic, and one of each rule on the network."""
    runs = []
    for rule, cases in CASES.items():
        for library in LIBRARIES:
            if (library, rule) in MISSING:
                continue
            # Full-batch gradients become constant: Graves's variance is then a rounding error.
            problem = "network" if rule == "rmsprop-centered" else "quadratic"
            for case, settings in cases.items():
                if case == "plain" and rule != "lion" and library != "torch":
                    continue  # every default but PyTorch's is another
                runs.append(Run(library, rule, case.replace(" ", "-"), problem, settings))
            if problem == "quadratic":
                runs.append(Run(library, rule, "coarse", "network", cases["coarse"]))
    return runs


RUNS = _runs()


def is_scheduled(case: str) -> bool:
    """Return whether the learning rate of a case falls."""
    return case.startswith("scheduled")
