"""Custom optimizers that keep state in attributes: reset, saving, copies, and errors."""

from __future__ import annotations

import copy
import json
import random
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import optim
from minidl.errors import ArgumentError, UnknownKeywordError
from minidl.optim import Optimizer, learning_rate
from minidl.optim.attributes import pack, unpack

START = np.array([1.0, -2.0, 0.5])
CURVATURE = np.array([1.0, 3.0, 0.2])


def gradient(point: Any) -> Any:
    return CURVATURE * point


class Custom(Optimizer):
    """Keeps nothing; the base of those below."""

    lr = learning_rate()

    def __init__(self, lr: float = 0.1) -> None:
        super().__init__(lr=lr)
        self.begin()

    def begin(self) -> None: ...

    def update(self, w: Any, grad: Any) -> None:
        w -= self.lr * self.direction(grad(w))

    def direction(self, g: Any) -> Any:
        return g


class Rebound(Custom):
    """Adam (Kingma and Ba 2015), as a student writes it."""

    def begin(self) -> None:
        self.m: Any = None
        self.v: Any = None
        self.t = 0

    def direction(self, g: Any) -> Any:
        if self.m is None:
            self.m, self.v = np.zeros_like(g), np.zeros_like(g)
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.999 * self.v + 0.001 * g * g
        root = np.sqrt(self.v / (1 - 0.999**self.t))
        return self.m / (1 - 0.9**self.t) / (root + 1e-8)


class Lazy(Custom):
    """Momentum, with a vector that the first step creates."""

    def direction(self, g: Any) -> Any:
        if not hasattr(self, "m"):
            self.m = np.zeros_like(g)
        self.m *= 0.9
        self.m += g
        return self.m


class Containers(Custom):
    """The mean of the last three gradients, plus a little of all."""

    def begin(self) -> None:
        self.last: deque[Any] = deque(maxlen=3)
        self.all: list[Any] = []
        self.counts: dict[Any, Any] = {"steps": 0, 3: np.float32(1.5)}
        self.seen: set[float] = {0.5}
        self.pair = (0, [np.zeros(3)])

    def direction(self, g: Any) -> Any:
        self.last.append(g.copy())
        self.all.append(g.copy())
        self.counts["steps"] += 1
        self.seen.add(float(self.counts["steps"]))
        self.pair = (self.pair[0] + 1, [self.pair[1][0] + g])
        mean = sum(self.last) / len(self.last)
        return mean + 0.01 * len(self.seen) * sum(self.all) * self.counts[3] + self.pair[1][0]


class Noisy(Custom):
    """Noise from three kinds of generators."""

    def begin(self) -> None:
        self.numpy, self.python = np.random.default_rng(3), random.Random(4)
        self.old = np.random.RandomState(5)

    def direction(self, g: Any) -> Any:
        return g + self.numpy.normal(size=3) + self.python.random() + self.old.rand(3)


class Scaled(Custom):
    """A number from the norm of the whole gradient."""

    def begin(self) -> None:
        self.scale = 1.0

    def direction(self, g: Any) -> Any:
        self.scale = 0.9 * self.scale + 0.1 * float(np.sqrt(g @ g))
        return g / self.scale


def by_hand_rebound(steps: int) -> Any:
    w, m, v = START.copy(), np.zeros(3), np.zeros(3)
    for t in range(1, steps + 1):
        g = CURVATURE * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - 0.1 * (m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8))
    return w


def by_hand_lazy(steps: int) -> Any:
    w, m = START.copy(), np.zeros(3)
    for _ in range(steps):
        m = 0.9 * m + CURVATURE * w
        w = w - 0.1 * m
    return w


def by_hand_scaled(steps: int) -> Any:
    w, scale = START.copy(), 1.0
    for _ in range(steps):
        g = CURVATURE * w
        scale = 0.9 * scale + 0.1 * float(np.sqrt(g @ g))
        w = w - 0.1 * (g / scale)
    return w


BY_HAND: dict[type[Custom], Callable[[int], Any]] = {
    Rebound: by_hand_rebound,
    Lazy: by_hand_lazy,
    Scaled: by_hand_scaled,
}
KINDS = [Custom, Rebound, Lazy, Containers, Noisy, Scaled]


def after(optimizer: Optimizer, steps: int, w: Any = START) -> Any:
    w = w.copy()
    for _ in range(steps):
        optimizer.step(w, gradient)
    return w


