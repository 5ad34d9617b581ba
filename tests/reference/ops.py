"""Values of single operations, as the tests of ops/ and kernels/ have them in their text.

    python tests/reference/ops.py

prints, in double: gelu in its tanh form, log_softmax, normalize and l1_loss of torch, each with the gradient of the sum
of its values times the weights given.
"""

import torch
import torch.nn.functional as F


def show(title, f, x, weights):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y = f(x)
    (y * torch.tensor(weights, dtype=torch.float64)).sum().backward()
    print(title)
    print("  value   ", [float(v) for v in y.detach().flatten()])
    print("  gradient", [float(v) for v in x.grad.flatten()])


WEIGHTS = [1.0, -2.0, 0.5, -1.0, 0.25, 2.0]
X = [-2.0, 0.5, 1.5, 3.0, -1.0, 2.0]

show("gelu, tanh", lambda x: F.gelu(x, approximate="tanh"), X, WEIGHTS)
rows = [X[:3], X[3:]]
row_weights = [WEIGHTS[:3], WEIGHTS[3:]]
show("log_softmax over the last axis", lambda x: F.log_softmax(x, dim=-1), rows, row_weights)
show("normalize over the last axis", lambda x: F.normalize(x, dim=-1), rows, row_weights)
show("normalize of a short row, eps 10", lambda x: F.normalize(x, dim=-1, eps=10.0), rows, row_weights)
TARGET = torch.tensor([1.0, 0.5, 1.25, -3.0, -1.5, 2.25], dtype=torch.float64)
show("l1_loss, gradient of 1.5 times it", lambda x: F.l1_loss(x, TARGET), X, 1.5)
