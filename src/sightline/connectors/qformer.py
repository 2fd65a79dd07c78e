"""Learned queries share their self-attention with a text and look at the picture in every other layer.

From: BLIP-2 (2301.12597); question-aware queries are InstructBLIP's (2305.06500); queries over the queries of frames
and over audio clips are Video-LLaMA's (2306.02858).
Departures: frames are placed by elapsed seconds; the question comes as the encoder's word vectors.
Shapes: body: context [B, S, C] and text [B, L, D] -> queries [B, Q, D], text [B, L, D]; connectors: tokens [B, T, N, D]
(audio: one token a clip, N = 1) -> [B, M, W], every token over the whole video.

Who may look at whom (rows look at columns; padding is never looked at):

    task                    query to query  query to text  text to query  text to text
    itc  contrastive              yes             no             no            yes
    itg  generation               yes             no             yes         earlier only
    itm  matching                 yes             yes            yes           yes
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.connectors.clips import over_everything, question, tokens_and_mask
from sightline.nn.attention import Residual, attention_block
from sightline.nn.padding import cleared
from sightline.nn.positions import SecondsEmbedding, elapsed, sinusoid
from sightline.nn.transformer import feed_forward
from sightline.records import Prefix, Seen, Words

TASKS = {"itc": (False, False, False), "itg": (False, True, True), "itm": (True, True, False)}


def task_mask(task: str, queries: int, text_mask: Tensor) -> Tensor:
    """The table above as [B, Q + L, Q + L] for text_mask [B, L]."""
    query_sees_text, text_sees_query, only_earlier = TASKS[task]
    batch, length = text_mask.shape
    allowed = torch.ones(queries + length, queries + length, dtype=torch.bool, device=text_mask.device)
    allowed[:queries, queries:] = query_sees_text
    allowed[queries:, :queries] = text_sees_query
    if only_earlier:
        allowed[queries:, queries:] = allowed[queries:, queries:].tril()
    valid = torch.cat([text_mask.new_ones(batch, queries), text_mask], dim=1)
    return allowed & valid[:, None, :]


class QFormerLayer(nn.Module):
    """Queries and text attend together; queries look at the picture; each thinks with its own feed-forward."""

    def __init__(self, width: int, heads: int, hidden: int, context_width: int | None, text: bool, eps: float) -> None:
        super().__init__()
        self.attend = attention_block(width, heads, order="post", eps=eps)
        self.look = (
            attention_block(width, heads, context_width=context_width, order="post", eps=eps) if context_width else None
        )
        self.think = Residual(feed_forward(width, hidden), width, order="post", eps=eps)
        self.think_text = Residual(feed_forward(width, hidden), width, order="post", eps=eps) if text else None
        if self.think_text is not None:
            self.think.load_state_dict(self.think_text.state_dict())

    def forward(
        self, x: Tensor, queries: int, mask: Tensor | None, context: Tensor, context_mask: Tensor | None
    ) -> Tensor:
        x = self.attend(x, mask=mask)
        asks, text = x[:, :queries], x[:, queries:]
        if self.look is not None:
            asks = self.look(asks, context, mask=context_mask)
        if self.think_text is not None:
            text = self.think_text(text)
        return torch.cat([self.think(asks), text], dim=1)


class QFormer(nn.Module):
    """`text_out=False` leaves out the last layer's text half, which nobody reads when only queries are handed on."""

    def __init__(
        self,
        width: int,
        queries: int,
        *,
        context_width: int,
        heads: int = 4,
        layers: int = 2,
        cross_every: int = 2,
        hidden: int | None = None,
        text: bool = True,
        text_out: bool = True,
        eps: float = 1e-12,
    ) -> None:
        super().__init__()
        self.queries = nn.Parameter(0.02 * torch.randn(queries, width))
        self.norm = nn.LayerNorm(width, eps=eps)
        self.layers = nn.ModuleList(
            QFormerLayer(
                width,
                heads,
                hidden or 4 * width,
                context_width if layer % cross_every == 0 else None,
                text and (text_out or layer < layers - 1),
                eps,
            )
            for layer in range(layers)
        )

    def forward(
        self,
        context: Tensor,
        context_mask: Tensor | None = None,
        text: Tensor | None = None,
        text_mask: Tensor | None = None,
        task: str = "itm",
    ) -> tuple[Tensor, Tensor]:
        count = self.queries.shape[0]
        x, mask = self.queries.expand(len(context), -1, -1), None
        if text is not None:
            x = torch.cat([x, text], dim=1)
            valid = torch.ones(text.shape[:2], dtype=torch.bool, device=text.device) if text_mask is None else text_mask
            mask = task_mask(task, count, valid)
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, count, mask, context, context_mask)
        return x[:, :count], x[:, count:]