@pytest.mark.parametrize("kind", BY_HAND)
def test_the_examples_are_the_rules_that_they_say(kind: type[Custom]) -> None:
    assert_array_equal(after(kind(), 7), BY_HAND[kind](7))


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_reset_the_same_points_are_visited_again(kind: type[Custom]) -> None:
    optimizer = kind()
    first = after(optimizer, 7)
    for _ in range(2):
        optimizer.reset()
        assert (optimizer.step_count, optimizer.state) == (0, {})
        assert_array_equal(after(optimizer, 7), first)
    fresh = kind()
    optimizer.reset()
    assert vars(optimizer).keys() == vars(fresh).keys()
    assert repr(optimizer) == repr(fresh)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_state_goes_on_bit_for_bit(kind: type[Custom]) -> None:
    source = kind()
    middle = after(source, 4)
    saved = source.state_dict()
    saved["attributes"] = json.loads(json.dumps(saved["attributes"]))  # as a file holds it
    targets = [kind(), kind()]
    after(targets[1], 2)  # it has state of its own, which is replaced
    end = after(source, 3, middle)
    for target in targets:
        target.load_state_dict(saved)
        assert target.step_count == 4
        assert_array_equal(after(target, 3, middle), end)
        target.reset()
        assert_array_equal(after(target, 4), middle)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_states_and_copies_are_independent(kind: type[Custom]) -> None:
    source = kind()
    middle = after(source, 4)
    saved, copied = source.state_dict(), copy.deepcopy(source)
    end = after(source, 3, middle)
    assert_array_equal(after(copied, 3, middle), end)
    target = kind()
    target.load_state_dict(saved)
    after(target, 3, middle)
    assert_array_equal(after(source, 1, end), after(copied, 1, end))


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_of_a_new_optimizer_makes_another_one_new(kind: type[Custom]) -> None:
    used = kind()
    after(used, 3)
    used.load_state_dict(kind().state_dict())
    assert_array_equal(after(used, 4), after(kind(), 4))


def test_settings_are_no_state() -> None:
    class Damped(Custom):
        def begin(self) -> None:
            self.damping = 0.5

        def direction(self, g: Any) -> Any:
            return self.damping * g

    first, second = Damped(), Damped()
    after(first, 2)
    assert first.state_dict()["attributes"] == {}
    second.damping = 0.25  # on purpose, as a learning rate
    second.load_state_dict(first.state_dict())
    assert second.damping == 0.25
    assert repr(second) == "Damped(lr=0.1, damping=0.25)"


class Average:
    def __init__(self) -> None:
        self.value = 0.0


def local_average() -> Any:
    """Return an object that cannot be pickled."""
    return type("Local", (Average,), {})()


@pytest.mark.parametrize("make", [Average, lambda: SimpleNamespace(value=0.0), local_average])
def test_an_object_that_has_changed_is_named(make: Any) -> None:
    class Averaging(Custom):
        def begin(self) -> None:
            self.average, self.f, self.other = make(), lambda: 1, make()

        def direction(self, g: Any) -> Any:
            self.average.value += 1.0
            return g

    optimizer = Averaging()
    optimizer.reset()
    assert optimizer.state_dict()["attributes"] == {}
    after(optimizer, 1)
    message = "Averaging keeps state in average, which cannot be saved or reset: got a value of"
    for call in (optimizer.state_dict, optimizer.reset):
        with pytest.raises(ArgumentError, match=message):
            call()
    assert optimizer.step_count == 1

    class Named(Averaging):
        not_state = ("average",)

    named = Named()
    after(named, 1)
    assert named.state_dict()["attributes"] == {}
    named.reset()


def test_functions_and_references_to_itself_are_settings() -> None:
    class Dispatching(Custom):
        def begin(self) -> None:
            self.rule, self.f, self.g, self.me = self.halved, np.sign, len, self

        def halved(self, g: Any) -> Any:
            return 0.5 * g

        def direction(self, g: Any) -> Any:
            return self.rule(g)

    class Cyclic(Custom):
        def begin(self) -> None:
            self.ring: list[Any] = []
            self.ring.append(self.ring)

        def direction(self, g: Any) -> Any:
            self.ring.append(1)
            return g

    optimizer = Dispatching()
    first = after(optimizer, 3)
    copied = copy.deepcopy(optimizer)
    assert optimizer.state_dict()["attributes"] == copied.state_dict()["attributes"] == {}
    optimizer.reset()
    assert_array_equal(after(optimizer, 3), first)
    ring = Cyclic()
    after(ring, 1)
    with pytest.raises(ArgumentError, match="keeps state in ring, which cannot"):
        ring.state_dict()


