"""Facts about the engine that a mutation run found to be tested nowhere else."""

from typing import Any

import numpy as np
import pytest
from autograd_cases import CALLS, IDS, Call, tensors

from minidl import Tensor, ops, primitive
from minidl.errors import MissingRuleError, ShapeError


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_a_result_holds_an_array_also_where_numpy_gives_a_scalar(call: Call) -> None:
    assert type(call.minidl(*tensors(call.arrays)).data) is np.ndarray


@pytest.mark.parametrize("name", ["norm", "split", "std"])
def test_a_function_of_other_operations_refuses_what_it_does_not_have(name: str) -> None:
    with pytest.raises(MissingRuleError, match=f"{name} cannot be called like this.*expected"):
        getattr(ops, name)(Tensor([1.0, 2.0]), 1, nonsense=3)


def test_a_rule_whose_gradient_has_too_few_axes_is_named() -> None:
    @primitive(lambda g, y, x: g.sum())
    def broken(x: Any) -> Any:
        return 2 * x

    x = Tensor([[1.0, 2.0]], requires_grad=True)
    with pytest.raises(ShapeError, match=r"a rule of broken .* received gradient of shape \(\)"):
        broken(x).sum().backward()
