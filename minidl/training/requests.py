"""How a run asks for what is to be computed, so that one or many networks can be answered."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

__all__ = ["Requests", "next_of"]

Requests = Generator[str, Any, None]  # of "train" and "measure"; see Trainer._requests


def next_of(requests: Requests, answer: Any) -> str | None:
    """Give an answer, and return what is asked for next, or None at the end."""
    try:
        return requests.send(answer)
    except StopIteration:
        return None
