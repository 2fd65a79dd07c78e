"""A small language model that continues text after visual tokens, remembers what it has read, and weighs options.

From: GPT-2 (pre-norm, learned places, output tied to the word table) with exact GELU; a visual prefix as in LLaVA
(2304.08485); options ranked by their likelihood as ALBEF does for answers (2107.07651), or each judged yes or no.
Departures: places count valid words, so padding may stand anywhere, between prefix and text too.
Shapes: ids and mask [B, L], prefix [B, M, W] -> logits [B, L, V] of the word after each of ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.errors import BadRecord
from sightline.nn.attention import Attention, Residual, pairs
from sightline.nn.transformer import feed_forward
from sightline.records import Prefix


@dataclass
class Memory:
    """What was read: keys and values [B, heads, L, W / heads] for each layer, and which of it is valid [B, L]."""

    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    mask: Tensor | None = None

    def joined(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Adds what a layer has just read; gives back all of it."""
        if layer == len(self.layers):
            self.layers.append((keys, values))
        else:
            old_keys, old_values = self.layers[layer]
            self.layers[layer] = torch.cat([old_keys, keys], dim=2), torch.cat([old_values, values], dim=2)
        return self.layers[layer]

    def repeated(self, times: int) -> Memory:
        """The same past for several futures: row b * times + i continues row b."""
        layers = [(k.repeat_interleave(times, dim=0), v.repeat_interleave(times, dim=0)) for k, v in self.layers]
        return Memory(layers, None if self.mask is None else self.mask.repeat_interleave(times, dim=0))


class RememberingAttention(Attention):
    """Self-attention of new words to all words so far."""

    def __init__(self, width: int, heads: int, layer: int) -> None:
        super().__init__(width, heads)
        self.layer = layer

    def forward(self, x: Tensor, memory: Memory, mask: Tensor) -> Tensor:  # type: ignore[override]
        keys, values = memory.joined(self.layer, self._split(self.key(x)), self._split(self.value(x)))
        mixed = F.scaled_dot_product_attention(self._split(self.query(x)), keys, values, attn_mask=pairs(mask))
        return self._join(mixed)


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, layer: int) -> None:
        super().__init__()
        self.attend = Residual(RememberingAttention(width, heads, layer), width)
        self.think = Residual(feed_forward(width, 4 * width), width)

    def forward(self, x: Tensor, memory: Memory, mask: Tensor) -> Tensor:
        return self.think(self.attend(x, memory, mask=mask))


class TinyLM(nn.Module):
    def __init__(self, vocabulary: int, width: int, heads: int, layers: int, *, longest: int = 512) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(longest, width)
        self.layers = nn.ModuleList(Layer(width, heads, layer) for layer in range(layers))
        self.norm = nn.LayerNorm(width)
        self.verdict = nn.Linear(width, 1)  # yes or no, once an answer was read
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.positions.weight, std=0.01)

    def forward(
        self, ids: Tensor, mask: Tensor | None = None, prefix: Prefix | None = None, memory: Memory | None = None
    ) -> Tensor:
        """The odds of each next word. With a memory, ids go on where it ends; a prefix comes with the first words."""
        return F.linear(self.read(ids, mask, prefix, memory), self.words.weight)

    def read(
        self, ids: Tensor, mask: Tensor | None = None, prefix: Prefix | None = None, memory: Memory | None = None
    ) -> Tensor:
        """What the last layer holds at each of ids, normed; a memory grows by them. -> [B, L, W]"""
        memory = Memory() if memory is None else memory
        x, new = self.words(ids), torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        if prefix is not None:
            if memory.mask is not None:
                raise BadRecord("a prefix stands before all words; this memory has read some already: start a new one")
            x, new = torch.cat([prefix.embeddings, x], dim=1), torch.cat([prefix.mask, new], dim=1)
        every = new if memory.mask is None else torch.cat([memory.mask, new], dim=1)
        length = new.shape[1]
        places = (every.cumsum(dim=1) - 1).clamp(min=0)[:, every.shape[1] - length :]
        x = x.masked_fill(~new[..., None], 0.0) + self.positions(self._that_fit(places))
        memory.mask = every
        sees = valid_before_and_itself(every, length)
        for layer in self.layers:
            x = layer(x, memory, sees)
        return self.norm(x[:, length - ids.shape[1] :])

    def _that_fit(self, places: Tensor) -> Tensor:
        longest = self.positions.num_embeddings
        if places.numel() and int(places.max()) >= longest:
            raise BadRecord(
                f"{int(places.max()) + 1} words with the visual ones, and this model has {longest} places: show fewer "
                "frames, shorten the text, or stretch the model with language.context_extension.extended"
            )
        return places


