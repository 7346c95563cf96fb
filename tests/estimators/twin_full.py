"""Compare all runs of scikit-learn's example on learning strategies with those of their twins.

    python tests/estimators/twin_full.py

It prints the epochs of both, and the largest relative difference of losses, weights and scores. The
example trains digits for 15 epochs, the other data sets for 400; here digits for 400, too.
"""

from __future__ import annotations

import numpy as np
import sklearn
from twin_checks import DATA, GALLERY, difference, fitted, rows_of

EPOCHS = {"digits": (15, 400)}

if __name__ == "__main__":
    print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}")
    print(f"{'data':8} {'strategy':24} {'max_iter':>8} {'theirs':>7} {'ours':>7}  difference")
    largest = 0.0
    for name in DATA:
        X, y = rows_of(name)
        for row, params in GALLERY.items():
            for epochs in EPOCHS.get(name, (400,)):
                theirs, ours = fitted(True, X, y, **params, random_state=0, max_iter=epochs)
                found = difference(theirs, ours)
                found = max(found, np.abs(theirs.predict_proba(X) - ours.predict_proba(X)).max())
                largest = max(largest, found)
                pair = f"{theirs.n_iter_:7} {ours.n_iter_:7}"
                print(f"{name:8} {row:24} {epochs:8} {pair}  {found:.1e}", flush=True)
    print(f"largest difference: {largest:.1e}")
