"""The form of a saved run: what its file must hold, checked before anything is changed."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import is_minidl
from minidl.optim import Optimizer
from minidl.optim.attributes import check_generator, unpack
from minidl.schema import (
    anything,
    fields,
    in_order,
    integer,
    listed,
    mapped,
    number,
    optional,
    such_that,
    text,
)
from minidl.sealed import parse
from minidl.streams import stream
from minidl.training.engine_choice import SAVED
from minidl.training.history import History
from minidl.training.history_files import COUNTS, check_counts
from minidl.training.model_file import Saved, below

OLDER: dict[str, Any] = {  # what older files do not say
    "cursor": 0, "running_total": 0.0, "callbacks": [], "unrecorded": None, "dropout": None,
    "started_with": {}, "settings": {}, "waiting": [[], []], "digest": None, "attributes": {},
    "loss": None, "schedule_epochs": None, "engine": None,
}  # fmt: skip
NOT_NEGATIVE = {  # state of optimizers
    "square_mean", "square_sum", "step_square_mean", "variance", "largest", "step_size", "weight",
    "restarted_at",
}  # fmt: skip
LOSSES = {"last_loss", "loss_before"}  # state that is infinite before the first loss
ANY = number(lambda value: True, "a number")
SETTING = such_that(lambda v: type(v) in (bool, int, float, str), "a number or a text")
NAMES = listed(in_order(text, integer()))
SEED = integer(0, 10**100)
WORDS: dict[str, Any] = {
    "optimizer": text, "step_count": integer(), "gradient_evaluations": integer(),
    "epoch": integer(), "samples": integer(), "cursor": integer(), "seed": SEED,
    "running_total": ANY, "seconds": number(lambda s: s >= 0, "a number >= 0"),
    "started_with": mapped(SETTING), "settings": mapped(SETTING), "digest": optional(SEED),
    "waiting": in_order(NAMES, NAMES), "callbacks": listed(in_order(text, anything)),
    "unrecorded": optional(listed(ANY)), "dropout": optional(mapped(anything)),
    "attributes": mapped(anything), "loss": optional(text),
    "schedule_epochs": optional(integer(1)),
}  # fmt: skip
ENDING = {"stopped_by": optional(text), "diverged_at": optional(integer()), "advice": text}
FIRST = fields({**WORDS, "history": mapped(anything)}, {"engine": optional(SAVED)})
SECOND = fields(
    {**WORDS, "ending": fields(ENDING), "columns": listed(text)}, {"engine": optional(SAVED)}
)


def words_of(saved: Saved) -> dict[str, Any]:
    """Return the checked words of a run; a ValueError says what does not fit."""
    said: dict[str, Any] = parse(str(saved.arrays["run/words"]), finite=False)
    if saved.version > 1:
        SECOND(said, "")
        _check_settings(said)
        return said
    mapped(anything)(said, "")
    words = OLDER | said
    words["callbacks"] = [list(pair) for pair in words["callbacks"]]
    FIRST(words, "")
    words["without packing"] = "settings" not in said
    return words


def _check_settings(words: Mapping[str, Any]) -> None:
    """Raise a ValueError if a setting was of another type at the start of the run."""
    for name, before in words["started_with"].items():
        after = words["settings"].get(name, before)
        if name != "batch_size" and _type(before) is not _type(after):
            raise ValueError(f"{name} is {before!r:.40} at the start, and then {after!r:.40}")


def _type(value: object) -> type:
    """Return the type of a setting; 1 is a number as 1.0 is."""
    return float if type(value) is int else type(value)


def wrong_state(optimizer: Optimizer, arrays: Mapping[str, Array]) -> str:
    """Return which state of minidl's own rules none can have, as a sentence; nothing if none."""
    if not all(map(is_minidl, optimizer.chain())):
        return ""
    for name, array in arrays.items():
        below_zero = name in NOT_NEGATIVE and (array < 0).any()
        if name not in LOSSES and (below_zero or not np.isfinite(array).all()):
            return f"the optimizer's {name} has values that it cannot have"
    return ""


def misfit_of_custom(optimizer: Optimizer, before: Optimizer | None, w: Array) -> str:
    """Return why a custom optimizer cannot use the state that it was given; nothing if it can.

    Only its own code knows what fits, so a copy takes a step, as a copy of the optimizer `before`
    does; what this one cannot do either proves nothing.
    """
    if all(map(is_minidl, optimizer.chain())) or before is None or not optimizer.step_count:
        return ""
    if _trial(before, w):
        return ""
    return _trial(optimizer, w)


