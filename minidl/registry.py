"""Names: one registry each for optimizers, losses, activations, initializers and data sets."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from minidl.errors import ArgumentError, UnknownNameError

T = TypeVar("T")


def normalise(name: object) -> str:
    """Return a name in lower case, without spaces, ``-`` and ``_``.

    Examples
    --------
    >>> normalise("Leaky-ReLU")
    'leakyrelu'
    """
    return re.sub(r"[\s_-]", "", str(name).lower())


class Registry(Mapping[str, T], Generic[T]):
    """A mapping from names to things that also accepts aliases and other spellings.

    `kind` says in errors what the names stand for, such as ``"loss"``.

    Examples
    --------
    >>> losses = Registry[str]("loss")
    >>> losses.add("mean_squared_error", "the MSE", aliases=["mse"])
    >>> losses["MSE"], losses["Mean-Squared-Error"], list(losses)
    ('the MSE', 'the MSE', ['mean_squared_error'])
    >>> losses["msr"]  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minidl.errors.UnknownNameError: unknown loss 'msr': expected one of: mean_squared_error...
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self._aliases: dict[str, str] = {}
        self._canonical: dict[str, str] = {}  # normalised spelling -> name

    def add(self, name: str, entry: T, aliases: Iterable[str] = ()) -> None:
        """Register `entry` under `name` and its aliases; raise if one is already registered."""
        for spelling in (name, *aliases):
            if normalise(spelling) in self._canonical:
                article = "an" if self.kind[0] in "aeiou" else "a"
                raise ArgumentError(f"there is already {article} {self.kind} named {spelling!r}")
        self._entries[name] = entry
        self._aliases.update(dict.fromkeys(aliases, name))
        self._canonical.update({normalise(n): name for n in (name, *aliases)})

    def remove(self, name: object) -> None:
        """Forget a name with its aliases; an unknown one is an UnknownNameError."""
        gone = self.canonical(name)
        del self._entries[gone]
        for names in (self._aliases, self._canonical):
            for spelling in [n for n, target in names.items() if target == gone]:
                del names[spelling]

    def canonical(self, name: object) -> str:
        """Return the registered name that `name` is a spelling or an alias of.

        Raises
        ------
        UnknownNameError
            The name is not registered; the message suggests the nearest.
        """
        try:
            return self._canonical[normalise(name)]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._entries, self._aliases) from None

    def aliases(self, name: str) -> tuple[str, ...]:
        """Return the aliases of a registered name."""
        return tuple(alias for alias, target in self._aliases.items() if target == name)

    def __getitem__(self, name: str) -> T:
        return self._entries[self.canonical(name)]

    def __contains__(self, name: object) -> bool:
        return normalise(name) in self._canonical

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
