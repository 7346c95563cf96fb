"""Answers to wrong calls and unknown attributes: what minidl calls the words of other libraries.

The words are in :mod:`minidl.words`. A right call pays 0.1 us; Python finds that a call is wrong.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dis import opmap
from types import FrameType, FunctionType
from typing import Any, ClassVar, NoReturn, TypeVar

from minidl.checks import is_minidl
from minidl.errors import (
    CallError,
    UnknownAttributeError,
    UnknownImportError,
    UnknownKeywordError,
)
from minidl.spelling import close_matches
from minidl.subclasses import check_methods
from minidl.words import ARGUMENTS, ATTRIBUTES, NEVER_SET, NOTES, PLACES, USAGE

T = TypeVar("T", bound=Callable[..., Any])
MAKING = "_being_made"  # in an object's attributes while its __init__ runs
SHORT = 72  # a longer signature is shown only if there is no other answer


def answers(target: T) -> T:
    """Give a function, a method or a class answers to wrong calls, and a class to wrong attributes.

    Signatures, docstrings and pickles stay as they are.

    >>> @answers
    ... def f(lr): ...
    >>> f(learning_rate=0.1)
    Traceback (most recent call last):
    ...
    minidl.errors.UnknownKeywordError: f(lr) has no argument learning_rate. Write lr=... instead.
    """
    if not isinstance(target, type):
        return _answered(target)
    if isinstance(vars(target).get("__init__"), FunctionType):
        wrapped = _making if issubclass(target, Answering) else _answered
        target.__init__ = wrapped(target.__init__)  # type: ignore[misc]
    words = ATTRIBUTES.get(target.__name__)
    if words and target.__module__.startswith("minidl."):
        absent = Elsewhere if issubclass(target, Answering) else Refused
        for word in [word for word in words if not hasattr(target, word)]:
            setattr(target, word, absent(word, words[word]))
        setattr(target, "__dir__", _names)  # noqa: B010
    return target


def _names(self: object) -> list[str]:
    """Return the attributes without those that only raise, for dir() and completion."""
    names = {name: inspect.getattr_static(type(self), name, None) for name in object.__dir__(self)}
    attributes = vars(self) if hasattr(self, "__dict__") else {}
    return [n for n, value in names.items() if n in attributes or not isinstance(value, Elsewhere)]


class Answering:
    """A base that gives :func:`answers` to its subclasses, also to custom ones.

    An object of a class of minidl refuses to set words of other libraries, arguments of the
    constructor without an attribute of that name, and misspelt attributes once it is made; other
    names can be set. Custom classes refuse only `NEVER_SET`. Settings in `_checks` are checked
    whenever they are set.
    """

    _checks: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}  # setting -> valid value, or error

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        check_methods(cls)
        answers(cls)

    def __init__(self) -> None:
        super().__init__()

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.__dict__:
            _check_word(self, name)
        checks = self._checks
        object.__setattr__(self, name, checks[name](value) if name in checks else value)


def _check_word(instance: object, name: str) -> None:
    """Raise if an attribute that a class does not have is a word of other libraries for another."""
    cls: type[Any] = type(instance)
    missing = object()
    attribute = next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), missing)
    if isinstance(attribute, Elsewhere) and (is_minidl(instance) or name in NEVER_SET):
        attribute.__get__(instance, cls)  # raises
    if (
        attribute is missing
        and is_minidl(instance)
        and MAKING not in vars(instance)
        and _is_public(cls)
    ):
        if any(name in vars(c).get("__annotations__", {}) for c in cls.__mro__):
            return  # declared, and set later
        accepted = _arguments(cls.__init__)
        right = [] if name in accepted else ARGUMENTS.get(name.lower(), "").split()
        answer = next((f"Write {word} = ... instead." for word in right if word in accepted), None)
        answer = answer or (None if name in accepted else PLACES.get(name))
        if answer is not None:
            message = f"{cls.__name__!r} object has no attribute {name!r}"
            raise UnknownAttributeError(message, hint=answer)
        if name[0] != "_":
            _check_spelling(instance, name)


def _check_spelling(instance: object, name: str) -> None:
    """Raise if a new attribute is an argument of the constructor, or nearly the name of another."""
    cls: type[Any] = type(instance)
    names = {n for n in {*vars(instance), *dir(cls)} - {*_arguments(cls.__init__)} if n[0] != "_"}
    if name in _arguments(cls.__init__):
        hint = f"Give it when the object is made: {cls.__name__}(..., {name}=...)."
    elif near := close_matches(name, {*names, *_arguments(cls.__init__)}, n=1, cutoff=0.8):
        hint = f"Did you mean {near[0]!r}?"
    else:
        return
    raise UnknownAttributeError(f"{cls.__name__!r} object has no attribute {name!r}", hint=hint)


def _is_public(cls: type) -> bool:
    """Return whether a class can be found in its module, unlike those of an example."""
    return getattr(sys.modules.get(cls.__module__), cls.__name__, None) is cls


@functools.cache
def _arguments(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of the arguments of a function."""
    return frozenset(inspect.signature(function).parameters)


