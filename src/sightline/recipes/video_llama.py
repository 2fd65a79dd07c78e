"""Video-LLaMA: a Q-Former on each frame, one over the frames, and a third over pieces of the sound.

Shows: two senses in one prefix; and what is lost when nothing of a system knows anything at the beginning.
Command: sightline train video-llama --size tiny --out DIR
From: Video-LLaMA (arXiv 2306.02858): frame positions, a video Q-Former that looks in every layer, 8 pieces of 2 seconds
of sound with positions and an audio Q-Former of 8 queries; the language model is frozen.
Departures: no Q-Former was trained before: the one for frames begins as the mean of a frame's tokens, the one for the
video by likeness (first_looks.py). Sound is heard by log-mel bands, without a tower, and only in storybook's own videos
(sounds_heard.py). A quarter of the budget is for sound. Questions do not enter any Q-Former, as in the paper.
Shapes: seen.tokens [B, T, N, D] -> [B, 3 M / 4, W]; sound [B, 8, 1, F] -> [B, M / 4, W]; prefix [B, M, W]
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from sightline.connectors.qformer import QFormerConnector, VideoQFormer
from sightline.recipes.first_looks import LAYERS, project_normed, quiet_qformer
from sightline.recipes.sounds_heard import HEARD, sound_of
from sightline.recipes.starting_lm import Start
from sightline.recipes.valley import joined
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "Video-LLaMA",
    "paper": "arXiv 2306.02858",
    "family": "connect",
    "idea": "sound beside pictures, each through Q-Formers of its own",
    "without": "pictures alone, with the whole budget",
}


class VideoLLaMA(System):
    def __init__(self, start: Start, hears: bool) -> None:
        super().__init__(start.lm, start.tokens)
        for_sound = start.tokens // 4 if hears else 0
        width = start.seen_width
        self.pictures = VideoQFormer(width, start.width, start.tokens - for_sound, per_frame=1, inner=width)
        self.pictures.frame = quiet_qformer(width, 1, text=False)
        self.pictures.video = quiet_qformer(width, start.tokens - for_sound, text=False, cross_every=1)
        self.pictures.project = project_normed(start)
        self.norm_seen = nn.LayerNorm(width)
        self.worlds = (start.size.learn, start.size.exam, start.size.val)
        self.hears = hears
        if hears:
            self.sound = QFormerConnector(HEARD, start.width, for_sound, inner=width, layers=LAYERS)

    def see(self, batch: Batch) -> Shown:
        pictures = self.pictures(replace(batch.seen, tokens=self.norm_seen(batch.seen.tokens)))
        if not self.hears:
            return Shown(pictures)
        return Shown(joined(pictures, self.sound(sound_of(batch.seen, self.worlds))))


def build(start: Start, idea: bool = True) -> VideoLLaMA:
    return VideoLLaMA(start, hears=idea)


def losses(model: VideoLLaMA, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}


UNASKED = ("pictures.read", "sound.read", "sound.qformer.layers.0.think_text")
POLICY = {"lm": "frozen"} | {part: "frozen" for part in UNASKED}
