"""Towers for pictures, words, sound, boxes and prompts, each against another writing of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learned encoders need torch (the lab extra)")

from sightline.encoders import audio  # noqa: E402
from sightline.encoders.audio import AudioEncoder, log_mel, mel_filterbank, sound_pictures  # noqa: E402
from sightline.encoders.bind import Binding  # noqa: E402
from sightline.encoders.crops import CropEncoder, cut_out  # noqa: E402
from sightline.encoders.image import ImageEncoder, as_floats  # noqa: E402
from sightline.encoders.progressive import ProgressiveEncoder, repeated_stills  # noqa: E402
from sightline.encoders.prompts import LearnedPrompts  # noqa: E402
from sightline.encoders.text import TextEncoder  # noqa: E402
from sightline.errors import BadRecord  # noqa: E402
from stirring import stirred  # noqa: E402

D, E, HEADS, V, L = 14, 5, 2, 31, 11
SIDE, PATCH, LAYERS = 12, 4, 2


def clip(batch=2, frames=3):
    seconds = torch.arange(frames) * torch.arange(1, batch + 1)[:, None] + 0.2
    return torch.randn(batch, frames, 3, SIDE, SIDE), seconds, torch.ones(batch, frames, dtype=torch.bool)


def renamed(theirs, ours_layer, theirs_layer):
    """Weights of a CLIP layer under this project's names."""
    pairs = {
        f"attend.inner.{a}": f"self_attn.{b}_proj"
        for a, b in zip(("query", "key", "value", "out"), ("q", "k", "v", "out"), strict=True)
    }
    pairs |= {
        "attend.norm": "layer_norm1",
        "think.norm": "layer_norm2",
        "think.inner.0": "mlp.fc1",
        "think.inner.2": "mlp.fc2",
    }
    return {
        f"{ours_layer}.{mine}.{part}": theirs[f"{theirs_layer}.{yours}.{part}"]
        for mine, yours in pairs.items()
        for part in ("weight", "bias")
    }


def without(theirs, prefix):
    return {name.removeprefix(prefix): value for name, value in theirs.items()}


