"""Methods of custom classes: what other libraries call them, and the names of their arguments."""

from minidl.words.table import Table, table

# fmt: off
# Base class -> a method that is never called -> what to write instead.
METHODS: dict[str, Table] = {
    "Layer": table(("call", "Rename it to forward(self, x, training=False).")),
    "Loss": table(
        ("forward call loss", "Rename it to mean(self, outputs, targets); outputs come first."),
    ),
    "Optimizer": table(
        ("step update_step apply_gradients apply minimize",
         "Rename it to update(self, w, grad), with grad a function: w -= self.lr * grad(w)."),
    ),
    "Callback": table(
        ("epoch_begin epoch_start before_epoch", "Rename it to on_epoch_begin(self, trainer, "
         "epoch)."),
        ("epoch_end after_epoch", "Rename it to on_epoch_end(self, trainer, record)."),
        ("on_validation_begin on_validation_end on_validation_epoch_end validation_end",
         "on_epoch_end(self, trainer, record) has the validation loss in its record."),
    ),
}
# Method -> names that another library's method has in the place of trainer, outputs or training.
MISPLACED: Table = {
    "forward": "mask y h hx hidden state context target targets",
    "mean": "y_true y target targets true label labels",
    "on_fit_begin": "logs epochs",
    "on_epoch_begin": "epoch logs",
    "on_epoch_end": "epoch logs",
    "on_fit_end": "logs",
}
# Attributes that no class may set, not even a custom one: to set them is to expect something.
NEVER_SET = frozenset(["trainable", "requires_grad", "frozen"])
