"""Wrong adaptive rules that train: which checks notice them.

Every fault is one slip of the pen; most were shipped by somebody. The table says exactly which
checks catch it. `CHECKS` are in ``adaptive_checks.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from adaptive_checks import CHECKS, check_loss_went_down

from minidl import optim

Array = Any


def parts(optimizer: optim.Optimizer, grad: optim.Gradient, w: Array) -> Any:
    """Return the gradient, the number of the step, and the state vectors."""
    g = grad(w).copy()
    return g, optimizer.step_count + 1, *(optimizer.state[n] for n in optimizer.state_names)


class WrongAdam(optim.Adam):
    """Adam, of which each subclass spoils one part."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, v = parts(self, grad, w)
        g = self.gradient(g, w)
        self.averages(g, m, v)
        self.before(w)
        w -= self.lr * self.quotient(m, v, t)
        self.after(w)

    def gradient(self, g: Array, w: Array) -> Array:
        return g

    def before(self, w: Array) -> None:
        pass

    def after(self, w: Array) -> None:
        pass

    def averages(self, g: Array, m: Array, v: Array) -> None:
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g

    def quotient(self, m: Array, v: Array, t: int) -> Array:
        m_hat, v_hat = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
        return m_hat / (np.sqrt(v_hat) + self.epsilon)


class NoCorrectionOfTheMean(WrongAdam):
    def quotient(self, m: Array, v: Array, t: int) -> Array:
        return super().quotient(m * (1 - self.beta1**t), v, t)


class NoCorrectionOfTheSquares(WrongAdam):
    def quotient(self, m: Array, v: Array, t: int) -> Array:
        return super().quotient(m, v * (1 - self.beta2**t), t)


class CorrectionOneStepLate(WrongAdam):
    """t counts from 0 in the code and from 1 in the paper; the first step is guarded."""

    def quotient(self, m: Array, v: Array, t: int) -> Array:
        return super().quotient(m, v, max(t - 1, 1))


class EpsilonInsideTheRoot(WrongAdam):
    def quotient(self, m: Array, v: Array, t: int) -> Array:
        return m / (1 - self.beta1**t) / np.sqrt(v / (1 - self.beta2**t) + self.epsilon)


class EpsilonHat(WrongAdam):
    """Keras's form: epsilon is added before the correction."""

    def quotient(self, m: Array, v: Array, t: int) -> Array:
        rate = np.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        return rate * m / (np.sqrt(v) + self.epsilon)


class NoEpsilon(WrongAdam):
    def quotient(self, m: Array, v: Array, t: int) -> Array:
        with np.errstate(invalid="ignore"):
            return m / (1 - self.beta1**t) / np.sqrt(v / (1 - self.beta2**t))


class SquareOfTheMean(WrongAdam):
    """The square of the new m in place of that of g."""

    def averages(self, g: Array, m: Array, v: Array) -> None:
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * m * m


class OldMean(WrongAdam):
    """The step is taken with the m from before this gradient."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, v = parts(self, grad, w)
        old = m.copy()
        self.averages(g, m, v)
        w -= self.lr * self.quotient(old, v, t)


class BetasExchanged(WrongAdam):
    def averages(self, g: Array, m: Array, v: Array) -> None:
        m[...] = self.beta2 * m + (1 - self.beta2) * g
        v[...] = self.beta1 * v + (1 - self.beta1) * g * g

    def quotient(self, m: Array, v: Array, t: int) -> Array:
        m_hat, v_hat = m / (1 - self.beta2**t), v / (1 - self.beta1**t)
        return m_hat / (np.sqrt(v_hat) + self.epsilon)


class DampedTwice(WrongAdam):
    """The mean is not weighted by 1 - beta1, as in classical momentum."""

    def averages(self, g: Array, m: Array, v: Array) -> None:
        m[...] = self.beta1 * m + g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g


class RateInTheMean(WrongAdam):
    """The rate is inside m, as in momentum: another rule as soon as it changes."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, v = parts(self, grad, w)
        m[...] = self.beta1 * m + (1 - self.beta1) * self.lr * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g
        w -= self.quotient(m, v, t)


