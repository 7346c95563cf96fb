"""The table of rules: right ones, their forms in other libraries, and known faults.

A row of VARIANTS changes a rule of BASES in one respect. If it is a *form*, it still is that rule;
otherwise it is a fault. MODIFIERS are put on top of any of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from minidl.identification import formulas as f
from minidl.identification.formulas import Formula, Moment
from minidl.identification.modifiers import Modifier

LINEAR, SCALED, SIGNS = "linear", "scaled", "signs"


@dataclass(frozen=True)
class Rule:
    """A formula with free hyperparameters; `base` is the class of the right rule.

    `title` is what it is called, `form` whether it counts as `base`, `look` gives the vector from
    the weights to the point of the gradient, `also` where else the rule is, and `cure`
    what to write instead of a fault.
    """

    base: str
    title: str
    family: str
    free: tuple[str, ...]
    formula: Formula
    look: Callable[[Moment], Any] | None = None
    form: bool = True
    also: str = ""
    cure: str = ""
    modifiers: tuple[Modifier, ...] = ()

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """The names of all free hyperparameters, the learning rate first."""
        of_modifiers = [name for modifier in self.modifiers for name in modifier.free]
        return ("lr", *self.free, *of_modifiers)

    def modified(self, *modifiers: Modifier) -> "Rule":
        """Return this rule with modifiers on top; some of them give it another name."""
        base, title, also = self.base, self.title, ""
        for m in modifiers:
            if name := RENAMED.get((base, m.key)):
                also = ALSO.get((title, m.key), "")
                base, title = name.split()[0], title.replace(base, name, 1)
            else:
                link = ", " if "," in title else " "
                joint = " and " if " with" in title else ", " if "," in title else " "
                title += (joint if m.words.startswith("with") else link) + m.words
        form = self.form and all(m.form for m in modifiers)
        all_modifiers = (*self.modifiers, *modifiers)
        also = self.also if not all_modifiers else also if len(all_modifiers) == 1 else ""
        return replace(self, base=base, title=title, form=form, also=also, modifiers=all_modifiers)


def _look(times: str, outside: bool = False) -> Callable[[Moment], Any]:
    """Return the vector to the look-ahead point: minus m v, or one of its faults."""

    def look(x: Moment) -> Any:
        v = x.s.get("v", 0.0) * (x.a if outside else 1.0)
        return {"m v": -x.h.momentum * v, "back": x.h.momentum * v, "v": -v}[times]

    return look


M, B = ("momentum",), ("beta1", "beta2", "epsilon")
NESTEROV = "torch.optim.SGD and keras.optimizers.SGD with nesterov=True, optax.sgd(nesterov=True)"
BASES = (
    Rule("GradientDescent", "GradientDescent", LINEAR, (), lambda g, x: x.a * g,
         also="torch.optim.SGD, keras.optimizers.SGD, optax.sgd"),
    Rule("Momentum", "Momentum", LINEAR, M, f.velocity,
         also="the heavy ball, and SGD(momentum=) of PyTorch, Keras and optax"),
    Rule("NAG", "NAG", LINEAR, M, f.velocity, _look("m v"),
         also="Nesterov's accelerated gradient, with the gradient at the look-ahead point"),
    Rule("ReformulatedNAG", "NAG, stored at the look-ahead point", LINEAR, M,
         partial(f.velocity, stored="ahead"), also=NESTEROV),
    Rule("RMSprop", "RMSprop", SCALED, ("rho", "epsilon"), f.rmsprop, also="torch.optim.RMSprop"),
    Rule("Adagrad", "Adagrad", SCALED, ("epsilon",), f.adagrad, also="torch.optim.Adagrad"),
    Rule("Adadelta", "Adadelta", SCALED, ("rho", "epsilon"), f.adadelta,
         also="Adadelta of PyTorch, Keras and optax"),
    Rule("Adam", "Adam", SCALED, B, f.adam, also="torch.optim.Adam, optax.adam"),
    Rule("AdaMax", "AdaMax", SCALED, B, f.adamax, also="torch.optim.Adamax, optax.adamax"),
    Rule("AMSGrad", "AMSGrad", SCALED, B, partial(f.adam, peak="uncorrected"),
         also="torch.optim.Adam(amsgrad=True)"),
    Rule("RAdam", "RAdam", SCALED, B, f.radam, also="torch.optim.RAdam"),
    Rule("NAdam", "NAdam", SCALED, (*B, "momentum_decay"), partial(f.adam, nesterov="dozat"),
         also="torch.optim.NAdam, keras.optimizers.Nadam"),
    Rule("CenteredRMSprop", "CenteredRMSprop", SCALED, ("rho", "epsilon"),
         partial(f.rmsprop, centered="variance"), also="torch.optim.RMSprop(centered=True)"),
    Rule("Rprop", "Rprop", SIGNS, ("shrink", "grow", "smallest", "largest"), f.rprop,
         also="torch.optim.Rprop, optax.rprop"),
    Rule("Lion", "Lion", SIGNS, ("beta1", "beta2"), f.lion,
         also="keras.optimizers.Lion, optax.lion"),
)  # fmt: skip
BASE = {rule.base: rule for rule in BASES}
RENAMED = {
    ("Adam", "decoupled"): "AdamW",
    ("Adam", "decoupled, no rate"): "AdamW whose decay is not multiplied by the learning rate",
    ("Adam", "after"): "AdamW whose decay comes after the step",
    ("Adam", "growth"): "AdamW whose decay has the wrong sign",
    ("Lion", "decoupled"): "Lion",
    ("GradientDescent", "decoupled"): "GradientDescent with weight decay",  # as in the gradient
}
ALSO = {
    ("Adam", "decoupled"): "torch.optim.AdamW and optax.adamw, whose decay is multiplied by the"
    " learning rate",
    ("Adam", "decoupled, no rate"): "the paper's AdamW; PyTorch, Keras and optax multiply the decay"
    " by the learning rate",
    ("Adam with epsilon hat", "decoupled"): "keras.optimizers.AdamW, whose decay is multiplied by"
    " the learning rate",
    ("GradientDescent", "decoupled"): "torch.optim.SGD(weight_decay=)",
    ("Lion", "decoupled"): "keras.optimizers.Lion(weight_decay=), optax.lion",
}


def _variant(base: str, title: str, formula: Formula, form: bool = False, **fields: Any) -> Rule:
    return replace(BASE[base], title=title, formula=formula, form=form, **{"also": "", **fields})


def _form(base: str, title: str, formula: Formula, also: str = "", **fields: Any) -> Rule:
    return _variant(base, title, formula, True, also=also, **fields)


def _velocity(**options: Any) -> Formula:
    return partial(f.velocity, **options)


def _adam(**options: Any) -> Formula:
    return partial(f.adam, **options)


def _rmsprop(**options: Any) -> Formula:
    return partial(f.rmsprop, **options)


RM = ("rho", "epsilon", "momentum")
OUTSIDE = "with the learning rate outside the velocity"
FORMS = (
    _form("Momentum", f"Momentum, {OUTSIDE}", _velocity(outside=True),
          "torch.optim.SGD(momentum=), optax.sgd"),
    _form("ReformulatedNAG", f"NAG, stored at the look-ahead point, {OUTSIDE}",
          _velocity(stored="ahead", outside=True), "torch.optim.SGD(nesterov=True), optax.sgd"),
    _form("NAG", f"NAG, {OUTSIDE}", _velocity(outside=True), look=_look("m v", True)),
    _form("Momentum", "Momentum with dampening", _velocity(gain="dampened", outside=True),
          "torch.optim.SGD(dampening=)", free=("momentum", "dampening")),
    _form("Adam", "Adam with epsilon hat", _adam(eps="hat"), "keras.optimizers.Adam"),
    _form("AMSGrad", "AMSGrad with epsilon hat", _adam(eps="hat", peak="uncorrected"),
          "keras.optimizers.Adam(amsgrad=True)"),
    _form("AMSGrad", "AMSGrad, the maximum of corrected averages", _adam(peak="corrected"),
          "optax.amsgrad"),
    _form("NAdam", "NAdam with constant momentum", _adam(nesterov="plain"), "optax.nadam", free=B),
    _form("NAdam", "NAdam with constant momentum, both parts corrected for the same step",
          _adam(nesterov="same"), "the NAdam of Ruder's overview (2016)", free=B),
    _form("RAdam", "RAdam with epsilon added to the corrected root",
          partial(f.radam, eps="outside"), "optax.radam"),
    _form("AdaMax", "AdaMax with epsilon outside the maximum", partial(f.adamax, eps="outside"),
          "keras.optimizers.Adamax"),
    _form("RMSprop", "RMSprop with epsilon inside the root", _rmsprop(eps="inside"),
          "keras.optimizers.RMSprop, optax.rmsprop"),
    _form("CenteredRMSprop", "CenteredRMSprop with epsilon inside the root",
          _rmsprop(eps="inside", centered="difference"), "keras.optimizers.RMSprop(centered=True)"),
    _form("Adagrad", "Adagrad with a sum that begins above 0", f.adagrad,
          "torch.optim.Adagrad(initial_accumulator_value=)", free=("epsilon", "initial")),
    _form("Adagrad", "Adagrad with a sum that begins above 0 and epsilon inside the root",
          partial(f.adagrad, eps="none"), "keras.optimizers.Adagrad, optax.adagrad, which have"
          " initial_accumulator_value + epsilon", free=("initial",)),
    _form("Adagrad", "Adagrad with a decaying learning rate", partial(f.adagrad, decay=True),
          "torch.optim.Adagrad(lr_decay=)", free=("epsilon", "lr_decay")),
    _form("CenteredRMSprop", "CenteredRMSprop", _rmsprop(centered="difference"),
          "torch.optim.RMSprop(centered=True)"),
    *(_form(base, f"{base}{words}", _rmsprop(centered=c, eps=eps, heavy=heavy),
            also, free=RM)
      for base, c in (("RMSprop", ""), ("CenteredRMSprop", "variance"),
                      ("CenteredRMSprop", "difference"))
      for words, eps, heavy, also in (
          ("", "outside", "inside", ""),
          (f", {OUTSIDE}", "outside", "outside", "torch.optim.RMSprop(momentum=)"),
          (" with epsilon inside the root", "inside", "inside",
           "RMSprop(momentum=) of Keras and optax"))),
)  # fmt: skip
MEAN = "Write v = momentum * v + lr * g: with 1 - momentum, the steps are that much shorter."
FAULTS = (
    _variant("ReformulatedNAG", "Nesterov, but momentum is applied twice",
             _velocity(stored="chainer"), also="Chainer's NesterovAG",
             cure="Write w -= momentum * v + lr * g: the new v contains momentum already."),
    _variant("ReformulatedNAG", "NAG whose step lacks the gradient",
             _velocity(stored="no gradient"), cure="Write w -= momentum * v + lr * g."),
    _variant("ReformulatedNAG", "NAG whose step lacks the factor momentum",
             _velocity(stored="no momentum"), cure="Write w -= momentum * v + lr * g."),
    _variant("NAG", "NAG that looks back", f.velocity, look=_look("back"),
             cure="Take the gradient at w - momentum * v, where the velocity leads."),
    _variant("NAG", "NAG that looks too far", f.velocity, look=_look("v"),
             cure="Take the gradient at w - momentum * v, not at w - v."),
    *(_variant("Momentum", "Momentum whose velocity is a moving average",
               _velocity(gain="mean", outside=out), cure=MEAN) for out in (False, True)),
    *(_variant("Momentum", "Momentum whose velocity is a moving average with bias correction",
               _velocity(gain="corrected", outside=out), cure=MEAN) for out in (False, True)),
    _variant("Momentum", "Momentum whose old velocity has the wrong sign",
             _velocity(stored="minus"), cure="Write v = momentum * v + lr * g."),
    *(_variant("ReformulatedNAG" if word == "ahead" else "Momentum",
               f"{title} whose learning rate is applied twice",
               _velocity(gain="rate", outside=True, stored=word),
               cure="Multiply by lr once, in the velocity or in the step.")
      for word, title in (("theta", "Momentum"),
                          ("ahead", "NAG, stored at the look-ahead point,"))),
    _variant("Momentum", "Momentum that steps before it updates the velocity",
             _velocity(stored="late"), cure="Update v first, then write w -= v."),
    _variant("NAG", "NAG that steps from the look-ahead point", _velocity(stored="from ahead"),
             look=_look("m v"), cure="Take the gradient there, but write w -= v from w: v contains"
             " momentum * v already."),
    _variant("ReformulatedNAG", "NAG whose step adds the old velocity instead of subtracting it",
             _velocity(stored="old added"),
             cure="Write w -= (1 + momentum) * v - momentum * v_old."),
    _variant("NAG", "NAG whose velocity is a moving average", _velocity(gain="mean"),
             look=_look("m v"), cure=MEAN),
    _variant("ReformulatedNAG",
             "NAG, stored at the look-ahead point, whose velocity is a moving average",
             _velocity(gain="mean", stored="ahead"), cure=MEAN),
    _variant("RMSprop", "RMSprop without epsilon", _rmsprop(eps="none"), free=("rho",)),
    _variant("RMSprop", "RMSprop without the root", _rmsprop(eps="no root"),
             cure="Divide by sqrt(v) + epsilon, not by v + epsilon."),
    _variant("RMSprop", "RMSprop whose average lacks the factor 1 - rho", _rmsprop(how="sum"),
             cure="Write v = rho * v + (1 - rho) * g**2."),
    _variant("RMSprop", "RMSprop that divides before it updates the average",
             _rmsprop(how="late"), cure="Update v first: in the first step, it is 0."),
    _variant("Adagrad", "Adagrad without the root", partial(f.adagrad, eps="no root"),
             cure="Divide by sqrt(s) + epsilon, not by s + epsilon."),
    _variant("Adagrad", "Adagrad without epsilon", partial(f.adagrad, eps="none"), free=()),
    _variant("Adadelta", "Adadelta with epsilon outside the root",
             partial(f.adadelta, eps="outside")),
    _variant("Adam", "Adam without bias correction", _adam(first=False, second=False),
             cure="Divide m by 1 - beta1**t and v by 1 - beta2**t, with t = 1 in the first step."),
    _variant("Adam", "Adam without bias correction of the first moment", _adam(first=False),
             cure="Divide m by 1 - beta1**t, with t = 1 in the first step."),
    _variant("Adam", "Adam without bias correction of the second moment", _adam(second=False),
             cure="Divide v by 1 - beta2**t, with t = 1 in the first step."),
    _variant("Adam", "Adam whose bias correction lacks the power t", _adam(constant=True),
             cure="Divide by 1 - beta**t, not by 1 - beta."),
    _variant("Adam", "Adam that goes on with the corrected moments", _adam(kept=True),
             cure="Keep m and v as they are: write m_hat = m / (1 - beta1**t)."),
    _variant("Adam", "Adam with epsilon inside the root", _adam(eps="inside"),
             cure="Write sqrt(v) + epsilon, not sqrt(v + epsilon)."),
    _variant("Adam", "Adam without epsilon", _adam(eps="none"), free=("beta1", "beta2"),
             cure="Divide by sqrt(v) + epsilon: 0/0 is NaN while a gradient is 0."),
    _variant("Adam", "Adam whose bias correction is one step ahead", _adam(shift=1),
             cure="Count t from 1: in the first step, divide by 1 - beta**1."),
    _variant("Adam", "Adam whose second moment is of m instead of g", _adam(of="m"),
             cure="Write v = beta2 * v + (1 - beta2) * g**2."),
    _variant("Adam", "Adam whose second moment is of |g| instead of g^2", _adam(of="abs"),
             cure="Write v = beta2 * v + (1 - beta2) * g**2."),
    _variant("Adam", "Adam without the root of the second moment", _adam(eps="no root"),
             cure="Divide by sqrt(v) + epsilon, not by v + epsilon."),
    _variant("Adam", "Adam whose second moment is of g - m", _adam(of="surprise"),
             also="AdaBelief, without its epsilon in v",
             cure="Write v = beta2 * v + (1 - beta2) * g**2."),
    _variant("Adam", "Adam whose second moment is shared by all weights", _adam(of="all"),
             cure="Keep a v for each weight: no mean over the gradient."),
    _variant("Adam", "Adam whose first moment lacks the factor 1 - beta1", _adam(sum_first=True),
             cure="Write m = beta1 * m + (1 - beta1) * g."),
    _variant("Adam", "Adam without bias correction and with epsilon inside the root",
             _adam(first=False, second=False, eps="inside")),
    _variant("AMSGrad", "AMSGrad without bias correction",
             _adam(first=False, second=False, peak="uncorrected"), also="the paper's algorithm,"
             " but for epsilon"),
    _variant("AdaMax", "AdaMax without bias correction", partial(f.adamax, first=False),
             cure="Divide m by 1 - beta1**t, with t = 1 in the first step."),
    _variant("Lion", "sign descent: Lion without an average", f.sign, free=()),
    _variant("Lion", "sign descent that divides by |g|", lambda g, x: x.a * g / np.abs(g), free=(),
             cure="Use np.sign(g): g / |g| is NaN for a gradient of 0."),
    _variant("Rprop", "Rprop that takes each step one call late", partial(f.rprop, late=True),
             also="optax.rprop of version 0.2"),
    _variant("Rprop", "Rprop that also steps when the sign changes",
             partial(f.rprop, back="step")),
)  # fmt: skip