class Elsewhere:
    """An attribute that another library has: reading it raises an error that says what to write.

    A class holds it in place of ``__getattr__``, which would make every other attribute slower.
    """

    def __init__(self, word: str, answer: str) -> None:
        self.word, self.answer = word, answer

    def __get__(self, instance: object, owner: type) -> Any:
        """Raise, unless a class after this one, such as a mixin, has the attribute."""
        for cls in owner.__mro__:
            value = vars(cls).get(self.word, self)
            if not isinstance(value, Elsewhere):
                return value.__get__(instance, owner) if hasattr(value, "__get__") else value
        message = f"{owner.__name__!r} object has no attribute {self.word!r}"
        raise UnknownAttributeError(message, hint=self.answer)

    def __repr__(self) -> str:
        return f"<not here: {self.answer}>"


class Refused(Elsewhere):
    """The same for a class that nobody extends; assigning it is an error, too."""

    def __set__(self, instance: object, value: object) -> None:
        self.__get__(instance, type(instance))


def attribute_of(
    module: str, search: Callable[[str], str | None] = lambda name: None
) -> Callable[[str], NoReturn]:
    """Return the ``__getattr__`` of a module: an error for a name that the module does not have.

    `search` may know an answer to a name that the table of words does not have.
    """

    def __getattr__(name: str) -> NoReturn:  # noqa: N807
        words = ATTRIBUTES.get(module, {})
        answer = words.get(name) or search(name)
        if answer is None:
            room = sys.modules[module]
            names = [*getattr(room, "__all__", dir(room)), *words]
            near = close_matches(name, names, n=1, cutoff=0.75)
            answer = words.get(near[0], f"Did you mean {near[0]!r}?") if near else None
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_name == "__getattr__":
            frame = frame.f_back
        path = f"{sys.modules[module].__name__}.{name}"
        if _is_import(frame) and path not in sys.modules:  # or Python shows no text
            raise UnknownImportError(f"there is no {name!r} in {module}", hint=answer)
        raise UnknownAttributeError(f"module {module!r} has no attribute {name!r}", hint=answer)

    return __getattr__


def _is_import(frame: FrameType) -> bool:
    """Return whether a frame is at ``from module import name``."""
    return frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]


def _answered(function: T) -> T:
    """Return the function, with a better error if Python cannot call it with these arguments."""

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise  # from within the function
            answer = wrong_call(function, arguments, keywords)
            if answer is None:
                raise
            raise answer from None

    return call  # type: ignore[return-value]


def _making(function: T) -> T:
    """Return an ``__init__`` with answers, during which any attribute may be set."""
    answered = _answered(function)

    @functools.wraps(function)
    def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807
        attributes = vars(self)
        if MAKING in attributes:
            answered(self, *arguments, **keywords)
            return
        attributes[MAKING] = True
        try:
            answered(self, *arguments, **keywords)
        finally:
            del attributes[MAKING]

    return __init__  # type: ignore[return-value]


