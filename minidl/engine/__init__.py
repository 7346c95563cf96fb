"""The compiled epoch: one step is recorded, and replayed without Python."""

from minidl.engine.draws import drawn
from minidl.engine.jobs import IN, OUT, Jobs, address_of, networks_of
from minidl.engine.measured import RIGHT, record_measure
from minidl.engine.outside import is_custom, reached
from minidl.engine.record import plain_step, record
from minidl.engine.runner import DONE, GUARD, LOSS, SETS, Runner, machine, numbers_of
from minidl.engine.shared import runner_of
from minidl.engine.tape import NotRecordable
from minidl.engine.worth import worthwhile

__all__ = ["DONE", "GUARD", "LOSS", "RIGHT", "SETS", "NotRecordable", "Runner", "drawn", "machine"]
__all__ += ["numbers_of", "plain_step", "reached", "record", "record_measure", "runner_of"]
__all__ += ["IN", "OUT", "Jobs", "address_of", "is_custom", "networks_of", "worthwhile"]
