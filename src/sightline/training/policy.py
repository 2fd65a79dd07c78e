"""What of a model learns, and how: named by the beginning of parameter names, the longest beginning decides.

    POLICY = {"": "trained", "lm": "lora 8", "chooser": "trained 0.5"}

"trained" learns at the course's rate, "trained 0.5" at half of it; "frozen" does not learn but still drops out as in
training; "locked" does not learn and stays as when reading (LiT); "lora 8" keeps the weights and learns a rank-8 change
beside each linear layer.

From: LoRA (arXiv 2106.09685) as the `peft` package does it; LiT (arXiv 2111.07991) for locked towers.
Departures: alpha is twice the rank, as ViLA's and GCG's code have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sightline.errors import BadQuery, MissingExtra

Policy = Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """One policy word, understood: its name and its number (a share of the rate, or a rank)."""

    name: str
    number: float

    @classmethod
    def of(cls, words: str) -> Rule:
        name, _, number = words.partition(" ")
        if name not in ("trained", "frozen", "locked", "lora") or (number and name in ("frozen", "locked")):
            raise BadQuery(f"a policy is 'trained', 'trained 0.1', 'frozen', 'locked' or 'lora 8', not {words!r}")
        try:
            return cls(name, float(number) if number else {"trained": 1.0, "lora": 8.0}.get(name, 0.0))
        except ValueError:
            raise BadQuery(f"the number of a policy is a share of the rate or a rank, not {number!r}") from None


def rule_for(name: str, policy: Policy) -> Rule:
    """The rule whose beginning fits the parameter's name; the longest one that does. Nothing fits: trained."""
    fitting = [start for start in policy if not start or name == start or name.startswith(start + ".")]
    return Rule.of(policy[max(fitting, key=len)] if fitting else "trained")


def applied(model: Any, policy: Policy) -> Any:
    """Sets what learns and adds what LoRA learns beside; a second call with another policy replaces the first."""
    for start in policy:
        if start and not any(name == start or name.startswith(start + ".") for name, _ in model.named_modules()):
            raise BadQuery(f"the policy names {start!r}, and the model has no such part")
    for start, words in policy.items():
        rule = Rule.of(words)
        if rule.name == "lora":
            _add_lora(model.get_submodule(start), int(rule.number))
    for name, parameter in model.named_parameters():
        rule = rule_for(name, policy)
        parameter.requires_grad_(rule.name == "trained" or (rule.name == "lora" and "lora_" in name))
        parameter.grad = None  # of the stage before
    return model


def in_training(model: Any, policy: Policy) -> None:
    """Training mode, but for what is locked."""
    model.train()
    for start, words in policy.items():
        if Rule.of(words).name == "locked":
            model.get_submodule(start).eval()


def groups(model: Any, policy: Policy, decay: float) -> list[dict[str, Any]]:
    """Parameter groups for AdamW; `share` is the group's part of the rate. Only matrices decay."""
    sorted_in: dict[tuple[float, float], list[Any]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rule = rule_for(name, policy)
            share = rule.number if rule.name == "trained" else 1.0
            sorted_in.setdefault((share, decay if parameter.ndim >= 2 else 0.0), []).append(parameter)
    return [
        {"params": members, "weight_decay": own_decay, "share": share}
        for (share, own_decay), members in sorted(sorted_in.items(), key=lambda item: (-item[0][0], -item[0][1]))
    ]


def _add_lora(part: Any, rank: int) -> None:
    from torch import nn

    if any("lora_" in name for name, _ in part.named_parameters()):
        return
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as missing:
        raise MissingExtra("LoRA", "lab") from missing
    linear = [name for name, module in part.named_modules() if isinstance(module, nn.Linear)]
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=linear), part)
