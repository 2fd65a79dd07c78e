"""Opens the folder of a two-tower model: which family it is of, what its files say, and a digest of its weights.

From: the layout that `transformers`, Xenova and onnx-community publish (config.json, preprocessor_config.json,
tokenizer.json beside the weights).
Departures: nothing in the folder is run (no remote code, no pickles); every file is held to a size before it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.encoders.preprocess import Preprocessing, read_preprocessing
from sightline.errors import BadModel, NoSuchEncoder

FAMILIES = ("clip", "siglip", "metaclip_2", "chinese_clip", "altclip", "vision-text-dual-encoder")
SMALL = 4 << 20  # bytes of a settings file
TOKENIZER = 256 << 20  # bytes of a tokenizer.json; a vocabulary of 256,000 words takes 35 MB
WHOLE = 32 << 20  # weights up to here are digested whole
BLOCK, BLOCKS = 16 << 10, 1024  # larger ones by this many blocks, evenly spread, and their length


@dataclass(frozen=True)
class ModelFolder:
    """What is known of a model before any of its weights are loaded."""

    path: Path
    name: str  # what the user called it
    config: dict[str, Any]
    preprocessing: Preprocessing

    @property
    def family(self) -> str:
        return str(self.config["model_type"])

    @property
    def text_config(self) -> dict[str, Any]:
        part = self.config.get("text_config")
        return part if isinstance(part, dict) else {}

    @property
    def width(self) -> int:
        """E. Published configs leave out what equals the default of `transformers`, so the defaults stand here."""
        vision = self.config.get("vision_config")
        if self.family == "siglip":  # no projection: the picture tower's own width
            return int(vision.get("hidden_size", 768)) if isinstance(vision, dict) else 768
        return int(self.config.get("projection_dim", 768 if self.family == "altclip" else 512))


def open_folder(path: Path, name: str) -> ModelFolder:
    """Reads the settings of a model folder; NoSuchEncoder or BadModel says what is missing."""
    config = read_json(path / "config.json", name)
    family = config.get("model_type")
    if family == "siglip2":
        raise BadModel(
            f"{name} is a variable-resolution SigLIP 2; take a fixed one, such as google/siglip2-base-patch16-256"
        )
    if family not in FAMILIES:
        raise BadModel(f"{name} is of the kind {family!r}; two-tower models of these kinds work: {', '.join(FAMILIES)}")
    return ModelFolder(path, name, config, read_preprocessing(_picture_settings(path, name), name))


def _picture_settings(path: Path, name: str) -> dict[str, Any]:
    """preprocessor_config.json, or the part of a processor_config.json that newer `transformers` write instead."""
    if (path / "preprocessor_config.json").is_file():
        return read_json(path / "preprocessor_config.json", name)
    if (path / "processor_config.json").is_file():
        part = read_json(path / "processor_config.json", name).get("image_processor")
        if isinstance(part, dict):
            return part
    raise NoSuchEncoder(f"{name} lacks preprocessor_config.json in {path}; copy it from where the model was published")


def read_json(path: Path, name: str, limit: int = SMALL) -> dict[str, Any]:
    try:
        length = path.stat().st_size
        if length > limit:
            raise BadModel(f"{path.name} of {name} has {length:,} bytes; more than {limit:,} is no settings file")
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NoSuchEncoder(
            f"{name} lacks {path.name} in {path.parent}; is this the folder of a two-tower model?"
        ) from None
    except (ValueError, RecursionError) as problem:
        raise BadModel(f"{path.name} of {name} is not JSON ({problem})") from problem
    if not isinstance(content, dict):
        raise BadModel(f"{path.name} of {name} holds a {type(content).__name__}, not fields")
    return content


def weight_digest(paths: Sequence[Path]) -> list[str]:
    """One digest per file. Large files are sampled: a search must not read gigabytes to learn which model it has."""
    return [_digest(path) for path in paths]


def _digest(path: Path) -> str:
    length = path.stat().st_size
    digest = hashlib.blake2b(length.to_bytes(8, "little"), digest_size=16)
    with path.open("rb") as file:
        if length <= WHOLE:
            digest.update(file.read())
        else:
            for block in range(BLOCKS):
                file.seek((length - BLOCK) * block // (BLOCKS - 1))
                digest.update(file.read(BLOCK))
    return digest.hexdigest()


def fetched(hub_name: str, patterns: Sequence[str], asked: str) -> Path:
    """The local snapshot of a model on the Hugging Face hub; downloads only what `patterns` match."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    return _explained(
        lambda: Path(snapshot_download(hub_name, allow_patterns=list(patterns))),
        (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError),
        hub_name,
        asked,
    )


def _explained(fetch: Callable[[], Path], problems: tuple[type[Exception], ...], hub_name: str, asked: str) -> Path:
    try:
        return fetch()
    except problems as problem:
        raise NoSuchEncoder(
            f"{asked} is neither a folder here nor in the local cache, and could not be fetched "
            f"({_first_line(problem)}). Where there is a network: hf download {hub_name} --local-dir FOLDER; "
            "then copy FOLDER here and name its path"
        ) from problem


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:160]