class WrongAdamW(WrongAdam):
    """AdamW, of which each subclass decays wrongly."""

    weight_decay = optim.AdamW.weight_decay

    def __init__(self, lr: Any, weight_decay: float = 0.01, **how: Any) -> None:
        super().__init__(lr, **how)
        self.weight_decay = weight_decay


class CoupledDecay(WrongAdamW):
    """Adam with an L2 penalty: the decay goes through both averages."""

    def gradient(self, g: Array, w: Array) -> Array:
        return g + self.weight_decay * w


class DecayWithoutTheRate(WrongAdamW):
    def before(self, w: Array) -> None:
        w *= 1 - self.weight_decay


class DecayAfterTheStep(WrongAdamW):
    """The step decays, too."""

    def after(self, w: Array) -> None:
        w *= 1 - self.lr * self.weight_decay


class DecayByTheFirstRate(WrongAdamW):
    """The decay does not follow the schedule."""

    def before(self, w: Array) -> None:
        w *= 1 - type(self).lr.at(self, 0) * self.weight_decay


class DecayOfTheQuotient(WrongAdamW):
    """The decay is divided by the root, but not averaged."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, v = parts(self, grad, w)
        self.averages(g, m, v)
        size = np.sqrt(v / (1 - self.beta2**t)) + self.epsilon
        w -= self.lr * (m / (1 - self.beta1**t) + self.weight_decay * w) / size


class WrongNAdam(optim.NAdam):
    """NAdam from lists of mu, of which each subclass takes wrong ones."""

    def momentum_of(self, t: int) -> Any:
        return self.beta1 * (1 - 0.96 ** (t * self.momentum_decay) / 2)

    def shares(self, t: int) -> tuple[Any, Any]:
        """Return the shares of m and of g."""
        mu = [self.momentum_of(k) for k in range(1, t + 2)]
        return mu[t] / (1 - np.prod(mu)), (1 - mu[t - 1]) / (1 - np.prod(mu[:t]))

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, v, _ = parts(self, grad, w)
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g
        ahead, now = self.shares(t)
        size = np.sqrt(v / (1 - self.beta2**t)) + self.epsilon
        w -= self.lr * (ahead * m + now * g) / size


class PresentMu(WrongNAdam):
    """mu_t where mu_{t+1} belongs."""

    def shares(self, t: int) -> tuple[Any, Any]:
        mu = [self.momentum_of(k) for k in range(1, t + 2)]
        return mu[t - 1] / (1 - np.prod(mu)), (1 - mu[t - 1]) / (1 - np.prod(mu[:t]))


class MuFromZero(WrongNAdam):
    """t counts from 0."""

    def momentum_of(self, t: int) -> Any:
        return super().momentum_of(t - 1)


class PowerOfMu(WrongNAdam):
    """mu_t^t in place of the product."""

    def shares(self, t: int) -> tuple[Any, Any]:
        now, ahead = self.momentum_of(t), self.momentum_of(t + 1)
        return ahead / (1 - ahead ** (t + 1)), (1 - now) / (1 - now**t)


class ConstantMu(WrongNAdam):
    """optax's: beta1 from the start."""

    def momentum_of(self, t: int) -> Any:
        return self.beta1


class NoLookAhead(WrongNAdam):
    """Adam in name: m alone."""

    def shares(self, t: int) -> tuple[Any, Any]:
        return 1 / (1 - self.beta1**t), 0.0


class SquaresTimesBeta2(WrongNAdam):
    """The paper's algorithm 2."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, v, _ = parts(self, grad, w)
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g
        ahead, now = self.shares(t)
        size = np.sqrt(self.beta2 * v / (1 - self.beta2**t)) + self.epsilon
        w -= self.lr * (ahead * m + now * g) / size


class WrongRAdam(optim.RAdam):
    """RAdam, of which each subclass spoils one part."""

    least = 5.0

    def rectified(self, rho: Any, limit: Any) -> Any:
        return np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))

    def rho(self, t: int) -> tuple[Any, Any]:
        limit = 2 / (1 - self.beta2) - 1
        return limit - 2 * t * self.beta2**t / (1 - self.beta2**t), limit

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, v = parts(self, grad, w)
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g
        step = self.lr * m / (1 - self.beta1**t)
        rho, limit = self.rho(t)
        if rho > self.least:
            step *= self.rectified(rho, limit) * np.sqrt(1 - self.beta2**t)
            step /= np.sqrt(v) + self.epsilon
        w -= step


class AdaptiveFromFour(WrongRAdam):
    """The paper's condition."""

    least = 4.0


