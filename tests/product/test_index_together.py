"""Two indexers and four readers at once on one library: no error, no row lost, none doubled."""

import json
import os
import subprocess
import sys
import time
from collections import Counter

import films
import pytest

from sightline.index import index_paths
from sightline.store.library import Library

READER = """
import sys, time
import numpy as np
from sightline.store.library import Library
until, seen, looks = time.monotonic() + float(sys.argv[2]), 0, 0
while time.monotonic() < until:
    with Library.open(sys.argv[1]) as library:
        view = library.view()
        videos = view.videos
        assert len(videos) >= seen, "a video that was there is gone"
        seen = len(videos)
        for content, video in videos.items():
            rows = view.rows_of(content)
            assert len(rows) == video.frames, (len(rows), video.frames)
            assert len(np.unique(np.asarray(view.seconds[rows]))) == len(rows), "a row stands twice"
        if seen:
            view.nearest(np.asarray(view.vectors[0]), 5)
        looks += 1
print(looks)
"""


def _start(*command, library):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([films.SRC, *(p for p in sys.path if p)])}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _indexer(folder, library):
    words = ("index", str(folder), "--library", str(library), "--json")
    return _start(sys.executable, "-m", "sightline.cli.main", *words, library=library)


def _together(tmp_path, seconds):
    folder, library = tmp_path / "videos", tmp_path / "library"
    for i in range(12):
        films.tiny_film(folder / f"film{i}.mp4", seed=i)
    with Library.open(library, create=True) as opened:
        index_paths(opened, [str(folder)])
    readers = [_start(sys.executable, "-c", READER, str(library), str(seconds), library=library) for _ in range(4)]
    began, number, encoded = time.monotonic(), 12, 0
    while time.monotonic() - began < seconds:
        for _ in range(10):
            films.tiny_film(folder / f"film{number}.mp4", seed=number)
            number += 1
        for indexer in [_indexer(folder, library), _indexer(folder, library)]:
            out, err = indexer.communicate(timeout=120)
            assert indexer.returncode == 0, err
            encoded += json.loads(out)["frames_encoded"]
    for reader in readers:
        out, err = reader.communicate(timeout=60)
        assert reader.returncode == 0, err
    return folder, library, number, encoded, readers


def _nothing_lost_nothing_doubled(tmp_path, seconds):
    folder, library, number, encoded, readers = _together(tmp_path, seconds)
    alone = tmp_path / "alone"
    films.index(folder, alone)
    assert films.rows(library) == films.rows(alone)
    with Library.open(library) as opened:
        view = opened.view()
        assert len(view.videos) == number and opened.check(deep=True) == []
        assert Counter(view.content_of(range(view.rows)).tolist()) == {c: v.frames for c, v in view.videos.items()}
        assert view.rows == 24 + encoded  # what was encoded is what is held: nothing twice
    print(f"{seconds} s, {number} files, 2 indexers and 4 readers: nothing lost, nothing doubled")


def test_two_indexers_and_four_readers_for_a_few_seconds(tmp_path):
    _nothing_lost_nothing_doubled(tmp_path, 4)


@pytest.mark.slow
def test_two_indexers_and_four_readers_for_thirty_seconds(tmp_path):
    _nothing_lost_nothing_doubled(tmp_path, 30)
