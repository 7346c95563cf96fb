"""Train in a custom loop: the parameters are one vector, and the optimizer updates it.

The optimizer calls a function, point -> gradient of the batch at that point, because NAG needs the
gradient at the look-ahead point and not at the weights.
"""

import numpy as np

from minidl import datasets, nn, optim


def main() -> None:
    data = datasets.load("moons", seed=0)
    model = nn.mlp(2, 16, 1, seed=0)
    loss = nn.BinaryCrossEntropy()
    optimizer = optim.NAG(lr=0.1, momentum=0.9)
    parameters = model.parameters  # one vector, .value, with its gradient beside it, .grad
    print(f"{parameters.size} parameters: {', '.join(parameters.names)}")

    generator = np.random.default_rng(0)
    for epoch in range(1, 11):
        order = generator.permutation(len(data.X_train))
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]

            def gradient(point: np.ndarray, rows: np.ndarray = rows) -> np.ndarray:
                weights = parameters.value.copy()
                parameters.set(point)
                model.zero_grad()
                loss(model(data.X_train[rows]), data.y_train[rows]).backward()
                parameters.set(weights)
                return parameters.grad

            optimizer.step(parameters.value, gradient)
        value = loss(model(data.X_train), data.y_train).item()
        wrong = np.sum((model.predict(data.X_test)[:, 0] > 0) != data.y_test)
        print(f"epoch {epoch:2d}  train loss {value:.4f}  wrong on {wrong} of {len(data.y_test)}")


if __name__ == "__main__":
    main()
