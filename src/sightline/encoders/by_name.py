"""Opens an encoder by the name a person types, and lists what there is.

storybook           the built-in model and the default: knows the drawn picture-book world, in English and Chinese
colour              needs nothing; knows colours, light and layout of any footage
none                sees nothing; for libraries searched by speech and screen text
FOLDER              a folder with ONNX files or safetensors
onnx:NAME           an ONNX model of the Hugging Face hub, such as onnx:Xenova/clip-vit-base-patch32
hf:NAME             a transformers model of the hub ([lab]), such as hf:google/siglip2-base-patch16-256
...@int8            a variant: @int8 @fp16 @float for ONNX; @bf16 @fp16 for hf
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sightline.encoders.encoder import Encoder, NoEncoder
from sightline.errors import NoSuchEncoder

DEFAULT = "storybook"
ABOUT_DEFAULT = (
    "pictures are seen by storybook, the built-in model, which knows a drawn picture-book world and nothing else. In "
    "your own footage it finds no pictures by words; words in subtitles, speech and on the screen are found in any. "
    "Name a model for real pictures with --encoder (see: sightline encoders list); --encoder colour finds colours."
)


@dataclass(frozen=True)
class Available:
    """One line of `sightline encoders list`."""

    name: str
    knows: str
    ready: bool
    how: str  # an example, or how to get what is missing


def open_encoder(name: str = DEFAULT, *, threads: int | None = None) -> Encoder:
    """The encoder of that name; `threads` bounds what it computes with. NoSuchEncoder lists what exists."""
    if name == "colour":
        from sightline.encoders.colour_layout import ColourLayout

        return ColourLayout()
    if name == "none":
        return NoEncoder()
    if name == "storybook" or (Path(name).expanduser() / "pictures.onnx").is_file():  # as `sightline train` writes it
        from sightline.encoders.built_in import HOME, open_built_in

        return open_built_in(HOME if name == "storybook" else Path(name).expanduser(), threads)
    place, variant = _split(name)
    kind, _, rest = place.partition(":")
    if kind in ("onnx", "hf") and rest:
        return _open_model(kind, rest, variant, threads)
    folder = Path(place).expanduser()
    if folder.is_dir():
        return _open_model(_kind_of(folder), str(folder), variant, threads)
    if place.startswith(("/", ".", "~")):
        raise NoSuchEncoder(f"{name}: {folder} is not a folder; was the model moved? Give the path it has now")
    known = "; ".join(f"{one.name} ({one.knows})" for one in available())
    raise NoSuchEncoder(f"there is no encoder {name!r}; there are: {known}")


def _split(name: str) -> tuple[str, str]:
    """PLACE@VARIANT; an @ further up in a path belongs to the path."""
    place, _, variant = name.rpartition("@")
    return (place, variant) if place and "/" not in variant else (name, "")


def _kind_of(folder: Path) -> str:
    """ONNX files first: they need no torch."""
    if any(folder.glob("*.onnx")) or any(folder.glob("onnx/*.onnx")):
        return "onnx"
    if any(folder.glob("*.safetensors")):
        return "hf"
    raise NoSuchEncoder(
        f"{folder} has neither .onnx nor .safetensors files; a model folder has them beside its config.json"
    )


def _open_model(kind: str, place: str, variant: str, threads: int | None) -> Encoder:
    """A folder or a hub's name. The card names a folder by its whole path, so that any process finds it again."""
    folder = Path(place).expanduser()
    place = str(folder.resolve()) if folder.is_dir() else place
    asked = f"{kind}:{place}@{variant}" if variant else f"{kind}:{place}"
    if kind == "onnx":
        from sightline.encoders.onnx_models import open_onnx

        return open_onnx(place, variant, threads, asked=asked)
    from sightline.encoders.pretrained import open_pretrained

    return open_pretrained(place, variant, threads=threads, asked=asked)


def available() -> list[Available]:
    """What can be opened here, the default first."""
    lab = all(find_spec(package) for package in ("torch", "transformers", "safetensors"))
    hub = "example: onnx:Xenova/clip-vit-base-patch32 (fetched once, then offline)"
    return [
        Available(
            "storybook",
            "a drawn picture-book world: its things, colours and places, in English and Chinese; no real footage",
            True,
            "built in, the default",
        ),
        Available("colour", "colours, light and layout; colour words in English and Chinese", True, "built in"),
        Available("none", "nothing: search by speech and screen text alone", True, "built in"),
        Available(
            "FOLDER", "a model folder with ONNX files (or safetensors, with the lab extra)", True, "give its path"
        ),
        Available("onnx:NAME", "a CLIP or SigLIP model in ONNX form from the Hugging Face hub", True, hub),
        Available(
            "hf:NAME",
            "a CLIP-like transformers model: CLIP, SigLIP, SigLIP 2, MetaCLIP 2, Chinese-CLIP, AltCLIP",
            lab,
            "example: hf:google/siglip2-base-patch16-256" if lab else "pip install 'sightline[lab]'",
        ),
    ]
