"""Writes a data set: videos, subtitles, and the truth in our own jsonl and in the public annotation formats.

From: the fields of NExT-QA (csv), NExT-GQA (csv and gsub json), QVHighlights (jsonl) and MSR-VTT (json, JSFUSION csv)
as found in their released files.
Departures: QVHighlights saliency is the share of a 2-second clip that the event covers (0 to 4), the same for all three
raters, since the truth is known; the NExT files hold the questions with five options only, as their columns want.

    DIR/videos/NAME.mp4  NAME.en.srt  NAME.zh.srt
    DIR/storybook.jsonl  questions.jsonl  nextqa.csv  nextgqa.csv  nextgqa_gsub.json  qvhighlights.jsonl
    DIR/msrvtt.json  msrvtt_test.csv
"""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sightline.data.storybook.desk import OPTIONS, Question
from sightline.data.storybook.dials import Dials
from sightline.data.storybook.film import video
from sightline.data.storybook.questions import questions
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.truth import captions, counts, moments, order, screen_text, spoken, tags
from sightline.errors import BadQuery

# NExT-QA's types: temporal next, previous, current; descriptive count, location, other.
NEXT_TYPES = {"after": "TN", "first": "TP", "while": "TC", "when": "TC", "how many": "DC", "where": "DL"}
CLIP = 2.0  # seconds of a QVHighlights clip


@dataclass(frozen=True)
class Episode:
    """One video of the set: its name, script and questions."""

    name: str
    script: Script
    questions: tuple[Question, ...]
    width: int
    height: int
    rate: int

    @property
    def frames(self) -> int:
        return int(round(self.script.seconds * self.rate))


def truth(episode: Episode) -> dict[str, Any]:
    """All that is true of one video, as plain values for json."""
    script, aspect = episode.script, episode.width / episode.height
    return {
        "video": f"{episode.name}.mp4",
        "seed": script.seed,
        "split": script.split,
        "duration": script.seconds,
        "width": episode.width,
        "height": episode.height,
        "rate": episode.rate,
        "dials": asdict(script.dials),
        "scenes": [asdict(scene) for scene in script.scenes],
        "captions": [asdict(caption) for caption in captions(script)],
        "moments": [asdict(known) for known in moments(script, aspect)],
        "order": [asdict(both) for both in order(script)],
        "counts": counts(script),
        "screen_text": [
            {"start": line.start, "end": line.end, "text": line.text, "box": line.box}
            for line in screen_text(script, aspect)
        ],
        "speech": {
            language: [{"start": line.start, "end": line.end, "text": line.text} for line in spoken(script, language)]
            for language in ("en", "zh")
        },
        "tags": [{"path": path, "spans": spans} for path, spans in tags(script).items()],
    }


def question_row(question: Question) -> dict[str, Any]:
    row = asdict(question)
    return row | {"answer_text": asdict(question.right), "chance": 1 / len(question.options)}


def qvhighlights_rows(episode: Episode, first_id: int) -> list[dict[str, Any]]:
    """One row per event: the query is its statement, the windows are whole clips of two seconds."""
    rows = []
    duration = episode.script.seconds
    for k, event in enumerate(known for known in moments(episode.script) if known.kind == "event"):
        clips = range(int(event.start // CLIP), math.ceil(min(event.end, duration) / CLIP))
        shares = [(min(event.end, (c + 1) * CLIP) - max(event.start, c * CLIP)) / CLIP for c in clips]
        rows.append(
            {
                "qid": first_id + k,
                "query": event.text.en,
                "query_zh": event.text.zh,
                "duration": duration,
                "vid": f"{episode.name}_0.0_{duration:.1f}",
                "relevant_windows": [[clips[0] * CLIP, min(duration, clips[-1] * CLIP + CLIP)]],
                "relevant_clip_ids": list(clips),
                "saliency_scores": [[math.ceil(4 * share)] * 3 for share in shares],
            }
        )
    return rows


def _jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def _next_files(folder: Path, episodes: Sequence[Episode]) -> None:
    asked = [(e, q) for e in episodes for q in e.questions if len(q.options) == OPTIONS]
    options = [f"a{k}" for k in range(OPTIONS)]
    for name, column, by_text in (("nextqa.csv", "video", False), ("nextgqa.csv", "video_id", True)):
        head = [column, "frame_count", "width", "height", "question", "answer", "qid", "type", *options]
        _csv(
            folder / name,
            head,
            (
                [
                    e.name,
                    e.frames,
                    e.width,
                    e.height,
                    q.question.en,
                    q.right.en if by_text else q.answer,
                    q.number,
                    NEXT_TYPES.get(q.kind, "DO"),
                    *(option.en for option in q.options),
                ]
                for e, q in asked
            ),
        )
    grounded = {
        e.name: {
            "duration": e.script.seconds,
            "fps": e.rate,
            "location": {str(q.number): [list(span) for span in q.seconds] for o, q in asked if o is e},
        }
        for e in episodes
    }
    (folder / "nextgqa_gsub.json").write_text(json.dumps(grounded), encoding="utf-8")


def _msrvtt_files(folder: Path, episodes: Sequence[Episode]) -> None:
    said = [(e, caption) for e in episodes for caption in captions(e.script)]
    sentences = [{"sen_id": k, "video_id": e.name, "caption": c.text.en} for k, (e, c) in enumerate(said)]
    videos = [
        {"id": k, "video_id": e.name, "split": e.script.split, "start time": 0.0, "end time": e.script.seconds}
        for k, e in enumerate(episodes)
    ]
    (folder / "msrvtt.json").write_text(json.dumps({"videos": videos, "sentences": sentences}), encoding="utf-8")
    _csv(
        folder / "msrvtt_test.csv",
        ["key", "vid_key", "video_id", "sentence"],
        ([f"ret{k}", e.name, e.name, captions(e.script)[0].text.en] for k, e in enumerate(episodes)),
    )


def write_annotations(folder: Path, episodes: Sequence[Episode]) -> None:
    _jsonl(folder / "storybook.jsonl", map(truth, episodes))
    _jsonl(folder / "questions.jsonl", (question_row(q) for e in episodes for q in e.questions))
    rows: list[dict[str, Any]] = []
    for episode in episodes:
        rows += qvhighlights_rows(episode, len(rows))
    _jsonl(folder / "qvhighlights.jsonl", rows)
    _next_files(folder, episodes)
    _msrvtt_files(folder, episodes)


def make(
    folder: str | Path,
    n: int,
    split: str = "train",
    seed: int = 0,
    *,
    dials: Dials | None = None,
    size: tuple[int, int] = (640, 360),
    rate: int = 12,
    asked: int = 8,
    videos: bool = True,
    scripts: Sequence[Script] | None = None,
    told: Callable[[str], None] | None = None,
) -> list[Episode]:
    """Writes `n` videos (seeds seed, seed + 1, …) and all their annotations; or the given scripts instead.

    `told` hears the name of each video that is done.
    """
    chosen = scripts if scripts is not None else [random_script(seed + k, dials, split) for k in range(n)]
    twice = [seed for seed, count in Counter(script.seed for script in chosen).items() if count > 1]
    if twice:
        raise BadQuery(f"two scripts have the seed {twice[0]}, by which videos are named; give each its own 'seed:'")
    folder = Path(folder)
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    episodes = []
    for script in chosen:
        name = f"{script.split}-{script.seed:06d}"
        episodes.append(Episode(name, script, tuple(questions(script, asked)), *size, rate))
        if videos:
            video(script, folder / "videos" / f"{name}.mp4", size, rate)
        if told is not None:
            told(name)
    write_annotations(folder, episodes)
    return episodes
