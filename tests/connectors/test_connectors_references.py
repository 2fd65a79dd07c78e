"""Connectors against public classes with the same random weights: the largest difference is at most 1e-5."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="connectors need torch (the lab extra)")
transformers = pytest.importorskip("transformers", reason="the reference classes live in transformers (the lab extra)")

from sightline.connectors.mlp import projector  # noqa: E402
from sightline.connectors.qformer import QFormer, task_mask  # noqa: E402
from sightline.connectors.resampler import Perceiver  # noqa: E402
from sightline.connectors.vocabulary import Vocabulary  # noqa: E402
from stirring import stirred  # noqa: E402

B, Q, L, S, D, C = 2, 3, 5, 11, 14, 6
TOLERANCE = 1e-5


def differ(left, right) -> float:
    return (left - right).abs().max().item()


def blip2(layers=3, cross_every=2):
    from transformers import Blip2QFormerConfig, Blip2QFormerModel

    config = Blip2QFormerConfig(
        hidden_size=D,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=17,
        encoder_hidden_size=C,
        cross_attention_frequency=cross_every,
        use_qformer_text_input=True,
    )
    return stirred(Blip2QFormerModel(config))


def qformer_from(theirs, layers=3, cross_every=2) -> QFormer:
    ours = QFormer(D, Q, context_width=C, heads=2, layers=layers, cross_every=cross_every, hidden=17).eval()
    copied = {}

    def copy(mine, source):
        for part in ("weight", "bias"):
            copied[f"{mine}.{part}"] = source.state_dict()[part]

    copy("norm", theirs.layernorm)
    for number, layer in enumerate(theirs.encoder.layer):
        for mine, block in (("attend", layer.attention), ("look", getattr(layer, "crossattention", None))):
            if block is not None:
                inner = f"layers.{number}.{mine}"
                for name in ("query", "key", "value"):
                    copy(f"{inner}.inner.{name}", getattr(block.attention, name))
                copy(f"{inner}.inner.out", block.output.dense)
                copy(f"{inner}.norm", block.output.LayerNorm)
        for mine, suffix in (("think", "_query"), ("think_text", "")):
            copy(f"layers.{number}.{mine}.inner.0", getattr(layer, f"intermediate{suffix}").dense)
            copy(f"layers.{number}.{mine}.inner.2", getattr(layer, f"output{suffix}").dense)
            copy(f"layers.{number}.{mine}.norm", getattr(layer, f"output{suffix}").LayerNorm)
    left = ours.load_state_dict(copied, strict=False)
    assert left.missing_keys == ["queries"] and not left.unexpected_keys
    return ours


def task_inputs():
    text, context = torch.randn(B, L, D), torch.randn(B, S, C)
    text_mask = torch.arange(L) < torch.tensor([[L], [L - 2]])
    context_mask = torch.arange(S) < torch.tensor([[S - 3], [S]])
    return text, text_mask, context, context_mask


@pytest.mark.formula("connectors/qformer")
@pytest.mark.parametrize("task", ["itc", "itg", "itm"])
def test_the_qformer_is_blip2s_in_every_task(task):
    theirs = blip2()
    ours = qformer_from(theirs)
    text, text_mask, context, context_mask = task_inputs()
    with torch.no_grad():
        queries, said = ours(context, context_mask, text, text_mask, task)
        expected = theirs(
            query_embeds=torch.cat([ours.queries.expand(B, -1, -1), text], 1),
            query_length=Q,
            attention_mask=task_mask(task, Q, text_mask)[:, None],
            encoder_hidden_states=context,
            encoder_attention_mask=context_mask[:, None, None, :].expand(B, 1, Q, S),
        ).last_hidden_state
    assert differ(queries, expected[:, :Q]) <= TOLERANCE
    valid = text_mask[..., None]
    assert differ(said * valid, expected[:, Q:] * valid) <= TOLERANCE


def test_queries_alone_are_blip2s_without_text():
    theirs = blip2()
    ours = qformer_from(theirs)
    _, _, context, context_mask = task_inputs()
    with torch.no_grad():
        expected = theirs(
            query_embeds=ours.queries.expand(B, -1, -1),
            encoder_hidden_states=context,
            encoder_attention_mask=context_mask.long(),
        ).last_hidden_state
        assert differ(ours(context, context_mask)[0], expected) <= TOLERANCE


def test_the_task_masks_are_the_table():
    text_mask = torch.tensor([[True, True, False]])
    yes, no = [True, True, False], [False, False, False]
    itc, itg, itm = (task_mask(task, 2, text_mask)[0].tolist() for task in ("itc", "itg", "itm"))
    assert itc == [[True, True] + no] * 2 + [[False, False] + yes] * 3
    assert itg == [[True, True] + no] * 2 + [
        [True, True, True, False, False],
        [True, True, True, True, False],
        [True, True, True, True, False],
    ]
    assert itm == [[True, True] + yes] * 5


def test_text_never_leaks_to_the_queries_in_contrast_and_generation():
    ours = stirred(QFormer(D, Q, context_width=C, heads=2, layers=3))
    text, text_mask, context, context_mask = task_inputs()
    for task in ("itc", "itg"):
        queries, _ = ours(context, context_mask, text, text_mask, task)
        changed, _ = ours(context, context_mask, -5 * text, text_mask, task)
        assert torch.equal(queries, changed)


def test_a_later_word_never_leaks_to_an_earlier_one_in_generation():
    ours = stirred(QFormer(D, Q, context_width=C, heads=2, layers=3))
    text, _, context, _ = task_inputs()
    changed = text.clone()
    changed[:, 3] = 7.0
    _, said = ours(context, None, text, None, "itg")
    _, other = ours(context, None, changed, None, "itg")
    assert torch.equal(said[:, :3], other[:, :3])
    assert differ(said[:, 3:], other[:, 3:]) > 0.01


def test_contrast_in_one_pass_is_two_separate_passes():
    ours = stirred(QFormer(D, Q, context_width=C, heads=2, layers=3))
    text, text_mask, context, context_mask = task_inputs()
    queries, said = ours(context, context_mask, text, text_mask, "itc")
    assert differ(queries, ours(context, context_mask)[0]) <= TOLERANCE
    _, elsewhere = ours(torch.randn_like(context), None, text, text_mask, "itc")
    assert differ(said * text_mask[..., None], elsewhere * text_mask[..., None]) <= TOLERANCE


@pytest.mark.formula("connectors/video_qformer")
def test_a_videos_qformer_is_blip2s_with_a_look_in_every_layer():
    theirs = blip2(layers=2, cross_every=1)
    ours = qformer_from(theirs, layers=2, cross_every=1)
    clips_of_sound = torch.randn(B, 8, C)  # an audio Q-Former: one vector a clip
    with torch.no_grad():
        expected = theirs(query_embeds=ours.queries.expand(B, -1, -1), encoder_hidden_states=clips_of_sound)
        assert differ(ours(clips_of_sound)[0], expected.last_hidden_state) <= TOLERANCE


@pytest.mark.formula("connectors/resampler")
def test_the_resampler_is_idefics_perceiver():
    from transformers import IdeficsConfig
    from transformers.models.idefics.perceiver import IdeficsPerceiverResampler

    config = IdeficsConfig(vision_config={"embed_dim": D}, perceiver_config={"qk_layer_norms_perceiver": False})
    theirs = stirred(IdeficsPerceiverResampler(config, D, depth=3, n_heads=2, head_dim=5, n_latents=Q))
    ours = Perceiver(D, Q, depth=3, heads=2, head_width=5, activation="relu").eval()
    names = {
        "attention.query": "0.q_proj",
        "attention.key": "0.k_proj",
        "attention.value": "0.v_proj",
        "attention.out": "0.output_proj",
        "norm_tokens": "0.context_layer_norm",
        "norm_latents": "0.latents_layer_norm",
        "think.norm": "1.ln",
        "think.inner.0": "1.fc",
        "think.inner.2": "1.c_proj",
    }
    from_theirs = theirs.state_dict()
    copied = {"latents": from_theirs["latents"]}
    for part in ("weight", "bias"):
        copied[f"norm.{part}"] = from_theirs[f"layer_norm.{part}"]
        for layer in range(3):
            for mine, yours in names.items():
                if f"blocks.{layer}.{yours}.{part}" in from_theirs:
                    copied[f"layers.{layer}.{mine}.{part}"] = from_theirs[f"blocks.{layer}.{yours}.{part}"]
    ours.load_state_dict(copied)
    tokens = torch.randn(B, S, D)
    with torch.no_grad():
        assert differ(ours(tokens, torch.ones(B, S, dtype=torch.bool)), theirs(tokens)) <= TOLERANCE


@pytest.mark.formula("connectors/mlp")
def test_the_mlp_is_llavas_projector():
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig
    from transformers.models.llava.modeling_llava import LlavaMultiModalProjector

    config = LlavaConfig(
        vision_config=CLIPVisionConfig(hidden_size=C, num_attention_heads=2),
        text_config=LlamaConfig(hidden_size=D, num_attention_heads=7),
    )
    theirs, ours = LlavaMultiModalProjector(config), projector(C, D)
    ours[0].load_state_dict(theirs.linear_1.state_dict())
    ours[2].load_state_dict(theirs.linear_2.state_dict())
    tokens = torch.randn(B, S, C)
    with torch.no_grad():
        assert differ(ours(tokens), theirs(tokens)) <= TOLERANCE


@pytest.mark.formula("connectors/vocabulary")
@pytest.mark.parametrize("square", [1, 2])
def test_the_vocabulary_is_ovis2s_head_and_table(square):
    from transformers.models.ovis2.configuration_ovis2 import Ovis2VisionConfig
    from transformers.models.ovis2.modeling_ovis2 import Ovis2VisionModel, Ovis2VisualEmbeddingTable

    config = Ovis2VisionConfig(
        hidden_size=D,
        intermediate_size=17,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=16,
        patch_size=4,
        hidden_stride=square,
        vocab_size=23,
        num_visual_indicator_tokens=5,
    )
    theirs, table = stirred(Ovis2VisionModel(config)), Ovis2VisualEmbeddingTable(23, C)
    ours = Vocabulary(D, C, words=18, square=square)
    ours.head.load_state_dict(theirs.head_linear.state_dict())
    ours.norm.load_state_dict(theirs.head_norm.state_dict())
    ours.table.data.copy_(table.weight[:18])
    with torch.no_grad():
        pixels = torch.randn(B, 3, 16, 16)
        features = theirs.transformer(pixels)[0]  # 4 x 4 places
        said = theirs(pixels).pooler_output
        expected = table(torch.nn.functional.pad(said, (0, 5)))
        mine = ours.words_of(features.unflatten(1, (4, 4)))
        assert differ(mine, said) <= TOLERANCE
        assert differ(mine @ ours.table, expected) <= TOLERANCE