def clips_text(end=V - 1):
    transformers = pytest.importorskip(
        "transformers", reason="the reference class lives in transformers (the lab extra)"
    )
    config = transformers.CLIPTextConfig(
        vocab_size=V, hidden_size=D, intermediate_size=4 * D, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        max_position_embeddings=L, projection_dim=E, eos_token_id=end, bos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    theirs = stirred(transformers.CLIPTextModelWithProjection(config))
    state = without(theirs.state_dict(), "text_model.")
    ours = TextEncoder(V, D, HEADS, LAYERS, E, longest=L).eval()
    copied = {
        "words.weight": state["embeddings.token_embedding.weight"],
        "positions.weight": state["embeddings.position_embedding.weight"],
        "think.norm.weight": state["final_layer_norm.weight"],
        "think.norm.bias": state["final_layer_norm.bias"],
        "project.weight": state["text_projection.weight"],
    }
    for layer in range(LAYERS):
        copied |= renamed(state, f"think.blocks.{layer}", f"encoder.layers.{layer}")
    ours.load_state_dict(copied)
    return theirs, ours


@pytest.mark.formula("encoders/text")
def test_the_text_encoder_is_clips():
    theirs, ours = clips_text()
    ids = torch.tensor([[1, 5, 9, 12, V - 1], [1, 7, V - 1, 0, 0]])
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    with torch.no_grad():
        said, mine = theirs(ids, mask), ours(ids, mask)
    assert (torch.nn.functional.normalize(said.text_embeds, dim=-1) - mine.vector).abs().max() <= 1e-5
    assert (said.last_hidden_state - mine.tokens)[mask].abs().max() <= 1e-5


@pytest.mark.formula("encoders/image")
def test_the_image_encoder_is_clips():
    transformers = pytest.importorskip(
        "transformers", reason="the reference class lives in transformers (the lab extra)"
    )
    config = transformers.CLIPVisionConfig(
        hidden_size=D, intermediate_size=4 * D, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        image_size=SIDE, patch_size=PATCH, projection_dim=E,
    )  # fmt: skip
    theirs = stirred(transformers.CLIPVisionModelWithProjection(config))
    state = without(theirs.state_dict(), "vision_model.")
    copied = {
        "tower.cls": state["embeddings.class_embedding"],
        "tower.patchify.weight": state["embeddings.patch_embedding.weight"],
        "tower.positions": state["embeddings.position_embedding.weight"],
        "project.weight": state["visual_projection.weight"],
    }
    for mine, yours in {"norm_in": "pre_layrnorm", "norm_out": "post_layernorm"}.items():
        copied |= {f"tower.{mine}.{part}": state[f"{yours}.{part}"] for part in ("weight", "bias")}
    for layer in range(LAYERS):
        copied |= renamed(state, f"tower.blocks.{layer}", f"encoder.layers.{layer}")
    ours = ImageEncoder(D, HEADS, LAYERS, E, side=SIDE, patch=PATCH).eval()
    ours.load_state_dict(copied)
    pixels, seconds, mask = clip()
    with torch.no_grad():
        said, seen = theirs(pixels.flatten(0, 1)), ours(pixels, seconds, mask)
    expected = torch.nn.functional.normalize(said.image_embeds, dim=-1)
    assert (expected - seen.vectors.flatten(0, 1)).abs().max() <= 1e-5
    assert seen.tokens.shape == (2, 3, 9, D) and seen.grid == (3, 3)


def test_bytes_become_clips_numbers():
    pixels = torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8)
    for colour, (mean, std) in enumerate(((0.48145466, 0.26862954), (0.4578275, 0.26130258), (0.40821073, 0.27577711))):
        expected = (pixels[:, colour].double() / 255 - mean) / std
        assert (as_floats(pixels)[:, colour] - expected).abs().max() <= 1e-5


def test_a_clips_vector_is_the_projected_mean_of_its_valid_frames():
    encoder, (pixels, seconds, mask) = stirred(ImageEncoder(D, HEADS, 2, E, side=SIDE, patch=PATCH)), clip()
    mask[1, 2] = False
    seen = encoder(pixels, seconds, mask)
    for row, frames in enumerate((3, 2)):
        expected = encoder.project(sum(seen.cls[row, t] for t in range(frames)) / frames)
        torch.testing.assert_close(encoder.of_clip(seen)[row], expected / expected.norm(), atol=1e-6, rtol=0)


def test_while_patches_are_dropped_there_is_no_grid():
    encoder = ImageEncoder(D, HEADS, 1, E, side=SIDE, patch=PATCH, drop=0.5).train()
    seen = encoder(*clip())
    assert seen.tokens.shape[2] == 4 and seen.grid is None


# --- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [True, False])
def test_padding_may_stand_anywhere_in_a_text(causal):
    text = stirred(TextEncoder(V, D, HEADS, 2, E, longest=L, causal=causal))
    behind = text(torch.tensor([[4, 5, 6, 0, 0]]), torch.tensor([[True, True, True, False, False]]))
    before = text(torch.tensor([[0, 9, 4, 5, 6]]), torch.tensor([[False, False, True, True, True]]))
    torch.testing.assert_close(behind.vector, before.vector, atol=1e-6, rtol=1e-5)


def test_a_later_word_changes_no_earlier_token_in_a_causal_text():
    text, mask = stirred(TextEncoder(V, D, HEADS, 2, E, longest=L)), torch.ones(1, 5, dtype=torch.bool)
    one, other = text(torch.tensor([[4, 5, 6, 7, 8]]), mask), text(torch.tensor([[4, 5, 6, 9, 3]]), mask)
    assert torch.equal(one.tokens[:, :3], other.tokens[:, :3]) and not torch.equal(one.vector, other.vector)
    both_ways = stirred(TextEncoder(V, D, HEADS, 2, E, longest=L, causal=False))
    first, second = (both_ways(torch.tensor([ids]), mask).vector for ids in ([4, 5, 6, 7, 8], [4, 5, 6, 7, 3]))
    assert not torch.equal(first, second)


