"""Runs a CLIP-like `transformers` model in process, by name or folder ([lab]: torch and transformers).

From: the get_image_features and get_text_features of CLIP, SigLIP, SigLIP 2 (fixed resolution), MetaCLIP 2,
Chinese-CLIP, AltCLIP and any VisionTextDualEncoder.
Departures: preprocessing and padding are this package's own (no torchvision, no Processor); weights are safetensors
only, and no code of a model's folder is run.
Shapes: frames [T, 3, H, W] -> vectors [1, T, E]; texts -> vector [B, E]
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sightline.encoders.model_folder import ModelFolder, fetched, open_folder, weight_digest
from sightline.encoders.two_towers import BATCH, Towers, TwoTowers
from sightline.errors import BadModel, MissingExtra, NoSuchEncoder

Array = Any

FILES = ("*.json", "*.txt", "*.safetensors")
TYPES = {"": "float32", "float": "float32", "bf16": "bfloat16", "fp16": "float16"}


def open_pretrained(
    path_or_name: str, dtype: str = "", device: str = "", threads: int | None = None, asked: str = ""
) -> TwoTowers:
    """A folder with safetensors, or a name on the Hugging Face hub; on a GPU where there is one."""
    need_lab("a transformers model")
    asked = asked or f"hf:{path_or_name}"
    path = Path(path_or_name).expanduser()
    folder = open_folder(path if path.is_dir() else fetched(path_or_name, FILES, asked), asked)
    device, kind = _placed(device, dtype, asked)
    if threads:
        import torch

        torch.set_num_threads(threads)
    model = load_model(folder).to(device=device, dtype=kind).eval()
    batch = BATCH if device == "cpu" else 8 * BATCH
    towers = Towers(
        pictures=lambda pixels: _features(model, "get_image_features", device, pixel_values=pixels),
        texts=lambda ids, mask: _features(model, "get_text_features", device, **text_inputs(folder, ids, mask)),
        digests=weight_digest(weight_files(folder)),
        picture_batch=batch,
        text_batch=batch,
    )
    return TwoTowers(folder, towers, tokenizer_of(folder))


def need_lab(what: str) -> None:
    if not (find_spec("torch") and find_spec("transformers") and find_spec("safetensors")):
        raise MissingExtra(what, "lab")


def text_inputs(folder: ModelFolder, ids: Array, mask: Array) -> dict[str, Array]:
    """SigLIP was trained without a mask; the others get theirs (all true: texts are never padded)."""
    return {"input_ids": ids} if folder.family == "siglip" else {"input_ids": ids, "attention_mask": mask}


def load_model(folder: ModelFolder) -> Any:
    """The model on the CPU in float32; every weight must come from the files."""
    import transformers
    from safetensors import SafetensorError

    files = weight_files(folder)
    transformers.utils.logging.disable_progress_bar()  # a library draws nothing on the terminal
    config = transformers.AutoConfig.from_pretrained(str(folder.path), local_files_only=True)
    _check_size(folder, config, files)
    try:
        model, report = transformers.AutoModel.from_pretrained(
            str(folder.path),
            config=config,
            dtype="float32",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (SafetensorError, RuntimeError, ValueError, OSError) as problem:
        raise BadModel(f"{folder.name} cannot be loaded: {str(problem).strip()[:300]}") from problem
    lacking = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
    if lacking:
        raise BadModel(
            f"the weights of {folder.name} lack {len(lacking)} parts, such as {lacking[0]}; fetch them again"
        )
    return model


def weight_files(folder: ModelFolder) -> list[Path]:
    files = sorted(folder.path.glob("*.safetensors"))
    if not files:
        old = sorted(file.name for file in folder.path.glob("*.bin"))
        raise NoSuchEncoder(
            f"{folder.name} has no .safetensors file in {folder.path}"
            + (
                f"; {old[0]} is a pickle, which can run code and is never opened: convert it to safetensors"
                if old
                else ""
            )
        )
    return files


def _check_size(folder: ModelFolder, config: Any, files: list[Path]) -> None:
    """A config must not ask for more numbers than the files hold: that is refused before any memory is taken."""
    import torch
    import transformers
    from safetensors import SafetensorError, safe_open

    try:
        with torch.device("meta"):
            wanted = sum(part.numel() for part in transformers.AutoModel.from_config(config).parameters())
        held = 0
        for file in files:
            with safe_open(str(file), framework="numpy") as tensors:
                shapes = (tensors.get_slice(key).get_shape() for key in tensors.keys())
                held += sum(int(torch.Size(shape).numel()) for shape in shapes)
    except (SafetensorError, RuntimeError, ValueError, OverflowError) as problem:
        raise BadModel(f"{folder.name} cannot be loaded: {str(problem).strip()[:300]}") from problem
    if wanted > held:
        raise BadModel(
            f"config.json of {folder.name} describes {wanted:,} numbers, its weights hold {held:,}; fetch both again"
        )


def _placed(device: str, dtype: str, asked: str) -> tuple[str, Any]:
    import torch

    if dtype not in TYPES:
        raise NoSuchEncoder(f"{asked}: {dtype!r} is not known; {', '.join(filter(None, TYPES))} are")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu" and dtype == "fp16":
        raise NoSuchEncoder(f"{asked}: fp16 is five times slower than float on a CPU; take bf16, or a GPU")
    return device, getattr(torch, TYPES[dtype])


def _features(model: Any, method: str, device: str, **given: Array) -> Array:
    """Rows [n, E] float32 of one tower."""
    import torch

    tensors = {name: torch.from_numpy(array).to(device) for name, array in given.items()}
    if "pixel_values" in tensors:
        tensors["pixel_values"] = tensors["pixel_values"].to(model.dtype)
    with torch.inference_mode():
        rows = features_of(getattr(model, method)(**tensors))
    return rows.float().cpu().numpy()


def features_of(result: Any) -> Any:
    """The projected vectors, from what get_..._features gives: a tensor, or since transformers 5 a record."""
    return result if hasattr(result, "shape") else result.pooler_output


def tokenizer_of(folder: ModelFolder) -> Any | None:
    """None where tokenizer.json is in the folder; else what transformers builds from the older vocabulary files."""
    if (folder.path / "tokenizer.json").is_file():
        return None
    import transformers

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder.path), local_files_only=True)
    except (OSError, ValueError, ImportError) as problem:
        raise NoSuchEncoder(
            f"{folder.name} has no tokenizer that can be read ({str(problem).strip()[:200]})"
        ) from problem
    if not getattr(tokenizer, "is_fast", False):
        raise NoSuchEncoder(f"{folder.name} has only a slow tokenizer; put a tokenizer.json into {folder.path}")
    return tokenizer.backend_tokenizer
