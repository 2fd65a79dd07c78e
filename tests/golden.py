"""Weights and inputs as the golden numbers were made with them: parameter q, element e is 0.1 sin(0.7 e + q)."""

import math

import torch


def wave(*shape, step=0.3, start=0.0, of=torch.sin):
    return of(step * torch.arange(math.prod(shape), dtype=torch.float64) + start).reshape(shape)


def fill(parameters, norms, start=0):
    """The weights of layer norms are one more."""
    with torch.no_grad():
        for q, parameter in enumerate(parameters, start):
            shift = 1.0 if any(parameter is norm for norm in norms) else 0.0
            parameter.copy_(0.1 * wave(*parameter.shape, step=0.7, start=q) + shift)


def of_the_gaussian(chooser):
    """All parameters of a `GaussianChooser` in the order of the measurement, and those of its layer norms."""
    ordered = [chooser.down[1].weight, chooser.kind, chooser.positions]
    for block in chooser.blocks:
        attention, thinking = block.attend.inner, block.think.inner
        for layer in (attention.query, attention.key, attention.value, attention.out, block.attend.norm):
            ordered += [layer.weight, layer.bias]
        for layer in (thinking[0], thinking[2], block.think.norm):
            ordered += [layer.weight, layer.bias]
    for layer in (chooser.attend[0], chooser.attend[2], chooser.point[1]):
        ordered += [layer.weight, layer.bias]
    return ordered, [norm.weight for block in chooser.blocks for norm in (block.attend.norm, block.think.norm)]