def test_a_text_without_words_says_nothing():
    text = stirred(TextEncoder(V, D, HEADS, 1, E, longest=L)).requires_grad_(False)
    words = text(torch.zeros(2, 3, dtype=torch.long), torch.tensor([[False] * 3, [True] * 3]))
    assert words.vector[0].abs().sum() == 0 and abs(float(words.vector[1].norm()) - 1) < 1e-5


def test_a_text_that_is_too_long_is_told_what_to_do():
    with pytest.raises(BadRecord, match="12 words, this encoder reads 11.*context_extension"):
        TextEncoder(V, D, HEADS, 1, E, longest=L)(torch.ones(1, 12, dtype=torch.long), torch.ones(1, 12).bool())


# --- sound -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bands,transform,rate", [(7, 64, 4000), (13, 512, 16000), (128, 1024, 16000)])
def test_the_filterbank_is_triangles_in_mel(bands, transform, rate):
    bank = mel_filterbank(bands, transform, rate, 20.0, rate / 2)
    low, high = (2595 * math.log10(1 + f / 700) for f in (20.0, rate / 2))
    corners = [700 * (10 ** ((low + (high - low) * i / (bands + 1)) / 2595) - 1) for i in range(bands + 2)]
    for band in range(0, bands, 3):
        left, peak, right = corners[band : band + 3]
        for number in range(transform // 2 + 1):
            f = number * rate / transform
            expected = 0.0
            if left < f <= peak:
                expected = (f - left) / (peak - left)
            elif peak < f < right:
                expected = (right - f) / (right - peak)
            assert abs(bank[band, number] - expected) <= 1e-12


def test_the_filterbank_and_the_spectrogram_are_those_of_the_reference():
    reference = pytest.importorskip("transformers.audio_utils", reason="the reference lives in transformers")
    bank = reference.mel_filter_bank(513, 128, 20.0, 8000.0, 16000, norm=None, mel_scale="htk")
    assert np.abs(bank.T - mel_filterbank(128, 1024, 16000)).max() <= 1e-9
    samples = np.random.default_rng(0).normal(0, 0.1, 4001)
    window = np.hanning(401)[:-1]
    theirs = reference.spectrogram(
        samples, window / window.sum(), 400, 160, fft_length=1024, power=2.0, center=False, mel_filters=bank,
        mel_floor=1e-10, log_mel="log10",
    )  # fmt: skip
    ours = log_mel(samples, 16000)
    assert ours.shape == theirs.shape == (128, 23)
    assert np.abs((theirs + 4) / 4 - ours).max() <= 1e-5


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
def test_no_band_is_silent_for_want_of_a_bin(rate):
    transform = 1 << math.ceil(math.log2(0.06 * rate))
    assert (mel_filterbank(128, transform, rate).sum(axis=1) > 0).all()
    assert (mel_filterbank(128, 512, 16000).sum(axis=1) == 0).any()  # as it would be with the usual transform


@pytest.mark.parametrize("hertz", [220.0, 1000.0, 3520.0])
def test_a_tone_is_loudest_in_its_own_band_and_as_loud_at_any_rate(hertz):
    corners = audio.hertz_from_mel(np.linspace(audio.mel_from_hertz(20.0), audio.mel_from_hertz(8000.0), 130))
    nearest = int(np.abs(corners[1:-1] - hertz).argmin())
    loudness = []
    for rate in (16000, 44100):
        picture = log_mel(np.sin(2 * np.pi * hertz * np.arange(rate // 2) / rate), rate)
        assert (np.abs(picture.argmax(axis=0) - nearest) <= 1).all()
        loudness.append(picture.max())
    assert abs(loudness[0] - loudness[1]) < 0.1  # of about 3 between silence and a full tone


def test_sound_is_cut_into_pieces_with_their_seconds():
    samples = np.random.default_rng(0).normal(0, 0.1, 16000 * 5)
    pictures, seconds = sound_pictures(samples, 16000)
    assert pictures.shape == (3, 128, 198) and seconds.tolist() == [0.0, 2.0, 4.0]
    assert np.array_equal(pictures[1], log_mel(samples[32000:64000], 16000))
    assert pictures[2, :, -1].max() == pytest.approx(-1.5)  # the filling is silence
    assert sound_pictures(samples[:7], 16000)[0].shape == (1, 128, 198)


def test_sound_that_is_not_mono_or_not_finite_is_refused():
    for bad in (np.zeros((2, 100)), np.array([0.0, np.nan])):
        with pytest.raises(BadRecord, match="one row of finite samples"):
            log_mel(bad, 16000)


@pytest.mark.formula("encoders/audio")
def test_the_audio_encoder_is_the_reference_spectrogram_seen_in_three_equal_colours():
    reference = pytest.importorskip("transformers.audio_utils", reason="the reference lives in transformers")
    encoder = stirred(AudioEncoder(D, HEADS, 2, E, side=SIDE, patch=PATCH)).requires_grad_(False)
    samples = np.random.default_rng(1).normal(0, 0.1, 16000)
    pictures, seconds = sound_pictures(samples, 16000, piece=0.5)
    bank = reference.mel_filter_bank(513, 128, 20.0, 8000.0, 16000, norm=None, mel_scale="htk")
    window = np.hanning(401)[:-1]
    theirs = [
        reference.spectrogram(
            part, window / window.sum(), 400, 160, fft_length=1024, power=2.0, center=False, mel_filters=bank,
            mel_floor=1e-10, log_mel="log10",
        )
        for part in (samples[:8000], samples[8000:])
    ]  # fmt: skip
    pixels = torch.tensor(np.stack([[(piece + 4) / 4] * 3 for piece in theirs])[None], dtype=torch.float32)
    when, mask = torch.tensor(seconds)[None], torch.ones(1, 2, dtype=torch.bool)
    heard = encoder(torch.tensor(pictures)[None], when, mask)
    torch.testing.assert_close(heard.vectors, encoder.see(pixels, when, mask).vectors, atol=1e-5, rtol=1e-5)
    assert heard.grid == (32, 12)  # 128 bands by 48 steps in patches of 4


# --- boxes -----------------------------------------------------------------------------------


def bilinear(picture, y, x):
    """The value of a picture [C, H, W] at a place in pixels; outside counts as its edge."""
    high, wide = picture.shape[1:]
    y, x = min(max(y - 0.5, 0.0), high - 1.0), min(max(x - 0.5, 0.0), wide - 1.0)
    top, left = min(int(y), high - 2), min(int(x), wide - 2)
    down, across = y - top, x - left
    corner = picture[:, top : top + 2, left : left + 2]
    rows = corner[:, 0] * (1 - down) + corner[:, 1] * down
    return rows[:, 0] * (1 - across) + rows[:, 1] * across


@pytest.mark.formula("encoders/crops")
def test_a_crop_is_the_mean_of_bilinear_samples_inside_its_box():
    picture, box, side = torch.randn(3, 7, 11), (0.13, 0.2, 0.87, 0.61), 5
    crop = cut_out(picture[None], torch.tensor([[(0.0, 0.0, 0.1, 0.1), box]]), side, fine=2)[0, 1]
    for row in range(side):
        for column in range(side):
            total = 0
            for dy in (0.25, 0.75):
                for dx in (0.25, 0.75):
                    y = box[1] + (box[3] - box[1]) * (row + dy) / side
                    x = box[0] + (box[2] - box[0]) * (column + dx) / side
                    total = total + bilinear(picture, y * 7, x * 11)
            assert (crop[:, row, column] - total / 4).abs().max() <= 1e-5


def test_the_whole_frame_as_a_box_is_the_frame():
    picture = torch.randn(2, 3, SIDE, SIDE)
    whole = cut_out(picture, torch.tensor([[[0.0, 0, 1, 1]]] * 2), SIDE, fine=1)[:, 0]
    torch.testing.assert_close(whole, picture, atol=1e-5, rtol=1e-5)


def test_tracks_are_seen_one_by_one():
    encoder = stirred(CropEncoder(ImageEncoder(D, HEADS, 2, E, side=SIDE, patch=PATCH, time="before"), SIDE))
    pixels, seconds, _ = clip()
    corner = torch.rand(2, 5, 3, 2) / 2
    boxes, mask = torch.cat([corner, corner + 0.3], dim=-1), torch.ones(2, 5, 3, dtype=torch.bool)
    seen = encoder(pixels, boxes, seconds, mask)
    assert seen.vectors.shape == (10, 3, E)
    alone = encoder(pixels[1:], boxes[1:, 3:4], seconds[1:], mask[1:, 3:4])
    torch.testing.assert_close(alone.vectors[0], seen.vectors[5 + 3], atol=1e-5, rtol=1e-5)


def test_an_empty_box_is_refused_unless_it_is_masked():
    encoder = CropEncoder(ImageEncoder(D, HEADS, 1, E, side=SIDE, patch=PATCH), SIDE)
    pixels, seconds, _ = clip(1, 2)
    boxes = torch.tensor([[[[0.1, 0.1, 0.5, 0.5], [0.4, 0.2, 0.4, 0.6]]]])
    with pytest.raises(BadRecord, match="sample 0, track 0, frame 1"):
        encoder(pixels, boxes, seconds, torch.ones(1, 1, 2, dtype=torch.bool))
    assert encoder(pixels, boxes, seconds, torch.tensor([[[True, False]]])).vectors.isfinite().all()


# --- binding and prompts ---------------------------------------------------------------------


def test_binding_trains_the_towers_and_the_temperature_and_never_the_words():
    text = stirred(TextEncoder(V, D, HEADS, 1, E, longest=L))
    before = {name: value.clone() for name, value in text.state_dict().items()}
    binding = Binding(text, video=ImageEncoder(D, HEADS, 1, E, side=SIDE, patch=PATCH, time="before"))
    step = torch.optim.AdamW([p for p in binding.parameters() if p.requires_grad], lr=0.01)
    words = binding.read(torch.tensor([[3, 4], [5, 6]]), torch.ones(2, 2, dtype=torch.bool))
    pixels, seconds, mask = clip()
    losses = []
    for _ in range(12):
        scores = binding(binding.see("video", pixels, seconds, mask), words)
        loss = torch.nn.functional.cross_entropy(scores, torch.arange(2))
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in binding.text.state_dict().items())


@pytest.mark.formula("encoders/bind")
def test_binding_scores_are_cosines_over_the_temperature():
    binding = Binding(TextEncoder(V, D, HEADS, 1, E, longest=L)).requires_grad_(False)
    left, right = (
        torch.nn.functional.normalize(torch.randn(2, E), dim=1),
        torch.nn.functional.normalize(torch.randn(3, E), dim=1),
    )
    scores = binding(left, right)
    for row in range(2):
        for column in range(3):
            assert float(scores[row, column]) == pytest.approx(float(left[row] @ right[column]) / 0.07, rel=1e-4)
    binding.scale.data.fill_(9.0)
    assert binding(left, right).abs().max() <= 100.0 + 1e-3


def test_an_unknown_kind_is_told_with_those_that_are_bound():
    binding = Binding(TextEncoder(V, D, HEADS, 1, E), sound=torch.nn.Identity())
    with pytest.raises(BadRecord, match="'depth'; bound are: sound"):
        binding.see("depth", *clip())


NAMES, START, STOP, END = [[7], [8, 9], [10, 11, 12]], 1, [3], 2


@pytest.mark.parametrize("per_class", [False, True])
def test_prompts_that_begin_as_words_are_the_plain_template(per_class):
    text = stirred(TextEncoder(V, D, HEADS, 2, E, longest=L))
    template = [20, 21, 22, 21]
    prompts = LearnedPrompts(text, NAMES, start=START, end=END, stop=STOP, begin_as=template, per_class=per_class)
    for row, name in enumerate(NAMES):
        ids = torch.tensor([[START, *template, *name, *STOP, END]])
        padded = torch.nn.functional.pad(ids, (0, prompts.mask.shape[1] - ids.shape[1]))
        plain = text(padded, torch.arange(padded.shape[1])[None] < ids.shape[1])
        torch.testing.assert_close(prompts().vector[row], plain.vector[0], atol=1e-6, rtol=0)


@pytest.mark.formula("encoders/prompts")
@pytest.mark.parametrize("place", ["end", "middle", "front"])
@pytest.mark.parametrize("per_class", [False, True])
def test_prompts_stand_where_they_are_put(place, per_class):
    text = stirred(TextEncoder(V, D, HEADS, 2, E, longest=L))
    prompts = LearnedPrompts(text, NAMES, start=START, end=END, context=3, place=place, per_class=per_class)
    assert prompts.context.shape == (3 if per_class else 1, 3, D)
    said = prompts().vector
    for row, name in enumerate(NAMES):
        context = prompts.context[row if per_class else 0]
        words = text.words(torch.tensor(name))
        parts = {
            "end": [context, words],
            "middle": [context[:1], words, context[1:]],
            "front": [words, context],
        }[place]
        start, end = text.words(torch.tensor([START])), text.words(torch.tensor([END]))
        sentence = torch.cat([start, *parts, end])[None]
        alone = text.read(sentence, torch.ones(sentence.shape[:2], dtype=torch.bool))
        torch.testing.assert_close(said[row], alone.vector[0], atol=1e-6, rtol=1e-5)


def test_only_the_context_of_prompts_is_trained():
    prompts = LearnedPrompts(TextEncoder(V, D, HEADS, 1, E, longest=L), NAMES, start=START, end=END, context=2)
    assert [name for name, parameter in prompts.named_parameters() if parameter.requires_grad] == ["context"]


def test_a_place_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'end', 'middle', 'front'"):
        LearnedPrompts(TextEncoder(V, D, HEADS, 1, E), NAMES, start=1, end=2, place="behind")


# --- progressive -----------------------------------------------------------------------------


def normed(x, gain=1.0, shift=0.0):
    """A layer norm of a vector, written out."""
    centred = x - x.sum() / len(x)
    return centred / ((centred * centred).sum() / len(x) + 1e-5).sqrt() * gain + shift


def mixed(attention, queries, looked_at):
    """Attention of one vector over a list of vectors, head by head."""
    width, out = D // HEADS, []
    for head in range(HEADS):
        rows = slice(head * width, (head + 1) * width)

        def part(linear, x, rows=rows):
            return linear.weight[rows] @ x + linear.bias[rows]

        query = part(attention.query, queries)
        weights = torch.stack([part(attention.key, x) @ query / math.sqrt(width) for x in looked_at]).exp()
        values = [part(attention.value, x) for x in looked_at]
        out.append(sum(w * v for w, v in zip(weights, values, strict=True)) / weights.sum())
    return attention.out(torch.cat(out))


@pytest.mark.formula("encoders/progressive")
def test_progressive_encoding_is_its_formula_place_by_place():
    """x += space(LN x); x += alpha * past(AdaLN(x; x + time)); x += think(LN x), with only loops over places."""
    encoder = stirred(ProgressiveEncoder(D, HEADS, 1, E, side=SIDE, patch=PATCH)).requires_grad_(False).double()
    pixels, seconds, mask = clip(batch=1)
    tower, block = encoder.see.tower, encoder.see.tower.blocks[0]
    told = []  # one list of places for each frame: the class token, then the patches
    for t in range(3):
        patches = []
        for row in range(3):
            for column in range(3):
                square = pixels[0, t, :, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4].double()
                patches.append((tower.patchify.weight * square).sum(dim=(1, 2, 3)))
        places = [x + position for x, position in zip([tower.cls, *patches], tower.positions, strict=True)]
        told.append([normed(x, tower.norm_in.weight, tower.norm_in.bias) for x in places])
    for t, places in enumerate(told):
        norm = block.attend.norm
        before = [normed(x, norm.weight, norm.bias) for x in places]
        told[t] = [x + mixed(block.attend.inner, y, before) for x, y in zip(places, before, strict=True)]
    adaptive, changed = block.after.norm, []
    for t in range(3):
        when = tower.when(seconds[0, t] - seconds[0, 0])
        conditions = [x + when for x in told[t]]
        changed.append(
            [adaptive.scale(z) * normed(x) + adaptive.shift(z) for x, z in zip(told[t], conditions, strict=True)]
        )
    for t in range(3):
        for n in range(10):
            past = mixed(block.after.attention, changed[t][n], [changed[s][n] for s in range(t + 1)])
            told[t][n] = told[t][n] + block.after.layer_scale * past
    seen = encoder(pixels.double(), seconds, mask)
    for t in range(3):
        for n in range(10):
            x = told[t][n]
            x = x + block.think.inner(normed(x, block.think.norm.weight, block.think.norm.bias))
            x = normed(x, tower.norm_out.weight, tower.norm_out.bias)
            found = seen.cls[0, t] if n == 0 else seen.tokens[0, t, n - 1]
            assert (found - x).abs().max() <= 1e-6


def test_later_frames_never_change_what_earlier_ones_became():
    encoder = stirred(ProgressiveEncoder(D, HEADS, 3, E, side=SIDE, patch=PATCH, time_layers=3))
    pixels, seconds, mask = clip(frames=5)
    changed, later = pixels.clone(), seconds.clone()
    changed[:, 3:], later[:, 3:] = 7.0, 100.0
    before, after = encoder(pixels, seconds, mask), encoder(changed, later, mask)
    for part in ("vectors", "tokens", "cls"):
        difference = (getattr(before, part)[:, :3] - getattr(after, part)[:, :3]).abs().max()
        assert difference.item() == 0.0
        assert not torch.equal(getattr(before, part)[:, 3:], getattr(after, part)[:, 3:])
    short = encoder(pixels[:, :3], seconds[:, :3], mask[:, :3])
    torch.testing.assert_close(short.tokens, before.tokens[:, :3], atol=1e-5, rtol=1e-5)


def test_stills_are_repeated_and_clips_are_not():
    pixels = torch.arange(6.0).reshape(2, 3, 1, 1, 1).expand(2, 3, 3, 2, 2)
    seconds = torch.tensor([[0.5, 1.5, 2.5], [9.0, 4.5, 9.0]])
    mask = torch.tensor([[True, True, False], [False, True, False]])
    shown, when, valid = repeated_stills(pixels, seconds, mask, copies=5, step=2.0)
    assert valid.tolist() == [[True, True, False, False, False], [True] * 5]
    assert shown[1, :, 0, 0, 0].tolist() == [4.0] * 5 and shown[0, :2, 0, 0, 0].tolist() == [0.0, 1.0]
    assert when[1].tolist() == [4.5, 6.5, 8.5, 10.5, 12.5] and when[0, :2].tolist() == [0.5, 1.5]
    fewer = repeated_stills(pixels, seconds, mask, copies=2)[2]
    assert fewer.tolist() == [[True, True, False], [True, True, False]]


def test_a_batch_of_clips_is_left_as_it_is():
    given = clip()
    assert all(mine is yours for mine, yours in zip(repeated_stills(*given), given, strict=True))


def test_each_copy_of_a_still_is_told_differently():
    encoder = stirred(ProgressiveEncoder(D, HEADS, 2, E, side=SIDE, patch=PATCH, copies=3))
    seen = encoder(*clip(batch=1, frames=1))
    assert seen.tokens.shape[:2] == (1, 3) and seen.mask.all()
    assert (seen.tokens[0, 0] - seen.tokens[0, 2]).abs().max() > 1e-3
