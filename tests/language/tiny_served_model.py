"""A tiny vision-language model of a real class, made here: SmolVLM from `transformers`, 140,000 weights.

It reads chat messages (texts and pictures) and writes token by token, freely or held to a JSON schema. Without lessons
its weights are random and its words are noise, but every picture and every word passes through it. With lessons it
learns a few exchanges by heart and to see.
Shapes: pictures [1, tiles, 3, 32, 32]; a tile becomes 4 tokens; ids [1, L].
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tiny_forms import is_whole, may_become

from sightline.language.tokenizer import END, START, Tokenizer

TILE, TILE_PIXELS, TOKENS_A_TILE = 32, 64, 4
SPREAD = 0.16  # of the first weights: at the usual 0.02 so small a model hardly looks at what it is shown
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Written:
    """One token: its bytes, its log-probability, and the likeliest at its place."""

    data: bytes
    logprob: float
    others: list[tuple[bytes, float]]


class TinyModel:
    def __init__(self, tokenizer: Tokenizer, seed: int = 0, longest: int = 4096) -> None:
        from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration

        torch.manual_seed(seed)
        self.tokenizer, words = tokenizer, len(tokenizer)
        self.image, self.roles = words, {role: words + 1 + place for place, role in enumerate(ROLES)}
        config = SmolVLMConfig(
            vision_config={
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": TILE,
                "patch_size": 8,
                "initializer_range": SPREAD,
            },
            text_config={
                "model_type": "llama",
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "num_key_value_heads": 2,
                "vocab_size": words + 1 + len(ROLES),
                "max_position_embeddings": longest,
                "pad_token_id": 0,
                "bos_token_id": START,
                "eos_token_id": END,
                "initializer_range": SPREAD,
            },
            image_token_id=self.image,
            pad_token_id=0,
            scale_factor=2,
            initializer_range=SPREAD,
            tie_word_embeddings=True,
        )
        self.model = SmolVLMForConditionalGeneration(config).eval()
        self.bytes = [_bytes_of(tokenizer, number) for number in range(words)]

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save(folder)
        self.model.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> TinyModel:
        from safetensors.torch import load_model

        made = cls(Tokenizer.load(folder))
        load_model(made.model, folder / "model.safetensors", strict=False)
        made.model.tie_weights()
        return made

    @classmethod
    def random(cls) -> TinyModel:
        """A model that has learned nothing; its tokenizer knows the words of the prompt."""
        from sightline.language.served.prompt import ORDERS, REMINDER

        return cls(Tokenizer.trained([ORDERS, REMINDER] * 3, size=500))

    def prompt(self, messages: Sequence[dict[str, Any]]) -> tuple[list[int], torch.Tensor | None]:
        """ids of the dialogue up to where the assistant speaks, and the tiles of its pictures."""
        ids, tiles = [START], []
        for message in messages:
            ids.append(self.roles[message["role"]])
            content = message["content"]
            for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
                if part["type"] == "text":
                    ids += self.tokenizer.ids(part["text"])
                else:
                    new = tiles_of(part["image_url"]["url"])
                    tiles += new
                    ids += [self.image] * (TOKENS_A_TILE * len(new))
            ids.append(END)
        return [*ids, self.roles["assistant"]], torch.stack(tiles)[None] if tiles else None

    def learn(self, lessons: Sequence[tuple[list[dict[str, Any]], str]], steps: int, rate: float = 3e-3) -> list[float]:
        """Learns replies to dialogues, one lesson a step and in turn; gives back the losses."""
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
        losses = []
        self.model.train()
        for step in range(steps):
            dialogue, answer = lessons[step % len(lessons)]
            ids, pictures = self.prompt(dialogue)
            said = [*self.tokenizer.ids(answer), END]
            logits = self.model(input_ids=torch.tensor([ids + said]), pixel_values=pictures).logits[0]
            loss = torch.nn.functional.cross_entropy(logits[len(ids) - 1 : -1], torch.tensor(said))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        self.model.eval()
        return losses


class Writing:
    """A reply being written: freely, or held to a JSON schema."""

    def __init__(self, tiny: TinyModel, messages: Sequence[dict[str, Any]], limit: int) -> None:
        from transformers import DynamicCache

        self.tiny, self.limit, self.count = tiny, limit, 0
        self.memory = DynamicCache()
        ids, pictures = tiny.prompt(messages)
        self.logprobs = self._read(ids, pictures)

    def freely(self) -> Iterator[Written]:
        while self.count < self.limit:
            token = int(self.logprobs[: len(self.tiny.bytes)].argmax())
            if token == END:
                return
            yield self._write(token)

    def in_form(self, schema: dict[str, Any]) -> Iterator[Written]:
        """JSON that this schema takes: always the likeliest token with which the text can still become such JSON."""
        text = b""
        while self.count < self.limit and not is_whole(text, schema):
            for token in self.logprobs[: len(self.tiny.bytes)].argsort(descending=True).tolist():
                longer = text + self.tiny.bytes[token]
                if longer != text and may_become(longer, schema):
                    text = longer
                    yield self._write(token)
                    break
            else:
                raise ValueError(f"no token of the model goes on after {text!r}")

    def _write(self, token: int) -> Written:
        top = self.logprobs[: len(self.tiny.bytes)].topk(20)
        others = [(self.tiny.bytes[int(n)], float(p)) for p, n in zip(top.values, top.indices, strict=True)]
        written = Written(self.tiny.bytes[token], float(self.logprobs[token]), others)
        self.logprobs, self.count = self._read([token]), self.count + 1
        return written

    @torch.no_grad()
    def _read(self, ids: list[int], pictures: torch.Tensor | None = None) -> torch.Tensor:
        out = self.tiny.model(
            input_ids=torch.tensor([ids]), pixel_values=pictures, past_key_values=self.memory, use_cache=True
        )
        return out.logits[0, -1].log_softmax(dim=-1)


def tiles_of(url: str) -> list[torch.Tensor]:
    """A data URL's picture in square tiles: a larger picture costs more tokens."""
    head, _, data = url.partition(",")
    if not head.startswith("data:image/"):
        raise ValueError("only data URLs are taken")
    picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    rows, columns = (min(max(math.ceil(side / TILE_PIXELS), 1), 8) for side in (picture.height, picture.width))
    pixels = np.asarray(picture.resize((columns * TILE, rows * TILE), Image.Resampling.BILINEAR), np.float32)
    whole = torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)
    return [
        whole[:, top : top + TILE, left : left + TILE]
        for top in range(0, rows * TILE, TILE)
        for left in range(0, columns * TILE, TILE)
    ]


def _bytes_of(tokenizer: Tokenizer, number: int) -> bytes:
    """What a piece stands for: byte-level pieces are spelled in an alphabet of 256 printable signs."""
    return bytes(_ALPHABET.get(sign, 63) for sign in tokenizer.pieces.id_to_token(number)) if number > END else b""


def _alphabet() -> dict[str, int]:
    """GPT-2's signs for bytes: printable bytes stand for themselves, the others follow from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


_ALPHABET = _alphabet()