class NeverAdaptive(WrongRAdam):
    least = np.inf


class NoRectification(WrongRAdam):
    def rectified(self, rho: Any, limit: Any) -> Any:
        return 1.0


class VarianceForItsRoot(WrongRAdam):
    def rectified(self, rho: Any, limit: Any) -> Any:
        return super().rectified(rho, limit) ** 2


class RhoWithoutTwo(WrongRAdam):
    def rho(self, t: int) -> tuple[Any, Any]:
        rho, limit = super().rho(t)
        return (rho + limit) / 2, limit


class WrongAMSGrad(optim.AMSGrad):
    """AMSGrad, of which each subclass takes another maximum."""

    def largest(self, u: Array, v: Array, t: int) -> Array:
        u[...] = np.maximum(u, v)
        return u / (1 - self.beta2**t)

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, v, u = parts(self, grad, w)
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g
        size = np.sqrt(self.largest(u, v, t)) + self.epsilon
        w -= self.lr * m / (1 - self.beta1**t) / size


class MaximumOfCorrected(WrongAMSGrad):
    """optax's."""

    def largest(self, u: Array, v: Array, t: int) -> Array:
        u[...] = np.maximum(u, v / (1 - self.beta2**t))
        return u


class MaximumOfTwo(WrongAMSGrad):
    """Only the last two averages."""

    def largest(self, u: Array, v: Array, t: int) -> Array:
        both = np.maximum(u, v)
        u[...] = v
        return both / (1 - self.beta2**t)


class NoMaximum(WrongAMSGrad):
    def largest(self, u: Array, v: Array, t: int) -> Array:
        return v / (1 - self.beta2**t)


class NoCorrections(WrongAMSGrad):
    """The paper's."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, m, v, u = parts(self, grad, w)
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g
        u[...] = np.maximum(u, v)
        w -= self.lr * m / (np.sqrt(u) + self.epsilon)


class MaximumInTheAverage(WrongAMSGrad):
    """The maximum is written into v, so that it is averaged, too."""

    def largest(self, u: Array, v: Array, t: int) -> Array:
        u[...] = np.maximum(u, v)
        v[...] = u
        return u / (1 - self.beta2**t)


class WrongAdaMax(optim.AdaMax):
    """AdaMax, of which each subclass spoils one part."""

    def norm(self, u: Array, g: Array, t: int) -> Array:
        u[...] = np.maximum(self.beta2 * u, np.abs(g) + self.epsilon)
        return u

    def corrected(self, m: Array, t: int) -> Array:
        return m / (1 - self.beta1**t)

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, m, u = parts(self, grad, w)
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        w -= self.lr * self.corrected(m, t) / self.norm(u, g, t)


class EpsilonAtTheDivision(WrongAdaMax):
    """Keras's."""

    def norm(self, u: Array, g: Array, t: int) -> Array:
        u[...] = np.maximum(self.beta2 * u, np.abs(g))
        return u + self.epsilon


class CorrectionOfTheMaximum(WrongAdaMax):
    def norm(self, u: Array, g: Array, t: int) -> Array:
        return super().norm(u, g, t) / (1 - self.beta2**t)


class AverageForTheMaximum(WrongAdaMax):
    def norm(self, u: Array, g: Array, t: int) -> Array:
        u[...] = self.beta2 * u + (1 - self.beta2) * (np.abs(g) + self.epsilon)
        return u / (1 - self.beta2**t)


class MaximumThatStays(WrongAdaMax):
    """The maximum does not decay."""

    def norm(self, u: Array, g: Array, t: int) -> Array:
        u[...] = np.maximum(u, np.abs(g) + self.epsilon)
        return u


