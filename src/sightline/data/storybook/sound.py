"""The sound of a script: a quiet chord per place and a small tune per action, so that sound and picture tell one story.

Shapes: samples [N] float32 in -1..1, mono, RATE per second.
"""

from __future__ import annotations

import numpy as np

from sightline.data.storybook.backdrops import BACKDROPS
from sightline.data.storybook.script import Event, Script

RATE = 44_100
PENTATONIC = (261.63, 293.66, 329.63, 392.0, 440.0, 523.25, 587.33, 659.25, 783.99, 880.0)  # C major pentatonic, Hz
TUNES: dict[str, tuple[int, ...]] = {
    "enters": (0, 2, 4),
    "leaves": (4, 2, 0),
    "jumps": (2, 6),
    "spins": (3, 4, 5, 6),
    "wobbles": (3, 4),
    "grows": (0, 1, 2, 3, 4, 5),
    "shrinks": (5, 4, 3, 2, 1, 0),
    "hides": (6, 3, 1),
    "falls": (9, 7, 5, 3, 1, 0),
    "carried": (0, 3, 0, 3),
    "flies": (1, 3, 5, 7, 9),
    "slides": (2, 3, 4, 3, 2),
}


def bell(frequency: float, seconds: float, loudness: float) -> np.ndarray:
    """A soft struck note: a tone and two quieter overtones that die away."""
    t = np.arange(int(seconds * RATE), dtype=np.float32) / RATE
    partials = ((1.0, 1.0), (2.0, 0.35), (3.01, 0.12))
    tone = sum(share * np.sin(2 * np.pi * frequency * factor * t) for factor, share in partials)
    attack = np.minimum(1.0, t / 0.008)
    return np.asarray(loudness * attack * np.exp(-4.5 * t / max(seconds, 0.05)) * tone, np.float32)


def _add(track: np.ndarray, note: np.ndarray, second: float) -> None:
    start = int(second * RATE)
    room = max(0, len(track) - start)
    track[start : start + len(note)] += note[:room]


def _play(track: np.ndarray, event: Event) -> None:
    """The tune of an action, once for each time it is done, over the event's length."""
    notes = TUNES[event.action] * event.times
    step = (event.end - event.start) / len(notes)
    for k, note in enumerate(notes):
        _add(track, bell(PENTATONIC[note], max(step * 1.6, 0.12), 0.22), event.start + k * step)


def samples(script: Script) -> np.ndarray:
    track = np.zeros(int(round(script.seconds * RATE)), np.float32)
    for scene in script.scenes:
        root = PENTATONIC[list(BACKDROPS).index(scene.backdrop) % 5] / 2
        t = np.arange(int((scene.end - scene.start) * RATE), dtype=np.float32) / RATE
        edge = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.4)  # fades in and out: no click at a cut
        chord = sum(np.sin(2 * np.pi * root * factor * t) for factor in (1.0, 1.5, 2.0))
        _add(track, np.asarray(0.018 * edge * chord, np.float32), scene.start)
    for event in script.events:
        _play(track, event)
    for line in script.speech:  # a murmur where somebody speaks: one short note per word
        for k in range(len(line.text.en.split())):
            _add(track, bell(180 + 25 * ((k * 7) % 4), 0.16, 0.12), line.start + 0.2 * k)
    return np.clip(track, -1.0, 1.0)
