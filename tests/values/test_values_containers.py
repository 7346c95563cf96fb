"""The same content is accepted, or refused, in every container and by everything that takes data.

pandas, polars and Arrow are tried in ``test_values_libraries.py``; here are classes with their
methods.
"""

from __future__ import annotations

import collections
import decimal
import fractions
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal
from stand_ins import GAP, Arrow, Column, Extension, NAType, Pandas, Polars, X, Y, fit, mask

from minidl import Tensor, Trainer, nn, no_grad, optim, train_replicas
from minidl.errors import DataError, DTypeError, GraphError, ShapeError
from minidl.values import numbers


def with_gaps(value: Any) -> Any:
    rows = X.astype(object)
    rows[1, 1] = rows[3, 0] = value
    return rows


def table(kind: Callable[..., Any], column: Callable[..., Any], stored: Any) -> Any:
    hidden = mask()
    return kind(
        height=column(X[:, 0], hidden[:, 0], stored), b=column(X[:, 1], hidden[:, 1], stored)
    )


MISSING = {
    "masked": np.ma.masked_array(GAP, mask()),
    "masked float32": np.ma.masked_array(GAP.astype("f4"), mask()),
    "masked integers": np.ma.masked_array(GAP.astype(int), mask()),
    "list of masked rows": list(np.ma.masked_array(GAP, mask())),
    "masked in a list": [[0, 1], [1, np.ma.masked], [2, 3], [np.ma.masked, 5]],
    "deque of masked rows": collections.deque(np.ma.masked_array(GAP, mask())),
    "None": with_gaps(None).tolist(),
    "objects": with_gaps(None),
    "masked among objects": np.array(
        [[0, 1], [1, np.ma.masked], [2, 3], [np.ma.array(7.0, mask=True), 5]], dtype=object
    ),
    "NA": with_gaps(NAType()),
    "NaT": with_gaps(np.datetime64("NaT")),
    "NaT of a duration": with_gaps(np.timedelta64("NaT")),
    "text": with_gaps("NA"),
    "text in a list": with_gaps(" null ").tolist(),
    "bytes": with_gaps(b"None"),
    "polars": table(Polars, Column, np.nan),
    "polars hidden": table(Polars, Column, 7.0),
    "Arrow": table(Arrow, Column, np.nan),
    "pandas": table(Pandas, Extension, 3.0),
    "list of columns": list(np.ma.masked_array(GAP, mask()).T),
}


def replicas(inputs: Any, targets: Any = Y) -> Any:
    options = {"loss": "bce", "seeds": 1, "epochs": 2}
    trained = train_replicas(
        lambda seed: nn.mlp(2, 1, seed=seed), optim.NAG(0.1), inputs, targets, **options
    )
    return trained[0].history["train_loss"]


@pytest.mark.parametrize("kind", MISSING)
def test_missing_inputs_are_refused_by_everything_and_counted(kind: str) -> None:
    inputs, model = MISSING[kind], nn.mlp(2, 1, seed=0)
    if kind == "list of columns":
        inputs = np.ma.masked_array(GAP, mask()).T  # two rows
        inputs, model = [inputs[0], inputs[1]], nn.mlp(4, 1, seed=0)
    else:
        trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0)
        for call in (fit, replicas, lambda rows: trainer.evaluate(rows, Y)):
            with pytest.raises(DataError, match=r"input is missing: got .* in row 1, column "):
                call(inputs)
        with pytest.raises(DataError, match="a validation input is missing"):
            trainer.fit(X, Y, epochs=1, validation=(inputs, Y))
    for call in (model, model.predict):
        with pytest.raises(DataError, match=r"an input is missing.*2 of 8 values are missing"):
            call(inputs)
    with pytest.raises(DTypeError, match="holds float64, float32 or integers: a value is missing"):
        Tensor(inputs)


def test_rows_and_columns_of_missing_values_are_named() -> None:
    for kind in (Polars, Arrow, Pandas):
        column = Extension if kind is Pandas else Column
        with pytest.raises(DataError) as caught:
            fit(table(kind, column, 0.5))
        assert str(caught.value) == (
            "a training input is missing: got null in row 1, column 'b'. 2 of 8 values are missing,"
            " in rows 1, 3; columns 'height' (1), 'b' (1). Remove or fill in missing values first;"
            " scikit-learn's SimpleImputer does."
        )
    rows = X.copy()
    rows[:3, 0] = np.nan
    with pytest.raises(DataError, match=r"got nan in row 0, column 'height'. 3 of 8 values are"):
        fit(Polars(height=Column(rows[:, 0]), b=Column(rows[:, 1])))