def valid_before_and_itself(mask: Tensor, length: int) -> Tensor:
    """What the last `length` words may look at; padding sees itself, so that no row is empty.  -> [B, length, L]"""
    order = torch.arange(mask.shape[1], device=mask.device)
    now = order[len(order) - length :, None]
    return (order < now) & mask[:, None] | (order == now)


def last_valid(mask: Tensor) -> Tensor:
    """The place of each row's last valid word.  [B, L] -> [B]"""
    return torch.where(mask, torch.arange(mask.shape[1], device=mask.device), 0).amax(dim=1)


def option_scores(
    model: TinyLM,
    prompt: tuple[Tensor, Tensor],
    options: tuple[Tensor, Tensor],
    prefix: Prefix | None = None,
    *,
    per_word: bool = False,
) -> Tensor:
    """How likely each option is as the continuation: the sum (or the mean) of its words' log-probabilities.

    The prompt is read once; nothing but the options can be answered.
    Shapes: prompt ids and mask [B, L], options ids and mask [B, O, A] (padding at the end) -> [B, O].
    """
    ids, mask = _begun(options)
    memory = Memory()
    read = model(*prompt, prefix, memory)
    before = read[torch.arange(len(read), device=read.device), last_valid(prompt[1])]  # [B, V]
    count = ids.shape[1]
    after = model(ids.flatten(0, 1), mask.flatten(0, 1), memory=memory.repeated(count)).unflatten(0, (-1, count))
    logits = torch.cat([before[:, None, None].expand(-1, count, 1, -1), after[:, :, :-1]], dim=2)  # [B, O, A, V]
    said = logits.log_softmax(dim=-1).gather(-1, ids[..., None])[..., 0].masked_fill(~mask, 0.0)
    return said.sum(dim=-1) / (mask.sum(dim=-1) if per_word else 1)


def option_verdicts(
    model: TinyLM, prompt: tuple[Tensor, Tensor], options: tuple[Tensor, Tensor], prefix: Prefix | None = None
) -> Tensor:
    """How surely yes: each option is read behind the prompt; its words say whether it is so, in log-odds, their mean.

    To recognise an answer is learned much sooner than to say it.
    From: the matching head of ALBEF (2107.07651), and SeViLA's yes or no (2305.06988).
    Shapes: as in `option_scores` -> [B, O]
    """
    ids, mask = _begun(options)
    memory, count = Memory(), ids.shape[1]
    model.read(*prompt, prefix, memory)
    read = model.read(ids.flatten(0, 1), mask.flatten(0, 1), memory=memory.repeated(count))
    said = model.verdict(read).unflatten(0, (-1, count))[..., 0].masked_fill(~mask, 0.0)  # [B, O, A]
    return said.sum(dim=-1) / mask.sum(dim=-1)


def _begun(options: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    mask = options[1]
    if not bool(mask[..., 0].all()):
        sample, option = (int(n) for n in (~mask[..., 0]).nonzero()[0])
        raise BadRecord(f"option {option} of question {sample} has no first word: options begin at 0 and have a word")
    return options