_answer_init = _making(Answering.__init__)
Answering.__init__ = _answer_init  # type: ignore[method-assign]


def wrong_call(
    function: Callable[..., Any], arguments: Sequence[Any], keywords: Mapping[str, Any]
) -> CallError | None:
    """Return the error for arguments that do not fit the function, or None if they do."""
    parameters = list(inspect.signature(function).parameters.values())
    name = function.__name__
    if parameters and parameters[0].name in ("self", "cls"):
        if not arguments:
            owner, _, method = function.__qualname__.rpartition(".")
            advice = f"Make one first: {owner}(...).{method}(...)."
            return CallError(f"{owner}.{method} is called without a {owner}", hint=advice)
        name = _called(function, arguments[0])
        parameters, arguments = parameters[1:], arguments[1:]
    accepted = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    shown = [p.replace(annotation=p.empty) for p in parameters]
    call = f"{name}{inspect.Signature(shown)}"
    usage = USAGE.get(name)
    if unknown := next((word for word in keywords if word not in accepted), None):
        candidates = (unknown, *ARGUMENTS.get(unknown, "").split())
        special = (PLACES.get(f"{name}.{word}") for word in candidates)
        hint = next(filter(None, special), None) or answer_keyword(unknown, accepted)
        call = call if hint is None or len(call) <= SHORT else name
        return UnknownKeywordError(f"{call} has no argument {unknown}", hint=hint)
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    call = call if usage is None or len(call) <= SHORT else name
    if twice := [word for word in positional[: len(arguments)] if word in keywords]:
        return CallError(f"{call} was given {twice[0]} twice", hint=usage)
    if len(arguments) > len(positional):
        keyword_only = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        usage = usage or (f"Write {keyword_only[0]}=... and so on." if keyword_only else None)
        takes = f"takes {len(positional)} argument{'' if len(positional) == 1 else 's'}"
        return CallError(f"{call} {takes} without a name, got {len(arguments)}", hint=usage)
    received = {*positional[: len(arguments)], *keywords}
    missing = [p.name for p in parameters if p.default is p.empty and p.name in accepted]
    words = " and ".join(word for word in missing if word not in received)
    return CallError(f"{call} needs {words}", hint=usage) if words else None


def _called(function: Callable[..., Any], owner: object) -> str:
    """Return the name of a method, or of the class to which an ``__init__`` belongs."""
    cls = owner if isinstance(owner, type) else type(owner)
    if function.__name__ != "__init__":
        return f"{cls.__name__}.{function.__name__}"
    constructor = getattr(cls, "__init__")  # noqa: B009
    if function in (constructor, getattr(constructor, "__wrapped__", None)):
        return cls.__name__
    if function.__qualname__.startswith(Answering.__name__):
        return next(c.__name__ for c in reversed(cls.__mro__) if Answering in c.__bases__)
    return function.__qualname__.split(".")[-2]  # called by a subclass


def answer_keyword(word: str, accepted: Sequence[str]) -> str | None:
    """Return the advice for a keyword, given those that the function takes.

    >>> answer_keyword("learning_rate", ["lr"]), answer_keyword("momentun", ["lr", "momentum"])
    ('Write lr=... instead.', 'Write momentum=... instead.')
    """
    if word.lower() in accepted:
        return f"Write {word.lower()}=... instead."
    right = ARGUMENTS.get(word.lower(), "").split()
    near = close_matches(word.lower(), accepted, n=1)
    for candidate in [*right, *([] if right or word.lower() in PLACES else near)]:
        if candidate in accepted:
            note = NOTES.get(f"{word.lower()} {candidate}")
            return f"Write {candidate}=... instead." + (f" {note}" if note else "")
    places = (PLACES.get(candidate) for candidate in (word.lower(), *right))
    return next((place for place in places if place), None)