def copied(optimizer: Optimizer) -> Optimizer | None:
    """Return a copy of an optimizer without state, or None if it cannot be copied."""
    try:
        fresh = copy.deepcopy(optimizer)
        fresh.reset()
    except Exception:
        return None
    return fresh


def _trial(optimizer: Optimizer, w: Array) -> str:
    """Return what goes wrong in a step of a copy, or which array gets another dtype; or nothing."""
    try:
        optimizer = copy.deepcopy(optimizer)
        rule, point = optimizer.chain()[-1], w.copy()
        before = _dtypes(rule)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.step(point, lambda at: np.full_like(at, 1e-3))
    except Exception as error:
        return f"{type(optimizer).__name__} cannot use its state: {error}"
    after = _dtypes(rule)
    other = [name for name in before if after.get(name, before[name]) != before[name]]
    return f"the {other[0]} of {type(optimizer).__name__} is {before[other[0]]}" if other else ""


def _dtypes(optimizer: Optimizer) -> dict[str, np.dtype[Any]]:
    return {n: v.dtype for n, v in optimizer.attributes().items() if isinstance(v, np.ndarray)}


def check_arrays(saved: Saved, words: Mapping[str, Any], single: Collection[str]) -> None:
    """Raise a ValueError unless all vectors have the shape and dtype of the weights.

    State that is named in `single` has one number.
    """
    arrays, value = saved.arrays, saved.value
    own = {n: a for n, a in below("state/", arrays).items() if not n.startswith("@")}
    own |= {n: arrays[n] for n in ("run/stored", "run/good", "run/gradient") if n in arrays}
    for name, array in own.items():
        shape = (1,) if name in single else value.shape
        if array.shape != shape or (array.dtype != value.dtype and name not in single):
            raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, unlike the weights")
    if not all(np.isfinite(own[n]).all() for n in ("run/stored", "run/good") if n in own):
        raise ValueError("its weights are not finite")
    good, buffers = below("good/", arrays), saved.buffers
    if "run/good" in arrays and not _alike(good, buffers):
        raise ValueError("the buffers of its last epoch are not those of the model")


def _alike(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Return whether arrays have the same names, shapes and dtypes."""
    forms = [{n: (a.shape, a.dtype) for n, a in arrays.items()} for arrays in (one, other)]
    return forms[0] == forms[1]


def history_of(saved: Saved, words: Mapping[str, Any]) -> History:
    """Return the history of a run, whose rows have ascending epochs."""
    if saved.version == 1:
        history = History.from_dict(words["history"])
    else:
        arrays = below("history/", saved.arrays)
        for name in words["columns"]:
            kinds = "i" if name in COUNTS else "if"
            if arrays[name].ndim != 1 or arrays[name].dtype.kind not in kinds:
                raise ValueError(f"the column {name} is no list of numbers")
        columns = {n: arrays[n].tolist() for n in words["columns"]}
        history = History.from_columns(columns)
        check_counts(columns)
        vars(history).update(words["ending"])
    if len(history):
        epochs = history["epoch"]
        if "train_loss" not in history or epochs[0] < 0 or np.any(np.diff(epochs) <= 0):
            raise ValueError("its history has other columns, or its epochs do not ascend")
        if epochs[-1] > words["epoch"]:
            raise ValueError(f"its history has epoch {epochs[-1]} of {words['epoch']}")
    elif words["epoch"]:
        raise ValueError(f"its history lacks {words['epoch']} epochs")
    return history


def states_of(saved: Saved, words: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the class and the state of each saved callback."""
    states = []
    for k, (name, packed) in enumerate(words["callbacks"]):
        if words.get("without packing"):
            state = packed | below(f"callback/{k}/", saved.arrays)
        else:
            state = unpack(packed, saved.arrays)
        mapped(anything)(state, f"the state of {name}")
        states.append((name, state))
    return states


def generator_of(words: Mapping[str, Any]) -> np.random.Generator | None:
    """Return the generator of dropout in an epoch that was interrupted."""
    if words["dropout"] is None:
        return None
    check_generator(words["dropout"])
    generator = stream(words["seed"], "dropout", words["epoch"] + 1)
    generator.bit_generator.state = words["dropout"]
    return generator
