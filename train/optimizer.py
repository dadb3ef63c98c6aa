"""Muon for the kernels, AdamW for the rest.

Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/) turns the momentum of a weight matrix into the
nearest matrix whose singular values are all about one, so that rare directions learn as fast as common ones. The size
of a step is scaled as by Liu et al. (2025, https://arxiv.org/abs/2502.16982, section 2.2) to what AdamW would take, so
one learning rate serves both.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

# Coefficients of a quintic iteration that drives singular values in (0, 1] to between 0.7 and 1.2 (Jordan et al.).
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_RMS_OF_ADAMW = 0.2


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal. Parameters have two dimensions or more; all but the first count as one."""

    def __init__(
        self, parameters: list[nn.Parameter], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update; `closure` is not used."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum: Tensor = state["momentum"]
                momentum.lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(momentum, group["momentum"])  # Nesterov
                matrix = ahead.flatten(1)
                size = _RMS_OF_ADAMW * max(matrix.shape) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(orthogonalised(matrix).view_as(parameter), alpha=-group["lr"] * size)


def orthogonalised(matrix: Tensor) -> Tensor:
    """The same row and column spaces, with all singular values of a full-rank matrix between 0.7 and 1.2.

    Examples
    --------
    >>> values = torch.linalg.svdvals(orthogonalised(torch.tensor([[3.0, 0.0], [0.0, 0.1]])))
    >>> bool((values > 0.6).all() and (values < 1.3).all())
    True
    """
    a, b, c = _QUINTIC
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.T if is_tall else x
    return result


def make_optimizers(
    model: nn.Module, kind: Literal["adamw", "muon"], *, lr: float, weight_decay: float
) -> tuple[torch.optim.Optimizer, ...]:
    """AdamW for all (``"adamw"``), or Muon for the kernels and AdamW for heads, norms and biases (``"muon"``)."""
    kernels: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_kernel = kind == "muon" and parameter.ndim == 4 and not name.startswith("head")
        (kernels if is_kernel else others).append(parameter)
    adamw: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay, "betas": (0.9, 0.98)}
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, **adamw)]
    if kernels:
        optimizers.append(Muon(kernels, lr=lr, weight_decay=weight_decay))
    return tuple(optimizers)
