"""Tables and text as HTML for notebooks: escaped, and in the colours of the notebook."""

from collections.abc import Sequence


def table(
    rows: Sequence[Sequence[object]], header: Sequence[object] = (), caption: str = ""
) -> str:
    """Return a table; the first cell of each row names the row. Texts are escaped.

    >>> table([["gd", 0.5]], ["optimizer", "rate"]).count("<th ")
    3
    """
    lines = ["<table>"]
    if caption:
        lines.append(f'<caption style="text-align: left">{escaped(caption)}</caption>')
    if header:
        cells = "".join(f'<th scope="col">{escaped(cell)}</th>' for cell in header)
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    lines.append("<tbody>")
    for name, *values in rows:
        cells = "".join(f"<td>{escaped(value)}</td>" for value in values)
        heading = f'<th scope="row" style="text-align: left">{escaped(name)}</th>'
        lines.append(f"<tr>{heading}{cells}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"])


def settings(rows: Sequence[Sequence[object]], caption: str = "") -> str:
    """Return a table of names and values, which are texts."""
    return table(rows, caption=caption).replace("<td>", '<td style="text-align: left">')


def paragraph(text: object) -> str:
    """Return a paragraph of text."""
    return f"<p>{escaped(text)}</p>"


def preformatted(text: str) -> str:
    """Return a text as it is printed, in lines.

    >>> preformatted("a < b")
    '<pre>a &lt; b</pre>'
    """
    return f"<pre>{escaped(text)}</pre>"


def escaped(text: object) -> str:
    """Return a text in which nothing is markup."""
    from html import escape  # 2 ms, which `import minidl` saves

    return escape(str(text))