class AdaMaxWithoutCorrection(WrongAdaMax):
    def corrected(self, m: Array, t: int) -> Array:
        return m


class WrongRMSprop(optim.RMSprop):
    """RMSprop, of which each subclass spoils one part."""

    def quotient(self, g: Array, v: Array, t: int) -> Array:
        return g / (np.sqrt(v) + self.epsilon)

    def move(self, w: Array, b: Array, ratio: Array) -> None:
        b[...] = self.momentum * b + self.lr * ratio
        w -= b

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, v, b = parts(self, grad, w)
        v[...] = self.rho * v + (1 - self.rho) * g * g
        self.move(w, b, self.quotient(g, v, t))


class RMSpropEpsilonInside(WrongRMSprop):
    """Keras's and optax's."""

    def quotient(self, g: Array, v: Array, t: int) -> Array:
        return g / np.sqrt(v + self.epsilon)


class RMSpropCorrected(WrongRMSprop):
    def quotient(self, g: Array, v: Array, t: int) -> Array:
        return g / (np.sqrt(v / (1 - self.rho**t)) + self.epsilon)


class RateOutsideTheVelocity(WrongRMSprop):
    """PyTorch's."""

    def move(self, w: Array, b: Array, ratio: Array) -> None:
        b[...] = self.momentum * b + ratio
        w -= self.lr * b


class VelocityIsAnAverage(WrongRMSprop):
    def move(self, w: Array, b: Array, ratio: Array) -> None:
        b[...] = self.momentum * b + (1 - self.momentum) * self.lr * ratio
        w -= b


class NesterovsVelocity(WrongRMSprop):
    def move(self, w: Array, b: Array, ratio: Array) -> None:
        b[...] = self.momentum * b + self.lr * ratio
        w -= self.momentum * b + self.lr * ratio


class VelocityOfTheGradient(optim.RMSprop):
    """The velocity is divided by the root, not its gradients."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, v, b = parts(self, grad, w)
        v[...] = self.rho * v + (1 - self.rho) * g * g
        b[...] = self.momentum * b + self.lr * g
        w -= b / (np.sqrt(v) + self.epsilon)


class WrongCentered(optim.CenteredRMSprop):
    """Graves's form, of which each subclass spoils one part."""

    def size(self, g: Array, s: Array, old: Array, new: Array) -> Array:
        return np.sqrt(np.maximum(s - new**2, 0)) + self.epsilon

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, mean, s, b = parts(self, grad, w)
        s[...] = self.rho * s + (1 - self.rho) * g * g
        old = mean.copy()
        mean[...] = self.rho * mean + (1 - self.rho) * g
        b[...] = self.momentum * b + self.lr * g / self.size(g, s, old, mean)
        w -= b


class NotCentered(WrongCentered):
    def size(self, g: Array, s: Array, old: Array, new: Array) -> Array:
        return np.sqrt(s) + self.epsilon


class CenteredByTheOldMean(WrongCentered):
    def size(self, g: Array, s: Array, old: Array, new: Array) -> Array:
        return np.sqrt(np.maximum(s - old**2, 0)) + self.epsilon


