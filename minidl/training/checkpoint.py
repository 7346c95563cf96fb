"""The callback that saves a run while it trains."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt

from minidl.checks import check_count
from minidl.files import check_path
from minidl.training.callbacks import Callback
from minidl.training.model_file import check_extra
from minidl.training.run_file import save_run
from minidl.training.trainer import Trainer


class Checkpoint(Callback):
    """Save the run to a file every few epochs, before the first one, and at the end.

    The file holds the latest state, and the arrays of `extra`; see :func:`save_run`,
    :func:`load_run` and :func:`load_model`. The position in the list of callbacks does not matter:
    callbacks after it see the saved epoch when the run is continued.
    """

    _checks: ClassVar = {"every": partial(check_count, "every")}

    def __init__(
        self,
        path: str | Path,
        *,
        every: int = 1,
        extra: Mapping[str, npt.ArrayLike] | None = None,
    ) -> None:
        check_path(path)
        self.path = Path(path)
        self.every = every
        check_extra(extra)
        self.extra = extra

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: path and frequency are settings of the new checkpoint."""
        return {}

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        """Save every few epochs."""
        if trainer.epoch % self.every == 0:
            self.write(trainer)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Save the last state, unless an error or Ctrl-C has ended the run."""
        if trainer.history.stopped_by not in (None, "interrupted"):
            self.write(trainer)

    def write(self, trainer: Trainer) -> None:
        """Save the run now."""
        save_run(trainer, self.path, self.extra)
