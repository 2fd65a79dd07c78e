"""Opens the folder of a `transformers` video-language model: safetensors, a tokenizer, the settings of its frames.

Departures: no Processor is built (theirs need torchvision). No code of the folder is run, no pickle is opened, and a
config that describes more numbers than the files hold is refused before any memory is taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sightline.errors import BadModel
from sightline.language.families import Family, family_of

FILES = ["*.json", "*.txt", "*.safetensors", "*.jinja", "*.model"]
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
DTYPES = ("float32", "bfloat16", "float16")
_TAKEN = ("crop_size", "rescale_factor", "image_mean", "image_std", "resample", "patch_size", "merge_size")
_SIZES = ("size", "max_image_size")


def load(path: str | Path, device: str, dtype: str) -> tuple[Any, Any, dict[str, Any]]:
    """The model in evaluation mode, its tokenizer, and how its frames are prepared."""
    import transformers

    if dtype not in DTYPES:
        raise BadModel(f"weights come as {', '.join(DTYPES)}, not {dtype!r}")
    folder = _folder(path)
    if not (folder / "config.json").is_file():
        raise BadModel(f"{folder} has no config.json, so it is no model's folder; name the folder that has it")
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True)
        family = family_of(config)
        _check_size(folder, config)
        _check_tokenizer(folder)
        model = _model(folder, config, dtype)
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError) as problem:
        raise BadModel(f"{folder} cannot be opened as a model: {_line(problem, 300)}") from problem
    return model.to(device).eval(), tokenizer, settings_of(folder, family)


def _folder(path: str | Path) -> Path:
    """The folder itself, or where the hub's client has put `hf:NAME`."""
    name = str(path)
    folder = Path(name.removeprefix("hf:")).expanduser()
    if folder.is_dir():
        return folder
    if not name.startswith("hf:"):
        raise BadModel(f"there is no folder {folder}; give a model's folder, or hf:NAME of the Hugging Face hub")
    import huggingface_hub

    try:
        return Path(huggingface_hub.snapshot_download(name.removeprefix("hf:"), allow_patterns=FILES))
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError) as problem:
        raise BadModel(f"{name} could not be fetched from the hub: {_line(problem, 200)}") from problem


def _line(problem: Exception, most: int) -> str:
    """What it says, on one line: the hub's client and `transformers` speak in paragraphs."""
    return " ".join(str(problem).split())[:most]


def _check_tokenizer(folder: Path) -> None:
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise BadModel(
            f"{folder} has no tokenizer (one of {', '.join(TOKENIZERS)}); copy it from where the model comes from"
        )


def _model(folder: Path, config: Any, dtype: str) -> Any:
    import transformers

    transformers.utils.logging.disable_progress_bar()  # a library draws nothing on the terminal
    names = config.architectures or []
    name = next((name for name in names if name.endswith("ForConditionalGeneration")), None)
    if name is None or not hasattr(transformers, name):
        raise BadModel(f"{folder} names the architectures {names}; one …ForConditionalGeneration is needed")
    model, report = getattr(transformers, name).from_pretrained(
        str(folder), config=config, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
    )
    lacking = sorted(map(str, (*report["missing_keys"], *report["mismatched_keys"])))
    if lacking:
        raise BadModel(f"the weights in {folder} lack {len(lacking)} parts, such as {lacking[0]}; fetch them again")
    return model


def _check_size(folder: Path, config: Any) -> None:
    import torch
    import transformers
    from safetensors import safe_open

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BadModel(f"{folder} has no .safetensors file; other kinds of weights can run code and are not opened")
    with torch.device("meta"):
        wanted = sum(part.numel() for part in transformers.AutoModel.from_config(config).parameters())
    held = 0
    for file in files:
        with safe_open(str(file), framework="numpy") as tensors:
            held += sum(int(torch.Size(tensors.get_slice(key).get_shape()).numel()) for key in tensors.keys())
    if wanted > held:
        raise BadModel(f"config.json in {folder} describes {wanted:,} numbers, the weights hold {held:,}")


def settings_of(folder: Path, family: Family) -> dict[str, Any]:
    """The family's settings with those of the folder's files over them; what a video's file says comes last."""
    settings = dict(family.DEFAULTS)
    both = _read(folder / "processor_config.json")
    picture = both.get("image_processor") or _read(folder / "preprocessor_config.json")
    film = both.get("video_processor") or _read(folder / "video_preprocessor_config.json")
    for said, is_film in ((picture, False), (film, True)):
        settings |= {name: said[name] for name in _TAKEN if said.get(name) is not None}
        by_area = "patch_size" in family.DEFAULTS  # a picture's area is not a video's
        settings |= {name: said[name] for name in _SIZES if said.get(name) and (is_film or not by_area)}
        if sampled := (said.get("video_sampling") or {}).get("video_size"):
            settings["size"] = sampled
    return _checked(settings, folder)


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise BadModel(f"{file} is no JSON: {problem}") from problem
    return said if isinstance(said, dict) else {}


def _checked(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Sizes are dicts of whole numbers: `size: 224` was an older way to write the shorter side."""
    for name in (*_SIZES, "crop_size"):
        if isinstance(settings.get(name), int):
            side = settings[name]
            settings[name] = {"shortest_edge": side} if name == "size" else {"height": side, "width": side}
        size = settings.get(name)
        if size is not None and not (
            isinstance(size, dict) and all(isinstance(n, int) and n > 0 for n in size.values() if n is not None)
        ):
            raise BadModel(f"the preprocessing in {folder} has {name} {size!r}; whole numbers above 0 are needed")
    return settings
