"""The sound of storybook's videos as a system hears it, kept beside what the picture tower saw of them.

A video becomes eight pieces of two seconds, a piece how loud each mel band is: its mean over the piece and its loudest.
A batch has pictures alone, so a video is found again by its frames' vectors. Videos of other makers are silent here.

From: Video-LLaMA (arXiv 2306.02858): 8 pieces of 2 seconds. Log-mel as in encoders/audio.py.
Departures: no sound tower (the paper has ImageBind): the bands themselves. Every third sample: storybook's bells stay
below 3 kHz.
Shapes: script -> [8, 2 * bands]; frames' vectors [B, T, E] -> Seen with tokens [B, 8, 1, 2 * bands]
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np

from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.sound import RATE, samples
from sightline.recipes.questions_seen import World, seen_world
from sightline.records import Seen
from sightline.training.kept import home, name_of

Array = Any

PIECES, SECONDS, BANDS, EVERY = 8, 2.0, 64, 3
HEARD = 2 * BANDS
VERSION = 1  # raised when the same facts would give other sounds


def heard(script: Script) -> tuple[Array, Array]:
    """Pieces spread evenly over the video, and the seconds of their middles: [8, 2 * bands], [8]"""
    from sightline.encoders.audio import log_mel

    track, rate = samples(script)[::EVERY], RATE // EVERY
    length = min(len(track), round(SECONDS * rate))
    begins = np.linspace(0, len(track) - length, PIECES).round().astype(int)
    loud = [log_mel(track[begin : begin + length], rate, BANDS) for begin in begins]
    bands = np.stack([np.concatenate([piece.mean(axis=1), piece.max(axis=1)]) for piece in loud])
    return bands, ((begins + length / 2) / rate).astype(np.float32)


def heard_world(world: World) -> tuple[Array, Array]:
    """The sounds of a world's videos, made now if that was never done before: [V, 8, 2 * bands], [V, 8]"""
    facts = {"kind": "sound", "version": VERSION, "world": asdict(world)}
    file = home() / f"{name_of(facts)}.npz"
    if not file.is_file():
        scripts = (random_script(world.seed * 1_000_003 + k, world.dials, world.split) for k in range(world.videos))
        bands, seconds = zip(*(heard(script) for script in scripts), strict=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".npz", delete=False) as beside:
            np.savez(beside, bands=np.stack(bands), seconds=np.stack(seconds))
        os.replace(beside.name, file)  # whole or not there
    with np.load(file, allow_pickle=False) as kept:
        return kept["bands"], kept["seconds"]


@cache
def _rows(world: World) -> dict[bytes, tuple[Array, Array]]:
    """Sound and seconds by the mark of what was seen; both worlds are made in the order of the scripts."""
    seen, (bands, seconds) = seen_world(world), heard_world(world)
    return {mark(vectors): (bands[row], seconds[row]) for row, vectors in enumerate(seen.vectors)}


def mark(vectors: Array) -> bytes:
    return hashlib.blake2b(np.asarray(vectors, np.float16).tobytes(), digest_size=16).digest()


def sound_of(seen: Seen, worlds: tuple[World, ...]) -> Seen:
    """What is heard in the videos of a batch: one token a piece."""
    import torch

    silence = (np.zeros((PIECES, HEARD), np.float32), np.zeros(PIECES, np.float32))
    rows = []
    for vectors in seen.vectors:
        found = (_rows(world).get(mark(vectors.numpy())) for world in worlds)
        rows.append(next((row for row in found if row is not None), silence))
    tokens = torch.from_numpy(np.stack([row[0] for row in rows]))[:, :, None]
    seconds = torch.from_numpy(np.stack([row[1] for row in rows]))
    every = torch.ones(seconds.shape, dtype=torch.bool)
    return Seen(torch.zeros(*seconds.shape, 1), seconds, every, tokens)