def test_undeclared_entries_of_state_are_named() -> None:
    class Undeclared(Custom):
        def direction(self, g: Any) -> Any:
            self.state["m"] = self.state.get("m", 0.0) * 0.9 + g
            self.state["t"] = self.state.get("t", 0) + 1
            return self.state["m"]

    optimizer = Undeclared()
    first = after(optimizer, 3)
    with pytest.raises(ArgumentError, match=r"got m, t\. Write in the class: state_names = \('m'"):
        optimizer.state_dict()
    optimizer.reset()
    assert_array_equal(after(optimizer, 3), first)
    optimizer.forget()
    assert optimizer.state == {}


def test_the_base_need_not_be_initialized() -> None:
    class Short(Optimizer):
        lr = learning_rate()

        def __init__(self, lr: float) -> None:
            self.lr = lr

        def update(self, w: Any, grad: Any) -> None:
            w -= self.lr * grad(w)

    assert_array_equal(after(Short(0.5), 1), START - 0.5 * CURVATURE * START)


def test_an_update_that_returns_the_new_point_is_an_error() -> None:
    class Functional(Custom):
        def update(self, w: Any, grad: Any) -> None:
            return w - self.lr * grad(w)  # type: ignore[no-any-return]

    class Both(Custom):
        def update(self, w: Any, grad: Any) -> None:
            w -= self.lr * grad(w)
            return w  # type: ignore[no-any-return]

    with pytest.raises(ArgumentError, match=r"Functional\.update returned a value\. Write the new"):
        after(Functional(), 1)
    assert_array_equal(after(Both(), 1), START - 0.1 * CURVATURE * START)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("learning_rate", "Write lr=... instead"),
        ("mometum", "Write momentum=... instead"),
        ("Momentum", "Write momentum=... instead"),
        ("beta1", "Write momentum=... instead"),
        ("nesterov", "Use NAG|this is Nesterov"),
        ("weight_decay", "l2=0.01"),
        ("foo", "has no argument foo"),
    ],
)
def test_a_misspelt_attribute_is_an_error_with_the_right_one(name: str, hint: str) -> None:
    for kind in (optim.Momentum, optim.NAG, optim.ReformulatedNAG):
        optimizer = kind(0.1, 0.9)
        with pytest.raises(UnknownKeywordError, match=hint):
            setattr(optimizer, name, 0.5)
        assert (optimizer.lr, optimizer.momentum) == (0.1, 0.9)
        assert name not in vars(optimizer)
    with pytest.raises(UnknownKeywordError, match=r"GradientDescent\(lr\) has no argument"):
        setattr(optim.GradientDescent(0.1), "momentum", 0.9)  # noqa: B010


def test_what_may_be_assigned() -> None:
    optimizer = optim.NAG(0.1)
    optimizer.lr, optimizer.momentum = 0.2, 0.8
    optimizer.step = lambda w, grad: None  # type: ignore[method-assign]
    custom = Custom()
    custom.learning_rate = 7.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, 2**80, 0.1, float("inf"), "text", np.float32(0.1), np.int8(3),
        np.arange(6, dtype=np.int16).reshape(2, 3), np.zeros(()), np.array([1j]), (), [], {},
        {(1, "a"): [np.ones(2)], None: (1, {2})}, frozenset({1}), deque([1, [2]], maxlen=4),
    ],
    ids=repr,
)  # fmt: skip
def test_data_come_back_with_their_types(value: Any) -> None:
    arrays: dict[str, Any] = {}
    words = json.loads(json.dumps(pack(value, "@x", arrays)))
    back = unpack(words, arrays)
    assert type(back) is type(value)
    assert repr(back) == repr(value)
    if isinstance(value, np.ndarray):
        assert (back.dtype, back.shape) == (value.dtype, value.shape)
        assert not np.shares_memory(back, value)


@pytest.mark.parametrize("value", [object(), [object()], {"a": len}, np.array([object()])])
def test_other_data_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="a value of type"):
        pack(value)
