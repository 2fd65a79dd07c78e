"""Cuts English and Chinese (and any other) text into pieces learned from given texts, and puts it together again.

From: byte-pair encoding (1508.07909) over bytes, as GPT-2 reads; trained and run by the `tokenizers` package.
Departures: trained on the texts at hand and kept beside the model (`tokenizer.json`); a text that spells out one of
the special pieces ("<end>") is text, never a command.
Shapes: texts -> ids and mask [B, L]; padding at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from sightline.errors import BadModel

FILE = "tokenizer.json"
SPECIAL = ("<pad>", "<start>", "<end>")
PAD, START, END = range(3)


class Tokenizer:
    def __init__(self, pieces: Pieces) -> None:
        pieces.encode_special_tokens = True  # whatever a text spells, it stays text
        self.pieces = pieces

    @classmethod
    def trained(cls, texts: Iterable[str], size: int = 4096, words: Iterable[str] = ()) -> Tokenizer:
        """The most useful pieces of these texts, at most `size` (at least the 256 bytes and the special ones).

        No piece reaches over the border of one of `words`: for a writing without spaces.
        """
        pieces = Pieces(models.BPE())
        pieces.normalizer = normalizers.NFC()
        cuts = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        if longest_first := sorted(words, key=lambda word: (-len(word), word)):
            cuts.insert(0, pre_tokenizers.Split(Regex("|".join(map(re.escape, longest_first))), "isolated"))
        pieces.pre_tokenizer = pre_tokenizers.Sequence(cuts)
        pieces.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        pieces.train_from_iterator(texts, trainer)
        return cls(pieces)

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        path = Path(folder) / FILE
        if not path.is_file():
            raise BadModel(f"{folder} has no {FILE}: a model is kept with the tokenizer it was trained with; save both")
        try:
            pieces = Pieces.from_str(path.read_text(encoding="utf-8"))
        except Exception as cause:  # the package raises nothing narrower
            raise BadModel(f"{path} cannot be read as a tokenizer ({cause}): copy the model again") from cause
        found = tuple(pieces.id_to_token(number) for number in range(len(SPECIAL)))
        if found != SPECIAL:
            raise BadModel(f"{path} begins with the pieces {found}, not {SPECIAL}: it was made by something else")
        return cls(pieces)

    def save(self, folder: Path) -> None:
        (Path(folder) / FILE).write_text(self.pieces.to_str(), encoding="utf-8")

    def __len__(self) -> int:
        return int(self.pieces.get_vocab_size())

    def ids(self, text: str) -> list[int]:
        return list(self.pieces.encode(text, add_special_tokens=False).ids)

    def text(self, ids: Sequence[int]) -> str:
        """The text again; special pieces and bytes that do not add up to a character are left out or replaced."""
        return str(self.pieces.decode([int(number) for number in ids], skip_special_tokens=True))

    def batch(self, texts: Sequence[str], *, start: bool = True, end: bool = False) -> tuple[Tensor, Tensor]:
        """ids and mask [B, L] of whole texts."""
        return padded([[START] * start + self.ids(text) + [END] * end for text in texts])


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of different lengths as ids [B, L] and mask [B, L]."""
    lengths = torch.tensor([len(row) for row in rows])
    longest = int(lengths.max())
    ids = torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows], dtype=torch.long)
    return ids.reshape(len(rows), longest), torch.arange(longest) < lengths[:, None]