@pytest.mark.parametrize("kind", [k for k in MISSING if "column" not in k])
def test_nan_and_infinity_are_refused_where_rows_are_trained_on_or_predicted(kind: str) -> None:
    for value in (np.nan, np.inf):
        rows = X.copy()
        rows[2, 1] = value
        for call in (fit, replicas, nn.mlp(2, 1, seed=0).predict):
            for same in (rows, rows.tolist(), rows.astype(object), rows.astype(np.float16)):
                with pytest.raises(DataError, match=f"got {value} in row 2, column 1"):
                    call(same)
        assert np.isnan(Tensor(rows).data[2, 1]) == np.isnan(value)  # a number of IEEE 754


SAME: dict[str, Any] = {
    "list": X.tolist(),
    "tuples": tuple(map(tuple, X.tolist())),
    "named tuples": [collections.namedtuple("Row", "a b")(*row) for row in X.tolist()],
    "deque": collections.deque(X.tolist()),
    "objects": X.astype(object),
    "integers": X.astype(np.int16),
    "float16": X.astype(np.float16),
    "long double": X.astype(np.longdouble),
    "big-endian": X.astype(">f8"),
    "decimals": [[decimal.Decimal(v) for v in row] for row in X.tolist()],
    "fractions": [[fractions.Fraction(v) for v in row] for row in X.tolist()],
    "nothing masked": np.ma.masked_array(X),
    "columns in Fortran order": np.asfortranarray(X),
    "Tensor": Tensor(X),
    "list of Tensors": [Tensor(row) for row in X],
    "Tensors among objects": np.array([[Tensor(v) for v in row] for row in X], dtype=object),
    "numbers of Tensors": [[Tensor(v) for v in row] for row in X],
    "arrays without axes": [[np.ma.array(v), np.array(w)] for v, w in X],
    "memoryview": memoryview(X),
    "polars": Polars(a=Column(X[:, 0]), b=Column(X[:, 1])),
    "Arrow": Arrow(a=Column(X[:, 0].astype(int)), b=Column(X[:, 1])),
    "pandas": Pandas(a=Extension(X[:, 0].astype(int)), b=X[:, 1]),
    "pandas of objects": Pandas(a=X[:, 0].astype(object), b=X[:, 1]),
    "read-only": np.broadcast_to(X, (1, 4, 2))[0],
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_numbers_give_the_same_result(kind: str) -> None:
    inputs, model = SAME[kind], nn.mlp(2, 1, seed=0)
    for call in (fit, replicas, model.predict, lambda rows: model(rows).data):
        assert_array_equal(call(inputs), call(X))
    if kind not in ("float16", "long double"):  # of which a Tensor would have to choose the dtype
        assert_array_equal(Tensor(inputs).data, X)
    for targets in (Y.tolist(), Y.astype(bool), Y.astype(object), Column(Y), Y[:, None], Tensor(Y)):
        assert_array_equal(fit(X, targets), fit(X))


def test_bool_columns_are_zeros_and_ones_in_every_container() -> None:
    flags = X > 1
    for same in (
        flags.tolist(),
        flags.astype(object),
        Polars(a=flags[:, 0], b=Column(flags[:, 1])),
    ):
        assert_array_equal(fit(same), fit(flags.astype(float)))


NOT_NUMBERS: dict[str, tuple[Any, str]] = {
    "numbers in text": (X.astype(str), r"'0.0' in row 0, column 0 is not a real number.*astype"),
    "one text": ([[0, 1], [1, "2"], [2, 3], [3, 5]], r"'2' in row 1, column 1"),
    "bytes": (X.astype("S3"), r"b'0.0' in row 0"),
    "underscore": ([["1_000", 1]] * 4, r"'1_000' in row 0"),
    "other digits": ([["١", 1]] * 4, "in row 0, column 0"),
    "text column": (Polars(a=Column(["1", "2", "3", "4"]), b=X[:, 1]), r"'1' in row 0, column 'a'"),
    "complex": (X + 0j, r"complex128.*\.real and \.imag"),
    "complex column": (Polars(a=Column(X[:, 0] * 1j), b=X[:, 1]), r"\.real and \.imag"),
    "dates": (X.astype("M8[s]"), "datetime64.*Count from a day"),
    "nanosecond dates": (Arrow(a=Column(X[:, 0].astype("M8[ns]")), b=X[:, 1]), "Count from a day"),
    "durations": (Polars(a=Column(X[:, 0].astype("m8[ns]")), b=X[:, 1]), "Divide by a unit"),
    "dates beside numbers": ([[np.datetime64("2020-01-01"), 1.5]] * 4, "."),
    "fields": (np.zeros(4, [("a", float), ("b", float)]), "structured_to_unstructured"),
    "bytes without type": (np.zeros((4, 2), "V8"), "dtype .*V8"),
    "sparse": (scipy.sparse.csr_array(X), r"a csr_array is not an array\. Use \.toarray\(\)"),
    "rows in a dict": ({"a": X[:, 0], "b": X[:, 1]}, "a dict is not an array.*column_stack"),
    "list of dicts": ([{"a": 1.0, "b": 2.0}] * 4, "in row 0.*column_stack"),
    "set": ({1.0, 2.0}, "a set is not an array.*no order"),
    "dict values": ({0: [1.0, 2.0]}.values(), r"is not an array\. Use an array, such as np.array"),
    "text for a table": ("points.csv", "'points.csv' is not a real number"),
    "None": (None, "None is not a real number|NoneType"),
    "function": (len, "is not a real number"),
    "huge": ([[10**400, 1]] * 4, "in row 0, column 0 is too large for float64"),
    "huge decimal": ([[decimal.Decimal("1e400"), 1]] * 4, "too large for float64"),
    "masked fields": (np.ma.zeros(4, [("a", float)]), "structured_to_unstructured"),
    "other objects": ([[object(), 1]] * 4, "an object in row 0, column 0 is not a real number"),
    "huge fraction": ([[fractions.Fraction(10**400), 1]] * 4, "too large for float64"),
    "identifiers": ([[2**53 + 1, 1]] * 4, "9007199254740993 in row 0.*rounded to 9007199254740992"),
    "unsigned": (np.full((4, 2), 2**63 + 1, "u8"), "9223372036854775809 in row 0, column 0 would"),
    "identifiers as objects": (np.array([[2**53 + 1, None][:1] * 2] * 4, object), "be rounded"),
    "identifier column": (Arrow(a=Column([2**53 + 1] * 4), b=X[:, 1]), "row 0, column 'a' would"),
    "identifiers beside decimals": ([[2**53 + 1, 0.5]] * 4, "9007199254740993 in row 0, column 0"),
    "lists in a column": (Polars(a=Column(np.zeros((4, 2)))), r"column 'a' holds arrays"),
}


@pytest.mark.parametrize("kind", NOT_NUMBERS)
def test_what_is_no_number_is_refused_by_everything(kind: str) -> None:
    inputs, words = NOT_NUMBERS[kind]
    for call in (fit, replicas):
        with pytest.raises(DataError, match=f"inputs are not a table of numbers.*{words}"):
            call(inputs)
    model = nn.mlp(2, 1, seed=0)
    for call in (model, model.predict, Tensor):
        with pytest.raises(DTypeError, match=words):
            call(inputs)


def test_generators_are_refused_before_they_are_used_up() -> None:
    for rows in (
        (row for row in X),
        iter(X.tolist()),
        map(list, X.tolist()),
        zip(*X.T, strict=True),
    ):
        with pytest.raises(DataError, match=r"is not an array\. Use an array, such as np.array"):
            fit(rows)
        assert len(list(rows)) == len(X)


def test_integers_that_float64_holds_are_accepted_at_any_size() -> None:
    for rows in ([[2**60, 1]] * 4, np.full((4, 2), 2**63, "u8"), [[2**70, 0]] * 4):
        assert_array_equal(Tensor(rows).data, np.array(rows).astype(float))


def test_rows_of_different_lengths_are_named() -> None:
    with pytest.raises(ShapeError, match="row 0 has 2 entries and row 2 has 1"):
        Tensor([[1.0, 2.0], [3.0, 4.0], [5.0]])
    with pytest.raises(DataError, match="row 0 has 2 entries and row 2 has 1"):
        fit([[1.0, 2.0], [3.0, 4.0], [5.0]], [0, 1, 0])


class Foreign:
    """A tensor of another library that NumPy cannot read."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use .detach().")


def test_errors_of_other_libraries_become_errors_of_minidl() -> None:
    with pytest.raises(DataError, match=r"cannot read a Foreign: .*Use \.detach\(\)$"):
        fit(Foreign())
    with pytest.raises(DTypeError, match=r"cannot read a list: "):
        Tensor([Foreign()])


class Device:
    """An array that has only ``__dlpack__``."""

    def __dlpack__(self, **options: Any) -> Any:
        return X.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return X.__dlpack_device__()


def test_arrays_with_dlpack_alone_are_read() -> None:
    assert_array_equal(Tensor(Device()).data, X)


def test_numbers_keeps_large_arrays_as_they_are() -> None:
    for array in (X, X.astype("f4"), X.astype("u1"), X > 1):
        assert numbers(array)[0] is array


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: t,
        list,
        lambda t: [list(row) for row in t],
        lambda t: np.array([list(row) for row in t], dtype=object),
        lambda t: Polars(a=Column(t[:, 0]), b=Column(t[:, 1])),
    ],
)
def test_a_tensor_that_requires_a_gradient_is_refused_in_every_container(wrap: Any) -> None:
    model = nn.mlp(2, 1, seed=0)
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0)
    for call in (fit, model.predict, lambda rows: trainer.evaluate(rows, Y)):
        with pytest.raises(GraphError, match=r"would drop its gradient.*\.detach\(\)"):
            call(wrap(Tensor(X, requires_grad=True)))
        call(wrap(Tensor(X)))
    with no_grad():
        model.predict(wrap(Tensor(X, requires_grad=True)))
