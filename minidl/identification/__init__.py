"""Identify the rule that an optimizer implements: probes, reference rules, comparison."""

from minidl.identification.api import identify
from minidl.identification.compare import Check, Difference
from minidl.identification.facts import Facts
from minidl.identification.response import Response, record
from minidl.identification.result import Identification

__all__ = ["Check", "Difference", "Facts", "Identification", "Response", "identify", "record"]
