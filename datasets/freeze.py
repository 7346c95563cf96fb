"""Write the frozen copies: every generated set as CSV, their checksums, and facts in the cards.

Run ``python datasets/freeze.py``; it prints which files changed, and running it again changes
nothing. It is needed only when a generator changes on purpose: a test compares what the
installed scikit-learn and NumPy generate with the frozen copies.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np

from minidl.datasets import TABLE, Info, generate, load, names

HERE = Path(__file__).parent
ROWS, SEED = 1000, 0
# A card starts with its name as a heading and a list, which this script rewrites.
CARD = re.compile(r"^## (\w+)\n\n(?:- .*\n)*", re.MULTILINE)


def csv_text(name: str) -> str:
    """Return the frozen copy of a generated set; ``repr`` of a float reads back exactly."""
    X, y = generate(name, n=ROWS, seed=SEED)
    header = [f"x{j}" for j in range(X.shape[1])] + ["target"]
    rows = [[*x, t] for x, t in zip(X.tolist(), y.tolist(), strict=True)]
    return "\n".join([",".join(header), *(",".join(map(repr, row)) for row in rows), ""])


def facts(info: Info) -> str:
    """Return the list at the top of a card: what can be counted, and how to get the rows."""
    data = load(info.name, test_size=0)
    counted = [f"{len(data.y_train)} rows", f"{data.n_features} features", "regression"]
    if info.classes:
        counts = " + ".join(map(str, np.bincount(data.y_train)))
        counted[2] = f"{info.classes} classes ({counts})"
    if info.noise is None:
        lines = [", ".join(counted), f'Load: `load("{info.name}")`; part of scikit-learn']
    else:
        call = f'generate("{info.name}", n={ROWS}, noise={info.noise:g}, seed={SEED})'
        file = f"{info.name}.csv"
        lines = [
            ", ".join([*counted, f"noise {info.noise:g}"]),
            f'Load: `load("{info.name}")`, or frozen, `load("datasets/{file}")`',
            f"Raw rows: `{call}`",
            f"File: [{file}]({file})",
        ]
    return "".join(f"- {line}\n" for line in lines).replace(" 1 features", " 1 feature")


def cards(text: str) -> str:
    """Return the cards with their lists written anew; there must be one card per set."""
    found = CARD.findall(text)
    if found != list(names()):
        raise SystemExit(f"README.md has cards for {found}, the table has {names()}")
    by_name = {info.name: info for info in TABLE}
    return CARD.sub(lambda card: f"## {card[1]}\n\n{facts(by_name[card[1]])}", text)


def frozen() -> dict[str, str]:
    """Return every file this script writes, as file name -> content."""
    made = [info.name for info in TABLE if info.kind == "generated"]
    files = {f"{name}.csv": csv_text(name) for name in sorted(made)}
    sums = [f"{hashlib.sha256(text.encode()).hexdigest()}  {f}\n" for f, text in files.items()]
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    return {**files, "SHA256SUMS": "".join(sums), "README.md": cards(readme)}


def main() -> None:
    """Write what changed."""
    for name, text in frozen().items():
        path = HERE / name
        content = text.encode()
        if path.exists() and path.read_bytes() == content:
            print(f"same     {name}")
        else:
            path.write_bytes(content)
            print(f"changed  {name}")


if __name__ == "__main__":
    main()
