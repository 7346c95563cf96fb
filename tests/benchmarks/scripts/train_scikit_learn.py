"""The work of ``minidl train --dataset moons`` with scikit-learn, whose loss is the running one."""

import warnings

from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

EPOCHS = 100

X, y = make_moons(1000, noise=0.2, random_state=0)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
scaler = StandardScaler().fit(X)
X, X_test = scaler.transform(X), scaler.transform(X_test)
model = MLPClassifier(
    (16, 16),
    activation="tanh",
    solver="sgd",
    alpha=0.0,
    batch_size=32,
    learning_rate_init=0.1,
    momentum=0.9,
    max_iter=EPOCHS,
    tol=0.0,
    n_iter_no_change=EPOCHS + 1,
    random_state=0,
)
warnings.simplefilter("ignore", ConvergenceWarning)  # that the epochs are used up is intended
model.fit(X, y)
print(f"accuracy {model.score(X, y):.4f}, on test rows {model.score(X_test, y_test):.4f}")
print(f"{model.n_iter_} epochs, loss {model.loss_:.4f}")
