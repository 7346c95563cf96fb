"""Loss surfaces in one or two dimensions, by name or by formula, differentiated by minidl."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Tensor, grad
from minidl.errors import ArgumentError
from minidl.paths.expression import Formula, parse
from minidl.registry import Registry

Array = npt.NDArray[Any]
Point = tuple[float, ...]


@dataclass(frozen=True)
class Surface:
    """A loss as a formula of x, or of x and y.

    Attributes
    ----------
    name : str
        Its name; for a formula that a user typed, the formula.
    formula : Formula
        What is computed, see :func:`minidl.paths.expression.parse`.
    start : tuple of float
        Where paths start unless another start is given.
    view : tuple of (float, float)
        For each coordinate the range that a picture shows; empty for a formula that was typed.
    minima : tuple of tuple of float
        The known minima.
    about : str
        One line about it.
    steps : int
        How many steps a picture shows, unless it is said.

    Examples
    --------
    >>> valley = surface("valley")
    >>> valley.losses(np.array([[0.0, 0.0], [1.0, 1.0]]))
    array([ 0. , 10.5])
    >>> valley.gradients(np.array([1.0, 1.0]))
    array([ 1., 20.])
    """

    name: str
    formula: Formula
    start: Point
    view: tuple[tuple[float, float], ...] = ()
    minima: tuple[Point, ...] = ()
    about: str = ""
    steps: int = 100

    @property
    def dimension(self) -> int:
        """The number of variables d, 1 or 2."""
        return len(self.formula.variables)

    def losses(self, points: Array) -> Array:
        """Return the losses at points of shape (..., d), as an array of shape (...)."""
        with np.errstate(all="ignore"):
            return np.asarray(self.formula(*np.moveaxis(np.asarray(points, dtype=float), -1, 0)))

    def gradients(self, points: Array) -> Array:
        """Return the gradients at points of shape (..., d), of the same shape."""
        x = Tensor(np.asarray(points, dtype=float), requires_grad=True)
        with np.errstate(all="ignore"):
            return np.asarray(grad(self._total(x), x).numpy())

    def hessians(self, points: Array) -> Array:
        """Return the matrices of second derivatives at points of shape (..., d): (..., d, d)."""
        x = Tensor(np.asarray(points, dtype=float), requires_grad=True)
        with np.errstate(all="ignore"):
            g = grad(self._total(x), x, create_graph=True)
            rows = [grad(g[..., i].sum(), x, retain_graph=True).numpy() for i in range(x.shape[-1])]
        return np.stack(rows, axis=-2)

    def curvatures(self, points: Array) -> Array:
        """Return the largest absolute eigenvalue of the Hessian at each point: (...)."""
        hessians = self.hessians(points)
        finite = np.asarray(np.isfinite(hessians).all(axis=(-2, -1)))
        largest = np.abs(np.linalg.eigvalsh(np.where(finite[..., None, None], hessians, 0))).max(
            axis=-1
        )
        return np.where(finite, largest, np.inf)

    def _total(self, x: Tensor) -> Tensor:
        """Return the sum of the losses at points, which do not depend on one another."""
        value: Tensor = self.formula(*[x[..., i] for i in range(self.dimension)])
        return value.sum()

    @property
    def quadratic(self) -> bool:
        """Whether the formula is a polynomial of degree 2 at most: then the Hessian is constant."""
        return self.formula.degree <= 2

    def stationary(self, near: Array) -> Array | None:
        """Return the point nearest to `near` at which a quadratic has gradient 0, or None."""
        zero, g, H = np.zeros(self.dimension), self.gradients(near), self.hessians(near)
        inverse = np.linalg.pinv(H, hermitian=True)
        point = near - inverse @ g
        scale = np.abs(g).max() + np.abs(self.gradients(zero)).max()
        return point if np.abs(self.gradients(point)).max() <= 1e-9 * scale else None

    def minimum(self, near: Array) -> Array | None:
        """Return the minimum that belongs to a point, shape (d,), or None if none is found.

        It is the nearest of the known minima; of a quadratic the point with gradient 0, if no
        eigenvalue of the Hessian is negative; or else what Newton's method with damping finds
        from `near`, going downhill only (Levenberg 1944).

        Examples
        --------
        >>> surface("cos(x)").minimum(np.array([3.0])).round(6)
        array([3.141593])
        >>> surface("x*y").minimum(np.array([1.0, 1.0])) is None
        True
        """
        if self.minima:
            distances = np.linalg.norm(np.array(self.minima) - near, axis=1)
            return np.array(self.minima[int(np.argmin(distances))])
        if self.quadratic:
            eigenvalues = np.linalg.eigvalsh(self.hessians(near))
            downward = eigenvalues.min() < -1e-12 * np.abs(eigenvalues).max()
            return None if downward or not eigenvalues.any() else self.stationary(near)
        return self._newton(np.array(near, dtype=float))

    def _newton(self, point: Array, steps: int = 200) -> Array | None:
        """Return the minimum that Newton's method with damping reaches, or None."""
        damping, loss, slope = 1e-3, self.losses(point), np.abs(self.gradients(point)).max()
        for _ in range(steps):
            g, H = self.gradients(point), self.hessians(point)
            if not (np.isfinite(H).all() and np.isfinite(g).all()):
                return None
            lowest, steepest = np.linalg.eigvalsh(H)[0], np.abs(g).max()
            scale = max(np.abs(H).max(), steepest, 1e-300)
            step = np.linalg.solve(H + (max(-lowest, 0) + damping * scale) * np.eye(len(H)), -g)
            if np.abs(step).max() <= 1e-12 * (1 + np.abs(point).max()):
                flat = len(g) == 1 or steepest <= 1e-6 * slope  # in 1-D it may be a kink, as of abs
                return point if flat and lowest >= -1e-9 * scale else None
            if (new_loss := self.losses(point + step)) < loss:
                point, loss, damping = point + step, new_loss, max(damping / 10, 1e-15)
            else:
                damping *= 10
        return None


