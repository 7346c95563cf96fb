"""The work of ``minidl train --dataset moons`` with PyTorch alone, measured only at the end.

The script draws the moons, which is faster than importing scikit-learn for them.
"""

import math

import torch
from torch import nn

EPOCHS = 100

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
angle = torch.linspace(0, math.pi, 500)
outer = torch.stack([angle.cos(), angle.sin()], 1)
inner = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
X = torch.cat([outer, inner]) + 0.2 * torch.randn(1000, 2)
y = torch.cat([torch.zeros(500, 1), torch.ones(500, 1)])
order = torch.randperm(1000)
X, X_test, y, y_test = X[order[:750]], X[order[750:]], y[order[:750]], y[order[750:]]
X, X_test = (X - X.mean(0)) / X.std(0), (X_test - X.mean(0)) / X.std(0)
model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
loss_function = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
for _ in range(EPOCHS):
    order = torch.randperm(750)
    for i in range(0, 750, 32):
        rows = order[i : i + 32]
        optimizer.zero_grad()
        loss_function(model(X[rows]), y[rows]).backward()
        optimizer.step()
with torch.no_grad():
    z, z_test = model(X), model(X_test)
    print(f"accuracy {((z > 0) == y).double().mean():.4f}", end=", ")
    print(f"on test rows {((z_test > 0) == y_test).double().mean():.4f}")
    print(f"{EPOCHS} epochs, loss {loss_function(z, y):.4f}")
