"""Find the parameters that the gradients of the first epoch do not reach."""

import functools
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from types import MethodType, ModuleType, TracebackType
from typing import Any, Self

import numpy as np

from minidl.autograd import Array, Tensor
from minidl.autograd.node import Node, creation
from minidl.errors import GraphError
from minidl.nn import Layer, Parameter, ParameterVector
from minidl.text import listed
from minidl.training.lost import Batch, lost, parts_by_name
from minidl.training.measure import Objective, collect

HOLD = "Hold layers and parameters as attributes, or in lists, tuples or dicts that are attributes."
UNUSED = "Use them in forward, remove them, or freeze them: parameter.requires_grad = False."
DEAD = "ReLU units that are never active, and weights that are all 0, stop gradients."


class Reach:
    """Watch the gradients of an objective inside a ``with`` block.

    Afterwards, :meth:`check` raises an error for parameters that can never train, and returns what
    to warn of.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective, self.start = objective, next(creation)
        self.parameters = {p._order for p in objective.vector}
        self.nonzero: dict[int, Array] = {}  # of parameters reached: for which networks not 0
        self.strangers: dict[int, Node] = {}  # leaves that are not in the parameter vector
        self.batch: Batch | None = None
        self.gradients = 0  # after one, layers before a layer of zeros have not begun to train

    def __enter__(self) -> Self:
        vars(self.objective).update(batch_gradient=self._batch_gradient, collect=self._collect)
        return self

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        del vars(self.objective)["batch_gradient"], vars(self.objective)["collect"]

    def _batch_gradient(
        self, X: Array, t: Array, weights: Array | None, training: Any, point: Array
    ) -> Array:
        self.batch = X, t, training
        return Objective.batch_gradient(self.objective, X, t, weights, training, point)

    def _collect(self, loss: Tensor, vector: ParameterVector) -> None:
        """Write the gradient, and note which parameters it reaches."""
        networks = 1 if vector.value.ndim == 1 else len(vector.value)
        self.gradients += 1
        for order, (leaf, g) in collect(loss, vector).items():
            if order in self.parameters:
                earlier = self.nonzero.get(order)
                if earlier is None or not earlier.all():
                    new = g.reshape(networks, -1).any(axis=1)
                    self.nonzero[order] = new if earlier is None else earlier | new
            elif order < self.start or isinstance(leaf, Parameter):  # not made for a derivative
                self.strangers.setdefault(order if order < self.start else -1, leaf)

    @property
    def complete(self) -> bool:
        """Whether gradients that are not 0 have reached all parameters of all networks."""
        reached = self.parameters <= self.nonzero.keys()
        return reached and all(networks.all() for networks in self.nonzero.values())

    def check(self) -> list[str]:
        """Return a warning for each network, or ""; raise for parts that can never train."""
        objective, vector = self.objective, self.objective.vector
        check_complete(objective.model)
        networks = 1 if vector.value.ndim == 1 else len(vector.value)
        if self.batch is None:
            return [""] * networks
        outside = [s for k, s in self.strangers.items() if _refuse(objective.model, s, new=k < 0)]
        trained = [(n, vector[n]._order) for n in vector.names if vector[n].requires_grad]
        unused = [name for name, order in trained if order not in self.nonzero]
        if unused and (error := lost(objective.model, objective.loss, self._rows(), unused)):
            raise error
        warnings_of = []
        for k in range(networks):
            still = {n for n, o in trained if o in self.nonzero and not self.nonzero[o][k]}
            moving = {_owner(n) for n, _ in trained if n not in still}
            dead = [n for n, _ in trained if n in still and _owner(n) not in moving]
            words = [f"no gradient reaches {listed(unused)}. {UNUSED}"] if unused else []
            if (
                dead
                and self.gradients > 1
                and np.all(np.isfinite(vector.value))
                and np.any(objective.value)
            ):
                words.append(f"the gradient of {listed(dead)} was 0 in the first epoch. {DEAD}")
            for leaf in outside:
                leaf_text = f"a {type(leaf).__name__} of shape {leaf.shape}"
                words.append(f"{leaf_text} is not part of the model and does not train. {HOLD}")
            warnings_of.append(" ".join(words))
        return warnings_of

    def _rows(self) -> Batch:
        """Return the last batch, in the model's dtype."""
        assert self.batch is not None
        X, t, training = self.batch
        return X.astype(self.objective.vector.value.dtype), t, training


def summary(warnings_of: Sequence[str]) -> str:
    """Return the warnings of several networks as one text; "" if there are none."""
    counts = Counter(problem for problem in warnings_of if problem)
    words = [
        f"in {n} of {len(warnings_of)} networks, {problem}" for problem, n in counts.most_common(3)
    ]
    return " ".join(words)


def check_complete(model: Layer) -> None:
    """Raise if parameters were added after the model's parameters became one vector."""
    names = [name for name, _ in model.named_parameters() if name not in model.parameters.names]
    if names:
        problem = f"{listed(names)} would never train: added after the model's parameters became"
        hint = "Build the whole model before model.parameters or a Trainer is used."
        raise GraphError(f"{problem} one vector", hint=hint)


def _owner(name: str) -> str:
    """Return the name of the layer that holds a parameter."""
    return name.rpartition(".")[0]


def _refuse(model: Layer, leaf: Node, *, new: bool) -> bool:
    """Raise if a leaf that is not in the parameter vector is the model's; return whether to warn.

    A `new` one is a parameter that was made during training.
    """
    for name, part in reversed(list(parts_by_name(model))):  # the inner layers first
        for attribute in vars(part):
            if attribute != "_vector" and any(
                leaf is item for item in _inside(vars(part)[attribute])
            ):
                place = f"{name}.{attribute}" if name else attribute
                if isinstance(leaf, Parameter):
                    problem = (
                        f"{place} of {type(model).__name__} holds a parameter that is not found"
                    )
                    raise GraphError(f"{problem}, and would never train", hint=HOLD)
                problem = f"{place} of {type(model).__name__} is a Tensor with requires_grad=True,"
                hint = "Make it an nn.Parameter, or leave out requires_grad for a constant."
                raise GraphError(f"{problem} which would never train", hint=hint)
    if isinstance(leaf, Parameter) and leaf._packed:
        return False  # it is trained with another model
    if new:
        problem = f"each forward makes a new parameter of shape {leaf.shape}, which would never"
        raise GraphError(f"{problem} train", hint="Make parameters and layers in __init__.")
    return True


def _inside(value: object) -> Iterator[object]:
    """Yield a value and all that it contains or has as attributes."""
    waiting, visited = [value], set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in visited or isinstance(item, (type, ModuleType)):
            continue
        visited.add(id(item))
        yield item
        if isinstance(item, (list, tuple, set, frozenset, deque)):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, np.ndarray):
            waiting += item.ravel().tolist() if item.dtype.hasobject else []
        elif not isinstance(item, Node):
            waiting += vars(item).values() if hasattr(item, "__dict__") else []
            waiting += [cell.cell_contents for cell in getattr(item, "__closure__", None) or ()]
            waiting += [item.__self__] if isinstance(item, MethodType) else []
            waiting += [item.func, item.args] if isinstance(item, functools.partial) else []
