"""The page as one file: data, style and scripts in one HTML document that needs no network."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from minidl.errors import ArgumentError, DataError
from minidl.files import atomic_write, check_place

SCRIPTS = ("dom.js", "shades.js", "surface.js", "chart.js", "curves.js", "paths.js", "page.js")
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'"


def check_report(path: str | Path) -> None:
    """Raise if a page could not be written to this file, so that this is known before training.

    ArgumentError: the name does not end in .html. DataError: it is a folder, or in one that does
    not exist.

    Examples
    --------
    >>> check_report("race.pdf")
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: cannot write 'race.pdf': expected a name that ends in .html
    """
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise ArgumentError(f"cannot write {str(path)!r}", expected="a name that ends in .html")
    check_place(path)


def document(title: str, parts: Sequence[Mapping[str, Any]], made_with: Mapping[str, Any]) -> str:
    """Return the HTML of a page; no text in it, whatever it contains, can become markup.

    Parameters
    ----------
    title : str
        The title of the window.
    parts : sequence of dict
        What :func:`minidl.page.race.race` or :func:`minidl.page.run.run` returned.
    made : dict
        `command`, the words of the command line, and `versions` of packages.
    """
    style, script = part("page.css"), "".join(map(part, SCRIPTS))
    policy = f"{NOTHING}; style-src {_hash(style)}; script-src {_hash(script)}"
    text = json.dumps({"parts": list(parts), "made": dict(made_with)}, allow_nan=False)
    pieces = {
        "policy": policy,
        "title": html.escape(title.encode("utf-8", "replace").decode("utf-8")),
        "style": style,
        "data": _harmless(text),
        "script": script,
    }
    template = re.split(r"@(\w+)@", part("page.html"))  # text, name, text, name, ..., text
    return "".join(pieces[word] if k % 2 else word for k, word in enumerate(template))


def write(path: str | Path, page: str) -> None:
    """Write a page to a file, which is replaced; errors are those of :func:`check_report`."""
    check_report(path)
    try:
        with atomic_write(path, "w") as file:
            file.write(page)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None


def part(name: str) -> str:
    """Return the text of a file of this folder."""
    return files("minidl.page").joinpath(name).read_text(encoding="utf-8")


def _harmless(text: str) -> str:
    r"""Return JSON in which no character can end or begin a tag or a comment.

    >>> print(_harmless('"</script>"'))
    "\u003c/script\u003e"
    """
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _hash(text: str) -> str:
    """Return the source of a policy that allows this text alone."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
