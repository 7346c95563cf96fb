"""The compiled epoch: one step is recorded, and replayed without Python."""

from minidl.engine.record import record
from minidl.engine.runner import GUARD, LOSS, SETS, Runner, machine, numbers_of
from minidl.engine.tape import NotRecordable

__all__ = ["GUARD", "LOSS", "SETS", "NotRecordable", "Runner", "machine", "numbers_of", "record"]