class CenteredGradient(WrongCentered):
    """The gradient is centred, too."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, mean, s, b = parts(self, grad, w)
        s[...] = self.rho * s + (1 - self.rho) * g * g
        mean[...] = self.rho * mean + (1 - self.rho) * g
        b[...] = self.momentum * b + self.lr * (g - mean) / self.size(g, s, mean, mean)
        w -= b


class WrongAdagrad(optim.Adagrad):
    """Adagrad, of which each subclass spoils one part."""

    def size(self, g: Array, s: Array, t: int) -> Array:
        s += g * g
        return np.sqrt(s) + self.epsilon

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, s = parts(self, grad, w)
        w -= self.lr * g / self.size(g, s, t)


class AdagradEpsilonInside(WrongAdagrad):
    def size(self, g: Array, s: Array, t: int) -> Array:
        s += g * g
        return np.sqrt(s + self.epsilon)


class NoRoot(WrongAdagrad):
    def size(self, g: Array, s: Array, t: int) -> Array:
        s += g * g
        return s + self.epsilon


class MeanForTheSum(WrongAdagrad):
    def size(self, g: Array, s: Array, t: int) -> Array:
        s += g * g
        return np.sqrt(s / t) + self.epsilon


class OneNormForAll(WrongAdagrad):
    """The norm of the whole gradient, as in AdaGrad-Norm."""

    def size(self, g: Array, s: Array, t: int) -> Array:
        s += np.sum(g * g)
        return np.sqrt(s) + self.epsilon


class WrongAdadelta(optim.Adadelta):
    """Adadelta, of which each subclass spoils one part."""

    def ratio(self, u: Array, v: Array) -> Array:
        return np.sqrt((u + self.epsilon) / (v + self.epsilon))

    def kept(self, d: Array) -> Array:
        return d

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, v, u = parts(self, grad, w)
        v[...] = self.rho * v + (1 - self.rho) * g * g
        d = self.ratio(u, v) * g
        u[...] = self.rho * u + (1 - self.rho) * self.kept(d) ** 2
        w -= self.lr * d


class AdadeltaEpsilonOutside(WrongAdadelta):
    def ratio(self, u: Array, v: Array) -> Array:
        return (np.sqrt(u) + self.epsilon) / (np.sqrt(v) + self.epsilon)


class RateInTheSteps(WrongAdadelta):
    """The average is that of the steps with their rate."""

    def kept(self, d: Array) -> Array:
        return self.lr * d


class NewSteps(WrongAdadelta):
    """The average of the steps contains the present gradient already."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, v, u = parts(self, grad, w)
        v[...] = self.rho * v + (1 - self.rho) * g * g
        d = self.ratio(u, v) * g
        u[...] = self.rho * u + (1 - self.rho) * d**2
        w -= self.lr * self.ratio(u, v) * g


class WrongLion(optim.Lion):
    """Lion, of which each subclass spoils one part."""

    def rates(self) -> tuple[Any, Any]:
        return self.beta1, self.beta2

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, m = parts(self, grad, w)
        inside, kept = self.rates()
        c = inside * m + (1 - inside) * g
        m[...] = kept * m + (1 - kept) * g
        w *= self.decay()
        w -= self.lr * np.sign(c)

    def decay(self) -> Any:
        return 1 - self.lr * self.weight_decay


class InterpolationWithBeta2(WrongLion):
    def rates(self) -> tuple[Any, Any]:
        return self.beta2, self.beta2


class AverageWithBeta1(WrongLion):
    """Signum: one average for the step and for what is kept."""

    def rates(self) -> tuple[Any, Any]:
        return self.beta1, self.beta1


class LionBetasExchanged(WrongLion):
    def rates(self) -> tuple[Any, Any]:
        return self.beta2, self.beta1


class AverageFirst(WrongLion):
    """m is averaged before the step interpolates."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, m = parts(self, grad, w)
        m[...] = self.beta2 * m + (1 - self.beta2) * g
        w *= self.decay()
        w -= self.lr * np.sign(self.beta1 * m + (1 - self.beta1) * g)


class SmoothLion(WrongLion):
    """optax's mode "smooth": a hyperbolic tangent in place of the sign."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, _, m = parts(self, grad, w)
        c = self.beta1 * m + (1 - self.beta1) * g
        m[...] = self.beta2 * m + (1 - self.beta2) * g
        w *= self.decay()
        w -= self.lr * np.tanh(10 * c)


class LionDecayWithoutTheRate(WrongLion):
    def decay(self) -> Any:
        return 1 - self.weight_decay


