"""Turns query texts into the token ids a text tower was trained on, each family with its own rule.

The rule belongs to the tower, because pooling does:
  CLIP, MetaCLIP 2      the state at the end-of-text token; attention looks backwards only, so what follows it is never
                        seen: texts keep their true length, and a short query costs a seventh of the padded one
  SigLIP, SigLIP 2      the state at the last of 64 positions, attention to everything and no mask: the pad tokens are
                        part of what it learned, so a text is always padded to 64, and written in small letters
  Chinese-CLIP, AltCLIP and other BERT-like towers
                        the state at the first token, under a mask: true length
Departures: texts are run in groups of equal length instead of being padded to the longest, so that a text's vector
cannot depend on the texts beside it.
Shapes: texts -> groups of (rows [n], ids [n, L], mask [n, L])
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.encoders.model_folder import TOKENIZER, ModelFolder, read_json
from sightline.errors import BadModel, NoSuchEncoder

Array = Any

LONGEST = {"clip": 77, "metaclip_2": 77, "siglip": 64, "chinese_clip": 52, "altclip": 77}  # as they were trained


@dataclass(frozen=True)
class QueryTokens:
    """A tokenizer with the rule of its family."""

    tokenizer: Any  # tokenizers.Tokenizer, truncating at the longest text the tower takes
    family: str
    longest: int
    pad: int  # used by SigLIP alone
    pad_left: bool = False
    drop_punctuation: bool = False

    def groups(self, texts: Sequence[str], at_most: int) -> Iterator[tuple[Array, Array, Array]]:
        """Batches of at most `at_most` texts that have one length: which rows they are, their ids, their mask."""
        encoded = [self._ids(text) for text in texts]
        by_length: dict[int, list[int]] = {}
        for row, one in enumerate(encoded):
            by_length.setdefault(len(one), []).append(row)
        for rows in by_length.values():
            for start in range(0, len(rows), at_most):
                batch = rows[start : start + at_most]
                ids = np.array([encoded[row] for row in batch], dtype=np.int64)
                yield np.array(batch), ids, np.ones_like(ids)

    def _ids(self, text: str) -> list[int]:
        if self.family != "siglip":
            return list(self.tokenizer.encode(text).ids)
        ids = list(self.tokenizer.encode(self._as_siglip_reads(text)).ids)
        padding = [self.pad] * (self.longest - len(ids))
        return padding + ids if self.pad_left else ids + padding

    def _as_siglip_reads(self, text: str) -> str:
        """Small letters; the first SigLIP also drops punctuation (big_vision's canonicalisation)."""
        text = text.lower()
        if self.drop_punctuation:
            text = text.translate(str.maketrans("", "", string.punctuation))
        return re.sub(r"\s+", " ", text).strip()


def query_tokens(folder: ModelFolder, tokenizer: Any | None = None) -> QueryTokens:
    """The rule for a model folder; `tokenizer` where it does not lie there as tokenizer.json."""
    settings_file = folder.path / "tokenizer_config.json"
    settings = read_json(settings_file, folder.name) if settings_file.is_file() else {}
    tokenizer = tokenizer or read_tokenizer(folder)
    longest = _longest(folder, settings)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=longest)
    return QueryTokens(
        tokenizer=tokenizer,
        family=folder.family,
        longest=longest,
        pad=_pad(folder, settings, tokenizer) if folder.family == "siglip" else 0,
        pad_left=settings.get("padding_side") == "left",
        drop_punctuation=settings.get("tokenizer_class") in ("SiglipTokenizer", "SiglipTokenizerFast"),
    )


def read_tokenizer(folder: ModelFolder) -> Any:
    from tokenizers import Tokenizer

    path = folder.path / "tokenizer.json"
    if not path.is_file():
        raise NoSuchEncoder(
            f"{folder.name} lacks tokenizer.json in {folder.path}; copy it from where the model was published"
        )
    if path.stat().st_size > TOKENIZER:
        raise BadModel(f"tokenizer.json of {folder.name} has {path.stat().st_size:,} bytes; that is no vocabulary")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as problem:  # the tokenizers package raises plain Exception for every damaged file
        raise BadModel(f"tokenizer.json of {folder.name} cannot be read ({problem})") from problem


def _longest(folder: ModelFolder, settings: dict[str, Any]) -> int:
    """What was trained, what the table of positions holds, what the tokenizer says: the least of them."""
    bounds = [
        LONGEST.get(folder.family, 512),
        settings.get("model_max_length"),
        folder.text_config.get("max_position_embeddings"),
    ]
    if folder.text_config.get("model_type") in ("xlm-roberta", "roberta", "altclip_text_model") and bounds[2]:
        bounds[2] -= 2  # their positions start after the pad id
    stated = [int(bound) for bound in bounds if isinstance(bound, int | float) and bound > 0]
    return max(2, min(stated))


def _pad(folder: ModelFolder, settings: dict[str, Any], tokenizer: Any) -> int:
    """The id of the pad token: by the tokenizer's settings, else by the model's."""
    token = settings.get("pad_token")
    token = token.get("content") if isinstance(token, dict) else token
    known = tokenizer.token_to_id(token) if isinstance(token, str) else None
    stated = known if known is not None else folder.text_config.get("pad_token_id")
    if not isinstance(stated, int):
        raise BadModel(
            f"{folder.name} is padded in training, but tokenizer_config.json and config.json name no pad token"
        )
    return stated