SURFACES: Registry[Surface] = Registry("surface")


def surface(name: str | Surface) -> Surface:
    """Return the surface of a name, or of a formula such as ``"50*x**2 + y**2/2"``.

    bowl
        (x^2 + y^2) / 2, curved equally in all directions.
    valley
        (x^2 + 20 y^2) / 2, curved 20 times as much across as along; Polyak 1964 studies momentum
        on such quadratics.
    rosenbrock
        (1 - x)^2 + 100 (y - x^2)^2, a bent valley. Rosenbrock 1960, "An automatic method for
        finding the greatest or least value of a function", with its start.
    beale
        Steep walls and a flat valley. Beale 1958; Moré, Garbow and Hillstrom 1981, "Testing
        unconstrained optimization software", problem 5, with its start.
    himmelblau
        Four minima with loss 0. Himmelblau 1972, "Applied Nonlinear Programming".
    saddle
        (x^2 - y^2) / 2 + y^4 / 4, a saddle at the origin between two minima; Nesterov 2004,
        "Introductory Lectures on Convex Optimization", example 1.2.2.

    Raises
    ------
    UnknownNameError
        It is a word, but not the name of a surface; the message suggests the nearest.
    ArgumentError
        The formula cannot be read, see :func:`minidl.paths.expression.parse`.

    Examples
    --------
    >>> surface("rosenbrock").minima
    ((1.0, 1.0),)
    >>> surface("x**2/2").dimension
    1
    """
    if isinstance(name, Surface):
        return name
    word = name.strip() if isinstance(name, str) else ""
    names = set(re.split("[-_]", word)) - {"x", "y", ""}  # "-x" and "x-y" are formulas
    if word in SURFACES or (names and all(map(str.isalpha, names))):
        return SURFACES[word]
    formula = parse(name)
    return Surface(formula.text, formula, _start(formula))


def _start(formula: Formula) -> Point:
    """Return the first of a few points that has a finite loss and a slope; or else (1, 1)."""
    points = [(value,) * len(formula.variables) for value in (1.0, 2.0, 0.5, -1.0)]
    for point in points:
        trial = Surface(formula.text, formula, point)
        slope = trial.gradients(np.array(point))
        if np.isfinite(trial.losses(np.array(point))) and np.isfinite(slope).all() and slope.any():
            return point
    return points[0]


def check_start(surface: Surface, start: Any) -> Array:
    """Return a start as an array (d,), by default the surface's; or raise an ArgumentError."""
    d = surface.dimension
    names = " and ".join(surface.formula.variables)
    try:
        point = np.array(surface.start if start is None else start, dtype=float).reshape(-1)
    except (TypeError, ValueError):
        point = np.array([])
    if point.shape != (d,) or not np.isfinite(point).all():
        numbers = "a number" if d == 1 else f"{d} numbers"
        received, expected = repr(start), f"{numbers} for {names}, of {surface.formula.text}"
        message = f"must be {expected}, got {received}"
        raise ArgumentError(message, argument="start")
    if not np.isfinite(surface.losses(point)):
        place = ",".join(f"{value:g}" for value in point)
        message = f"must be a point with a loss, got {place}, where {surface.formula.text} is"
        message += f" {surface.losses(point):g}"
        raise ArgumentError(message, argument="start")
    return point


HIMMELBLAU = (
    (3.0, 2.0),
    (-2.805118086952745, 3.131312518250573),
    (-3.779310253377747, -3.283185991286170),
    (3.584428340330492, -1.848126526964404),
)
BEALE = "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2"


def _add(name: str, text: str, about: str, alias: str = "", **details: Any) -> None:
    """Register a surface."""
    SURFACES.add(name, Surface(name, parse(text), about=about, **details), [alias] if alias else [])


# fmt: off
_add("bowl", "(x**2 + y**2)/2", "the same curvature in all directions", "sphere",
     start=(-2.0, 1.0), view=((-2.4, 2.4), (-1.5, 1.5)), minima=((0.0, 0.0),))
_add("valley", "(x**2 + 20*y**2)/2", "20 times as much curvature across as along", "ravine",
     start=(-4.0, 1.0), view=((-4.6, 2.4), (-1.3, 1.3)), minima=((0.0, 0.0),))
_add("rosenbrock", "(1 - x)**2 + 100*(y - x**2)**2", "a bent valley (Rosenbrock 1960)", "banana",
     start=(-1.2, 1.0), view=((-1.7, 1.7), (-0.6, 1.8)), minima=((1.0, 1.0),), steps=1000)
_add("beale", BEALE, "steep walls and a flat valley (Beale 1958)",
     start=(1.0, 1.0), view=((0.0, 4.2), (-0.8, 1.4)), minima=((3.0, 0.5),))
_add("himmelblau", "(x**2 + y - 11)**2 + (x + y**2 - 7)**2", "four minima (Himmelblau 1972)",
     start=(0.0, 0.0), view=((-5.5, 5.5), (-5.0, 5.0)), minima=HIMMELBLAU)
_add("saddle", "(x**2 - y**2)/2 + y**4/4", "a saddle between two minima (Nesterov 2004)",
     start=(-1.0, 0.01), view=((-1.3, 1.3), (-1.5, 1.5)), minima=((0.0, 1.0), (0.0, -1.0)))