class LionCoupledDecay(WrongLion):
    """The decay is part of the gradient, and so only of its sign."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        decay = self.weight_decay
        super().update(w, lambda point: grad(point) + decay * point)

    def decay(self) -> Any:
        return 1.0


class WrongRprop(optim.Rprop):
    """Rprop, of which each subclass spoils one part."""

    def turned(self, w: Array, size: Array, last: Array, sign: Array, turned: Array) -> Array:
        """Return the signs of the step and for the next product."""
        return np.where(turned, 0, sign)

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t, size, last = parts(self, grad, w)
        sign = np.sign(g)
        if t == 1:
            size[...] = self.first()
        size *= np.choose((np.sign(sign * last) + 1).astype(int), [self.shrink, 1, self.grow])
        self.limit(size)
        last[...] = self.turned(w, size, last, sign, sign * last < 0)
        w -= size * last

    def first(self) -> Any:
        return self.lr

    def limit(self, size: Array) -> None:
        np.clip(size, self.smallest, self.largest, out=size)


class NoPause(WrongRprop):
    """After a change of sign the weight moves on with the smaller step: Rprop-."""

    def turned(self, w: Array, size: Array, last: Array, sign: Array, turned: Array) -> Array:
        return sign


class StepsBack(WrongRprop):
    """The original: after a change of sign the last step is taken back."""

    def turned(self, w: Array, size: Array, last: Array, sign: Array, turned: Array) -> Array:
        w += np.where(turned, size / self.shrink * last, 0)
        return np.where(turned, 0, sign)


class NoLimits(WrongRprop):
    def limit(self, size: Array) -> None:
        pass


class RateInEachStep(WrongRprop):
    """The step sizes are factors of the rate, which a schedule then changes."""

    def first(self) -> Any:
        return self.lr * self.grow


# Rule -> a wrong class -> the checks that do not notice it; all others do.
BLIND: dict[str, dict[type[optim.Optimizer], set[str]]] = {
    "adam": {
        NoCorrectionOfTheMean: {"without momentum", "scaling", "zero gradient"},
        NoCorrectionOfTheSquares: {"scaling", "zero gradient"},
        CorrectionOneStepLate: {"scaling", "zero gradient"},
        EpsilonInsideTheRoot: {"zero gradient"},
        EpsilonHat: {"scaling", "zero gradient"},
        NoEpsilon: {"scaling"},
        SquareOfTheMean: {"without momentum", "scaling", "zero gradient"},
        OldMean: {"scaling", "zero gradient"},
        BetasExchanged: {"constant gradient", "scaling", "zero gradient"},
        DampedTwice: {"without momentum", "scaling", "zero gradient"},
        RateInTheMean: {
            "plain",
            "coarse",
            "without momentum",
            "constant gradient",
            "scaling",
            "zero gradient",
        },
    },
    "adamw": {
        CoupledDecay: set(),
        DecayWithoutTheRate: {"scaling"},
        DecayAfterTheStep: {"scaling", "zero gradient"},
        DecayByTheFirstRate: {"plain", "coarse", "without momentum", "scaling", "zero gradient"},
        DecayOfTheQuotient: set(),
    },
    "nadam": {
        PresentMu: {"without momentum", "constant gradient"},
        MuFromZero: {"without momentum"},
        PowerOfMu: {"without momentum", "constant gradient"},
        ConstantMu: {"without momentum", "constant gradient"},
        NoLookAhead: {"without momentum"},
        SquaresTimesBeta2: set(),
    },
    "radam": {
        AdaptiveFromFour: set(),
        NeverAdaptive: set(),
        NoRectification: set(),
        VarianceForItsRoot: set(),
        RhoWithoutTwo: set(),
    },
    "amsgrad": {
        MaximumOfCorrected: {"constant gradient"},
        MaximumOfTwo: {"constant gradient"},
        NoMaximum: {"constant gradient"},
        NoCorrections: set(),
        MaximumInTheAverage: {"constant gradient"},
    },
    "adamax": {
        EpsilonAtTheDivision: {"constant gradient"},
        CorrectionOfTheMaximum: set(),
        AverageForTheMaximum: {"constant gradient"},
        MaximumThatStays: {"constant gradient"},
        AdaMaxWithoutCorrection: {"without momentum"},
    },
    "rmsprop": {
        RMSpropEpsilonInside: set(),
        RMSpropCorrected: {"scaling"},
        RateOutsideTheVelocity: {
            "plain",
            "coarse",
            "momentum",
            "scheduled",
            "constant gradient",
            "scaling",
        },
        VelocityIsAnAverage: {"plain", "coarse", "scheduled", "constant gradient", "scaling"},
        NesterovsVelocity: {"plain", "coarse", "scheduled", "constant gradient", "scaling"},
        VelocityOfTheGradient: {"plain", "coarse", "scheduled", "constant gradient", "scaling"},
    },
    "rmsprop-centered": {
        NotCentered: set(),
        CenteredByTheOldMean: set(),
        CenteredGradient: set(),
    },
    "adagrad": {
        AdagradEpsilonInside: set(),
        NoRoot: set(),
        MeanForTheSum: {"scaling"},
        OneNormForAll: {"scaling"},
    },
    "adadelta": {
        AdadeltaEpsilonOutside: set(),
        RateInTheSteps: {"plain"},
        NewSteps: set(),
    },
    "lion": {
        InterpolationWithBeta2: {"constant gradient", "zero gradient"},
        AverageWithBeta1: {"constant gradient", "zero gradient"},
        LionBetasExchanged: {"constant gradient", "zero gradient"},
        AverageFirst: {"constant gradient", "zero gradient"},
        SmoothLion: {"zero gradient"},
        LionDecayWithoutTheRate: {"plain", "constant gradient"},
        LionCoupledDecay: {"plain", "constant gradient"},
    },
    "rprop": {
        NoPause: {"constant gradient"},
        StepsBack: {"constant gradient"},
        NoLimits: {"plain", "constant gradient"},
        RateInEachStep: set(),
    },
}
FAULTS = [(fault, rule) for rule, faults in BLIND.items() for fault in faults]
UNSPOILED = [
    WrongAdam, WrongNAdam, WrongRAdam, WrongAMSGrad, WrongAdaMax, WrongRMSprop, WrongCentered,
    WrongAdagrad, WrongAdadelta, WrongLion, WrongRprop,
]  # fmt: skip
NAMES = {entry.optimizer: entry.name for entry in optim.TABLE}


def caught(make: Any, rule: str) -> set[str]:
    """Return the names of the checks that the class does not pass."""
    names = set()
    for name, check in CHECKS[rule].items():
        try:
            check(make)
        except AssertionError:
            names.add(name)
    return names


@pytest.mark.parametrize("rule", CHECKS)
def test_right_rule_passes_every_check(rule: str) -> None:
    right = optim.lookup(rule).optimizer
    assert caught(right, rule) == set()
    check_loss_went_down(right, rule)


@pytest.mark.parametrize("wrong", UNSPOILED)
def test_a_wrong_rule_with_nothing_spoiled_is_the_right_one(wrong: type) -> None:
    rule = NAMES[wrong.__bases__[0]]
    assert caught(wrong, rule) == set()


@pytest.mark.parametrize(("fault", "rule"), FAULTS, ids=[f.__name__ for f, _ in FAULTS])
def test_wrong_rule_is_caught_by_exactly_these_checks(fault: Any, rule: str) -> None:
    assert BLIND[rule][fault] < set(CHECKS[rule])
    assert caught(fault, rule) == set(CHECKS[rule]) - BLIND[rule][fault]


# The first step of one is 0.1 / g; those of the other are in proportion to epsilon.
DOES_NOT_TRAIN = (NoRoot, AdadeltaEpsilonOutside)


@pytest.mark.parametrize(("fault", "rule"), FAULTS, ids=[f.__name__ for f, _ in FAULTS])
def test_loss_goes_down_with_every_wrong_rule_but_two(fault: Any, rule: str) -> None:
    if fault in DOES_NOT_TRAIN:
        with pytest.raises((AssertionError, RuntimeWarning)):
            check_loss_went_down(fault, rule)
    else:
        check_loss_went_down(fault, rule)


def test_every_rule_has_faults_and_every_check_is_needed_by_one() -> None:
    assert set(BLIND) == set(CHECKS)
    for rule, checks in CHECKS.items():
        needed = set().union(*(set(checks) - blind for blind in BLIND[rule].values()))
        assert needed == set(checks)
