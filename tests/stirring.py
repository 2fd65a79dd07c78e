"""Norms and gates that begin as one and zero would hide a mistake: every parameter moves a little."""

import torch


def stirred(module, by=0.1):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(by * torch.randn_like(parameter))
    return module.eval()
