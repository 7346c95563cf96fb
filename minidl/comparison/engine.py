"""The engine that makes a comparison: what its file says of it, and the words for it."""

from collections.abc import Mapping
from typing import Any

from minidl.training import Trainer
from minidl.training.engine_choice import TOO_FEW, instruction_set

NONE = {"engine": "eager", "instruction set": "none"}  # what a file does not say, also an older one


def made_by(engine: str) -> dict[str, str]:
    """Return the entries of an engine in a file: none for the eager one, as in older files."""
    instructions = instruction_set()
    if engine == "eager" or not instructions:
        return {}
    return {"engine": engine, "instruction set": instructions}


def engine_of(request: Mapping[str, Any]) -> str:
    """Return the engine with which runs of a comparison are trained, or trained again."""
    return request.get("engine", "eager") if instruction_set() else "eager"


def why_eager(engine: str, trainer: Trainer) -> str:
    """Return why steps of a run were not taken by the engine of its comparison, or ""."""
    account = trainer.compiled.account
    if engine == "eager" or (account.steps and not account.reason):
        return ""
    return account.reason or (TOO_FEW if trainer.warm > 1 else "")


def engine_text(comparison: Any) -> str:
    """Return which engine has trained the runs, and why not the compiled one."""
    request = comparison.request
    if "engine" not in request:
        return f"eager{comparison.why_eager and f', because {comparison.why_eager}'}"
    compiled = f"compiled ({request['instruction set']})"
    eager: dict[str, dict[str, None]] = {}  # optimizers by reason, in order
    for run in comparison.all_runs():
        if run.eager:
            eager.setdefault(run.eager, {})[run.optimizer] = None
    eager_names = {name for names in eager.values() for name in names}
    if eager_names and len(eager_names) == len(comparison.plan.contestants):
        return f"eager, because {next(iter(eager))}"
    reasons = (f"{', '.join(names)} eager, because {reason}" for reason, names in eager.items())
    return ", ".join([compiled, *reasons])
