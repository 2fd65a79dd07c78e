"""Sound becomes a picture, mel bands by time, and a picture tower looks at it, piece by piece.

From: LanguageBind (2310.01852): a log-mel spectrogram as a picture, one channel repeated in three, the positions
resized to bands x time; pieces of two seconds as in Video-LLaMA (2306.02858). Mel scale: 2595 log10(1 + f / 700).
Departures: the window is 25 ms every 10 ms at any sampling rate and its level does not depend on the rate; the
transform is long enough for every band to hold a bin (at 128 bands the usual 512 leaves some empty, and so silent).
Shapes: samples [n] mono in -1..1 -> pictures [T, bands, frames], seconds [T]; sound [B, T, bands, frames] -> Seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

from sightline.encoders.image import ImageEncoder
from sightline.errors import BadRecord
from sightline.records import Seen

Array = Any

BANDS, LOWEST, HIGHEST = 128, 20.0, 8000.0  # how many, and from where to where in Hz
WINDOW, HOP, LONG = 0.025, 0.010, 0.060  # seconds: one look, the step to the next, the least the transform spans
SILENCE = 1e-10


def mel_from_hertz(hertz: Array) -> Array:
    return 2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0)


def hertz_from_mel(mel: Array) -> Array:
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


def mel_filterbank(bands: int, transform: int, rate: int, lowest: float = LOWEST, highest: float = HIGHEST) -> Array:
    """Triangles, evenly spaced in mel, each reaching from its left neighbour's peak to its right one's, where it is 0.

    Shapes: -> [bands, transform // 2 + 1]; a band above half the sampling rate is all zero.
    """
    corners = hertz_from_mel(np.linspace(mel_from_hertz(lowest), mel_from_hertz(highest), bands + 2))
    left, peak, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bins = np.arange(transform // 2 + 1) * (rate / transform)
    return np.clip(np.minimum((bins - left) / (peak - left), (right - bins) / (right - peak)), 0.0, None)


def log_mel(samples: Array, rate: int, bands: int = BANDS) -> Array:
    """How loud each band is at each step: (log10 power + 4) / 4, about -1.5 to 1.  [n] -> [bands, frames] float32"""
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise BadRecord(f"sound is one row of finite samples (mix the channels first), not shape {samples.shape}")
    window, hop = round(WINDOW * rate), round(HOP * rate)
    if hop < 1:
        raise BadRecord(f"{rate} samples a second are too few to hear anything in; resample to 16000")
    samples = np.pad(samples, (0, max(0, window - len(samples))))
    looks = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]  # [frames, window]
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(window) / window)
    transform = 1 << int(np.ceil(np.log2(LONG * rate)))
    power = np.abs(np.fft.rfft(looks * (hann / hann.sum()), transform)) ** 2  # [frames, bins]
    loudness = mel_filterbank(bands, transform, rate) @ power.T
    return ((np.log10(np.maximum(loudness, SILENCE)) + 4.0) / 4.0).astype(np.float32)


def sound_pictures(samples: Array, rate: int, piece: float = 2.0, bands: int = BANDS) -> tuple[Array, Array]:
    """Sound cut into pieces of `piece` seconds, the last filled with silence: pictures and the second each begins."""
    length = round(piece * rate)
    count = max(1, -(-len(samples) // length))
    filled = np.pad(np.asarray(samples, dtype=np.float64), (0, count * length - len(samples)))
    pictures = np.stack([log_mel(part, rate, bands) for part in filled.reshape(count, length)])
    return pictures, np.arange(count) * length / rate


class AudioEncoder(nn.Module):
    """An image encoder over spectrograms. `side` is that of the picture tower's own square grid of positions."""

    def __init__(self, width: int, heads: int, layers: int, out_width: int, **tower: Any) -> None:
        super().__init__()
        self.see = ImageEncoder(width, heads, layers, out_width, **tower)

    def forward(self, sound: Tensor, seconds: Tensor, mask: Tensor) -> Seen:
        return self.see(sound[:, :, None].expand(-1, -1, 3, -1, -1), seconds, mask)

    def of_clip(self, seen: Seen) -> Tensor:
        return self.see.of_clip(seen)