class QFormerConnector(nn.Module):
    """One Q-Former over the tokens of all frames. With words, the queries know the question."""

    def __init__(
        self,
        width: int,
        out_width: int,
        tokens: int | None = None,
        *,
        words_width: int | None = None,
        inner: int = 256,
        heads: int = 4,
        layers: int = 2,
    ) -> None:
        super().__init__()
        self.when = SecondsEmbedding(width)
        self.read = nn.Linear(words_width or width, inner)
        self.qformer = QFormer(inner, tokens or 32, context_width=width, heads=heads, layers=layers, text_out=False)
        self.project = nn.Linear(inner, out_width)

    def forward(self, seen: Seen, words: Words | None = None) -> Prefix:
        tokens, mask = tokens_and_mask(seen)
        when = self.when(elapsed(torch.as_tensor(seen.seconds, device=mask.device), mask))
        placed = tokens + when[:, :, None]
        asked, asked_mask = read_question(self.read, words)
        context_mask = mask.repeat_interleave(tokens.shape[2], dim=1)
        queries, _ = self.qformer(placed.flatten(1, 2), context_mask, asked, asked_mask)
        return over_everything(self.project(queries), seen, mask)


def read_question(read: nn.Linear, words: Words | None) -> tuple[Tensor | None, Tensor | None]:
    """The question's words in the Q-Former's width, with their positions; nothing where nothing was asked."""
    if words is None:
        return None, None
    tokens, mask = question(words)
    tokens = read(cleared(tokens, mask))
    place = sinusoid(torch.arange(tokens.shape[1], device=tokens.device), tokens.shape[2])
    return tokens + 0.02 * place.to(tokens.dtype), mask


class VideoQFormer(nn.Module):
    """A Q-Former on every frame, then one over the frames' queries, looking in every layer."""

    def __init__(
        self,
        width: int,
        out_width: int,
        tokens: int | None = None,
        *,
        words_width: int | None = None,
        per_frame: int = 8,
        inner: int = 256,
        heads: int = 4,
        layers: int = 2,
    ) -> None:
        super().__init__()
        self.read = nn.Linear(words_width or width, inner)
        self.frame = QFormer(inner, per_frame, context_width=width, heads=heads, layers=layers, text_out=False)
        self.when = SecondsEmbedding(inner)
        self.video = QFormer(
            inner, tokens or 32, context_width=inner, heads=heads, layers=layers, cross_every=1, text=False
        )
        self.project = nn.Linear(inner, out_width)

    def forward(self, seen: Seen, words: Words | None = None) -> Prefix:
        tokens, mask = tokens_and_mask(seen)
        frames = mask.shape[1]
        asked, asked_mask = (
            None if part is None else part.repeat_interleave(frames, dim=0) for part in read_question(self.read, words)
        )
        per_frame, _ = self.frame(tokens.flatten(0, 1), None, asked, asked_mask)
        when = self.when(elapsed(torch.as_tensor(seen.seconds, device=mask.device), mask))
        placed = per_frame.unflatten(0, mask.shape) + when[:, :, None]  # [B, T, q, inner]
        context_mask = mask.repeat_interleave(placed.shape[2], dim=1)
        queries, _ = self.video(placed.flatten(1, 2), context_mask)
        return over_everything(self.project(queries), seen, mask)
