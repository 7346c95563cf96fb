"""The compiled epoch: one step is recorded, and replayed without Python."""

from minidl.engine.measured import RIGHT, record_measure
from minidl.engine.record import record
from minidl.engine.runner import DONE, GUARD, LOSS, Runner, machine, numbers_of
from minidl.engine.shared import runner_of
from minidl.engine.tape import NotRecordable
from minidl.engine.worth import worthwhile

__all__ = ["DONE", "GUARD", "LOSS", "RIGHT", "NotRecordable", "Runner", "machine", "numbers_of"]
__all__ += ["record", "record_measure", "runner_of", "worthwhile"]
