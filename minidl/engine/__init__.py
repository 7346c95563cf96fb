"""The compiled epoch: one step is recorded, and replayed without Python."""

from minidl.engine.draws import drawn
from minidl.engine.record import plain_step, record
from minidl.engine.runner import GUARD, LOSS, Runner, machine, numbers_of
from minidl.engine.tape import NotRecordable

__all__ = [
    "GUARD", "LOSS", "NotRecordable", "Runner", "drawn", "machine", "numbers_of", "plain_step",
    "record",
]  # fmt: skip
