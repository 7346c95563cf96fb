"""Modifiers: around any optimizer, they change its gradient or its step.

``ClipByNorm(NAG(lr=0.1), 1.0)`` is an optimizer, too. It shares state, counts and hyperparameters
with the one inside it, so ``optimizer.lr = 0.01``, schedules, one value per replica, checkpoints
and callbacks work as if there were no modifier. Modifiers can be nested: the gradient passes
through the outer one first.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import ChainMap
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from minidl.checks import refuse_class
from minidl.errors import ArgumentError, invalid
from minidl.optim.base import (
    Array,
    Gradient,
    Optimizer,
    Setting,
    settings_text,
)
from minidl.optim.checks import MISSING, check_vector, wrong_gradient
from minidl.optim.hyperparameters import not_negative, positive
from minidl.subclasses import without_formula

__all__ = ["ClipByNorm", "ClipByValue", "DecoupledWeightDecay", "Modifier"]

SHARED = ("state", "step_count", "gradient_evaluations", "_before")


def _shared(name: str) -> Any:
    """Return a property that is the attribute of the optimizer inside."""
    return property(
        lambda self: getattr(self.optimizer, name),
        lambda self, value: setattr(self.optimizer, name, value),
    )


class _Layers(ChainMap[str, Any]):
    """Hyperparameters of a modifier and of the optimizer inside, each written where it is."""

    def __setitem__(self, name: str, value: Any) -> None:
        of_modifier, inside = self.maps
        (inside if name in inside else of_modifier)[name] = value


def _layers() -> Any:
    """Return a property that shows the hyperparameters of a modifier and of what is inside."""
    return property(lambda self: _Layers(self.own_settings, self.optimizer.hyperparameters))


class Modifier(Optimizer):
    """The base of optimizers around another one; a custom one writes its formula in `update`.

    `optimizer` is the one inside. :meth:`update` calls ``self.optimizer.step(w, gradient)`` once.
    An ArgumentError is raised if `optimizer` is not an optimizer, or has a hyperparameter of the
    same name.

    >>> from minidl.optim import NAG
    >>> class Normalised(Modifier):
    ...     def update(self, w, grad):
    ...         def direction(point):
    ...             g = grad(point)
    ...             return g / np.linalg.norm(g, axis=-1, keepdims=True)
    ...         self.optimizer.step(w, direction)
    >>> w, optimizer = np.array([3.0, 4.0]), Normalised(NAG(lr=0.5))
    >>> optimizer.step(w, lambda point: point)
    >>> w, optimizer.momentum, optimizer
    (array([2.7, 3.6]), 0.9, Normalised(NAG(lr=0.5, momentum=0.9)))
    """

    optimizer: Optimizer
    own_settings: dict[str, Any]  # hyperparameters of the modifier
    own_names: tuple[str, ...] = ()  # state of one number per network: (1,), or (R, 1)
    starts: Mapping[str, float] = MappingProxyType({})  # its values before the first step, if not 0

    def __new__(cls, *args: object, **hyperparameters: object) -> Self:
        """Make a modifier without counts and state: those of the optimizer inside are shared."""
        if getattr(cls.update, "__isabstractmethod__", False):
            raise without_formula(cls)
        return object.__new__(cls)

    def __init__(self, optimizer: Optimizer, **hyperparameters: object) -> None:
        name = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            refuse_class("optimizer", optimizer, Optimizer)
            raise invalid("optimizer", optimizer, "an optimizer, such as optim.NAG(lr=0.1)")
        for twice in hyperparameters.keys() & optimizer.hyperparameters.keys():
            problem = f"{name} needs an optimizer without {twice}, which has one already"
            raise ArgumentError(problem, received=repr(optimizer), hint=f"Set its {twice}.")
        if type(self) in map(type, optimizer.chain()):
            raise ArgumentError(f"{name} is nested twice", received=repr(optimizer))
        vars(self)["optimizer"] = optimizer
        vars(self)["own_settings"] = {}
        vars(self)["columns_in_float64"] = optimizer.columns_in_float64
        vars(self)["state_names"] = (*optimizer.state_names, *self.own_names)
        super().__init__(**hyperparameters)

    state, step_count, gradient_evaluations, _before = map(_shared, SHARED)

    hyperparameters = _layers()  # of the optimizer inside and of the modifier, as one mapping

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the optimizer inside, such as ``lr``."""
        if name.startswith("__") or "optimizer" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.optimizer, name)

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, of the optimizer inside unless the modifier has it itself."""
        if hasattr(type(self), name) or name in vars(self) or name == "optimizer":
            object.__setattr__(self, name, value)
        else:
            setattr(self.optimizer, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.optimizer, name)

    def chain(self) -> list[Optimizer]:
        """Return the modifiers from outside in, and the rule."""
        return [self, *self.optimizer.chain()]

    def step(self, w: Array = MISSING, grad: Gradient = MISSING) -> None:
        """Take one step of the optimizer inside, modified."""
        check_vector(w, grad)
        if self.step_count == 0:
            self._check_first(w, grad)
        self.update(w, grad)

    @abstractmethod
    def update(self, w: Array, grad: Gradient) -> None:
        """Call ``self.optimizer.step(w, gradient)`` once: the formula."""

    def attributes(self) -> dict[str, Any]:
        """Return the attributes that a custom optimizer inside has added."""
        return self.optimizer.attributes()

    def note_loss(self, loss: Any) -> None:
        """Tell the optimizer inside."""
        self.optimizer.note_loss(loss)

    def iterate(self, w: Array) -> Array:
        """Return the iterate of the optimizer inside."""
        return self.optimizer.iterate(w)

    def stored(self, theta: Array) -> Array:
        """Return the vector that the optimizer inside stores for an iterate."""
        return self.optimizer.stored(theta)

    def look_ahead(self, w: Array) -> Array:
        """Return the point where the optimizer inside evaluates its next gradient."""
        return self.optimizer.look_ahead(w)

    def forget(self) -> list[str]:
        """Restore the state from before the first step; keep counts and hyperparameters."""
        of_modifier = {n: self.state.pop(n) for n in self.own_names if n in self.state}
        unrestored = self.optimizer.forget()
        for name, value in of_modifier.items():
            self.state[name] = np.full_like(value, self.starts.get(name, 0.0))
        return unrestored

    def __repr__(self) -> str:
        settings = settings_text(self.own_settings)
        return f"{type(self).__name__}({', '.join(filter(None, [repr(self.optimizer), settings]))})"


def _gradient(g: Array, w: Array) -> Array:
    """Return a gradient, or raise if it does not fit the vector."""
    if getattr(g, "shape", None) != w.shape:
        raise wrong_gradient(g, w.shape)
    return g


class ClipByNorm(Modifier):
    r"""Gradient clipping by norm: a longer gradient keeps its direction and gets the length c.

    .. math:: g \leftarrow g \, \min(1, c / \|g\|)

    `clip_norm` is c > 0: a number, a function of the step count, or one per replica; out of range
    it is an ArgumentError. The norm is the Euclidean one of the whole vector, all parameters
    together; frozen ones count as 0, and each replica has its own. A gradient with an infinite
    element or a NaN stays as it is. NAG's gradient at the look-ahead
    point is clipped. Decoupled weight decay is not part of the gradient; the `l2` of a Trainer is.

    Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
    algorithm 1. As ``optax.clip_by_global_norm`` and Keras's ``global_clipnorm``; Keras's
    ``clipnorm`` is of each variable. ``torch.nn.utils.clip_grad_norm_`` divides by ``norm + 1e-6``,
    so its clipped gradients are shorter than c by a part 1e-6 / norm.

    >>> from minidl.optim import GradientDescent
    >>> w, optimizer = np.zeros(2), ClipByNorm(GradientDescent(lr=1.0), 1.0)
    >>> optimizer.step(w, lambda point: np.array([3.0, 4.0]))
    >>> w, optimizer
    (array([-0.6, -0.8]), ClipByNorm(GradientDescent(lr=1.0), clip_norm=1.0))
    """

    clip_norm = positive()

    def __init__(self, optimizer: Optimizer, clip_norm: Setting) -> None:
        super().__init__(optimizer, clip_norm=clip_norm)

    def update(self, w: Array, grad: Gradient) -> None:
        """Step with g min(1, clip_norm / norm)."""
        limit = self.clip_norm

        def clipped(point: Array) -> Array:
            g = _gradient(grad(point), w)
            largest = np.max(np.abs(g), axis=-1, keepdims=True).astype(float)
            regular = (largest > 0) & np.isfinite(largest)
            unit = np.where(regular, g, 0.0) / np.where(regular, largest, 1.0)  # no overflow
            norm = np.sqrt(np.sum(np.square(unit), axis=-1, keepdims=True))  # of g / largest
            length = limit / np.maximum(norm, 1.0)  # of the largest element, if clipped
            shortened: Array = np.where(regular & (largest > length), unit * length, g)
            return shortened.astype(g.dtype, copy=False)

        self.optimizer.step(w, clipped)


class ClipByValue(Modifier):
    r"""Gradient clipping by value: each partial derivative is brought into [-c, c].

    .. math:: g_i \leftarrow \max(-c, \min(c, g_i))

    `clip_value` is c > 0: a number, a function of the step count, or one per replica; out of range
    it is an ArgumentError. The direction may change, unlike with :class:`ClipByNorm`.

    Mikolov 2012, "Statistical language models based on neural networks", section 3.2.2. As
    ``torch.nn.utils.clip_grad_value_``, Keras's ``clipvalue`` and ``optax.clip``.

    >>> from minidl.optim import GradientDescent
    >>> w, optimizer = np.zeros(2), ClipByValue(GradientDescent(lr=1.0), 1.0)
    >>> optimizer.step(w, lambda point: np.array([-0.5, 4.0]))
    >>> w
    array([ 0.5, -1. ])
    """

    clip_value = positive()

    def __init__(self, optimizer: Optimizer, clip_value: Setting) -> None:
        super().__init__(optimizer, clip_value=clip_value)

    def update(self, w: Array, grad: Gradient) -> None:
        """Step with each element of g in [-clip_value, clip_value]."""
        limit = self.clip_value

        def clipped(point: Array) -> Array:
            g = _gradient(grad(point), w)
            within: Array = np.clip(g, -limit, limit).astype(g.dtype, copy=False)
            return within

        self.optimizer.step(w, clipped)


class DecoupledWeightDecay(Modifier):
    r"""Decoupled weight decay: each step also shrinks the weights, outside the gradient.

    .. math:: w \leftarrow \text{step}(w) - a \lambda w

    `weight_decay` is lambda >= 0 and a the learning rate of `optimizer`, which multiplies it:
    numbers, functions of the step count, or one per replica. A value out of range is an
    ArgumentError, as is a rule without ``lr`` or with a ``weight_decay``, such as AdamW. All
    parameters decay, including biases, but not frozen ones; the ``l2`` of a Trainer leaves biases
    alone. The w that decays is the iterate, so that both forms of NAG remain one method.

    Loshchilov and Hutter 2019, arXiv 1711.05101, algorithms 1 and 2, where a schedule multiplies
    lambda, but the rate itself does not. As ``torch.optim.AdamW``, Keras's ``weight_decay`` and
    ``optax.add_decayed_weights`` after the rule's scaling, all with the rate. With Nesterov's
    momentum, Keras and optax decay what they store, the look-ahead point, which is another method.
    So is the ``weight_decay`` of ``torch.optim.SGD``: it is added to the gradient, as `l2` is.

    >>> from minidl.optim import NAG
    >>> w, optimizer = np.array([2.0]), DecoupledWeightDecay(NAG(lr=0.1), 0.5)
    >>> optimizer.step(w, lambda point: np.ones(1))
    >>> w  # 2 - 0.1 * 1 - 0.1 * 0.5 * 2
    array([1.8])
    """

    weight_decay = not_negative()

    def __init__(self, optimizer: Optimizer, weight_decay: Setting) -> None:
        super().__init__(optimizer, weight_decay=weight_decay)
        if "lr" not in self.hyperparameters:
            problem = "DecoupledWeightDecay needs an optimizer with a learning rate, lr"
            raise ArgumentError(problem, received=repr(optimizer))

    def update(self, w: Array, grad: Gradient) -> None:
        """Take the step of the optimizer inside, then subtract lr weight_decay of the iterate."""
        decay = self.lr * self.weight_decay * self.iterate(w)
        self.optimizer.step(w, grad)
        w -= decay
