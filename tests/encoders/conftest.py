"""Tiny two-tower models of the real `transformers` classes, with tokenizers trained on the spot and random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from sightline.records import Frames

CORPUS = [
    "a red car on the left of a street",
    "two people talking at a table while it snows",
    "Somebody explains an equation, slowly.",
    "一只猫坐在窗台上看雪",
    "红色的汽车和两个人",
]
VISION = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=7
)
TEXT = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
SQUARE = {"height": 28, "width": 28}
CLIP_PICTURES = {
    "crop_size": SQUARE,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "size": {"shortest_edge": 28},
}
SIGLIP_PICTURES = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "rescale_factor": 1 / 255,
    "resample": 2,
    "size": SQUARE,
}


def drawn(count: int = 5, height: int = 37, width: int = 53, seed: int = 3) -> Frames:
    """Noise over coloured slopes: every resize and every crop leaves a trace in it."""
    chance = np.random.default_rng(seed)
    slope = np.linspace(0, 180, height * width).reshape(1, 1, height, width) * chance.random((count, 3, 1, 1))
    pixels = np.clip(slope + chance.integers(0, 76, (count, 3, height, width)), 0, 255).astype(np.uint8)
    return Frames(pixels, np.arange(count) * 0.4)


@pytest.fixture(scope="session")
def frames() -> Frames:
    return drawn()


def _tokenizer(specials: list[str], template: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=180, special_tokens=specials))
    ids = [(token, tokenizer.token_to_id(token)) for token in specials]
    tokenizer.post_processor = processors.TemplateProcessing(single=template, special_tokens=ids)
    return tokenizer


TOKENIZERS = {  # specials in the order of their ids, the template, the pad token
    "clip": (["<unk>", "<start>", "<end>"], "<start> $A <end>", "<end>"),
    "metaclip_2": (["<unk>", "<start>", "<end>"], "<start> $A <end>", "<end>"),
    "siglip": (["<pad>", "<eos>", "<bos>", "<unk>"], "$A <eos>", "<pad>"),
    "altclip": (["<s>", "<pad>", "</s>", "<unk>"], "<s> $A </s>", "<pad>"),
    "chinese_clip": (["<pad>", "<unk>", "[CLS]", "[SEP]"], "[CLS] $A [SEP]", "<pad>"),
}


def _model(family: str, words: int, specials: list[str]):
    import torch
    import transformers as hf

    torch.manual_seed(11)
    if family == "siglip":
        text = TEXT | dict(vocab_size=words, max_position_embeddings=64, pad_token_id=0, eos_token_id=1, bos_token_id=2)
        return hf.SiglipModel(hf.SiglipConfig(text_config=text, vision_config=VISION))
    if family == "altclip":
        text = TEXT | dict(vocab_size=words, max_position_embeddings=41, project_dim=32, pad_token_id=1)
        return hf.AltCLIPModel(hf.AltCLIPConfig(text_config=text, vision_config=VISION, projection_dim=19))
    if family == "chinese_clip":
        text = TEXT | dict(vocab_size=words, max_position_embeddings=41, pad_token_id=0)
        return hf.ChineseCLIPModel(hf.ChineseCLIPConfig(text_config=text, vision_config=VISION, projection_dim=19))
    config, model = {
        "clip": (hf.CLIPConfig, hf.CLIPModel),
        "metaclip_2": (hf.MetaClip2Config, hf.MetaClip2Model),
    }[family]
    end = specials.index("<end>")
    text = TEXT | dict(vocab_size=words, max_position_embeddings=23, bos_token_id=1, eos_token_id=end, pad_token_id=end)
    # eos 2 makes CLIP pool at the largest id, a rule for old checkpoints: the end token gets the last id instead
    if family == "clip":
        text |= dict(eos_token_id=words - 1, pad_token_id=words - 1)
    return model(config(text_config=text, vision_config=VISION, projection_dim=19))


def _stronger(model) -> None:
    """Random towers hardly look at their input; larger weights make wrong pixels or ids show in the vectors."""
    import torch

    with torch.no_grad():
        for name, part in model.named_parameters():
            if part.ndim >= 2 and "logit" not in name:
                part.mul_(4.0)


def build(family: str, folder: Path) -> Path:
    specials, template, pad = TOKENIZERS[family]
    tokenizer = _tokenizer(specials, template)
    if family == "clip":  # the end token last, as in the published vocabularies
        text = tokenizer.to_str()
        vocabulary = json.loads(text)
        last = len(vocabulary["model"]["vocab"])
        vocabulary["model"]["vocab"]["<last>"] = last
        vocabulary["added_tokens"].append(vocabulary["added_tokens"][0] | {"id": last, "content": "<last>"})
        tokenizer = Tokenizer.from_str(json.dumps(vocabulary))
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<start> $A <last>", special_tokens=[("<start>", 1), ("<last>", last)]
        )
        pad = "<last>"
    model = _model(family, tokenizer.get_vocab_size(), specials)
    _stronger(model)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": pad, "tokenizer_class": "GemmaTokenizer"}))
    pictures = SIGLIP_PICTURES if family == "siglip" else CLIP_PICTURES
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory):
    """`tiny(family)`: the folder of a tiny model, built once."""
    pytest.importorskip("torch", reason="tiny models need torch (the lab extra)")
    pytest.importorskip("transformers", reason="tiny models need transformers (the lab extra)")
    built: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in built:
            built[family] = build(family, tmp_path_factory.mktemp(family))
        return built[family]

    return folder


@pytest.fixture(scope="session")
def exported(tiny, tmp_path_factory: pytest.TempPathFactory):
    """`exported(family)`: the folder and the report of its ONNX export, made once."""
    pytest.importorskip("onnxscript", reason="the exporter needs onnxscript (the lab extra)")
    made: dict[str, tuple[Path, object]] = {}

    def export(family: str):
        from sightline.encoders.export import export_onnx

        if family not in made:
            out = tmp_path_factory.mktemp(f"{family}-onnx")
            made[family] = (out, export_onnx(str(tiny(family)), out))
        return made[family]

    return export
