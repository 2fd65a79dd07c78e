"""Two hundred files live their life: after every change the library holds exactly what the disk holds."""

import os
import random
import shutil

import films
import pytest

from sightline.index import Wishes, index_paths
from sightline.indexing.identity import digest
from sightline.store.library import Library


class Story:
    """A folder, a library, and the model answer: which digests are on disk under which names."""

    def __init__(self, root, seeds):
        self.folder, self.library = root / "videos", root / "library"
        self.random = random.Random(11)
        self.spare = iter(range(1000, 10_000))
        self.encoded: set[str] = set()
        for i in range(seeds):
            films.tiny_film(self.folder / f"shelf{i % 5}" / f"film{i:03d}.mp4", seed=i, seconds=1)

    def files(self):
        return sorted(path for path in self.folder.rglob("*.mp4") if path.is_file() and "loop" not in path.parts)

    def on_disk(self):
        return {str(path): digest(str(path)) for path in self.files()}

    def run(self):
        """Indexes; returns how many contents were encoded, and how many should have been."""
        answer = self.on_disk()
        due = set(answer.values()) - self.encoded
        with Library.open(self.library, create=True) as library:
            report = index_paths(library, [str(self.folder)], Wishes())
            view = library.view()
            held = {path: video.id for video in view.videos.values() for path in video.paths}
            known = {path: file.digest for path, file in library.known().items()}
        assert report.failed == [] and report.waiting == 0
        assert set(held) == set(answer)
        assert known == answer
        self.encoded |= set(answer.values())
        assert report.indexed == len(due)
        return report

    def pick(self, count):
        return self.random.sample(self.files(), count)

    def rename(self):
        for path in self.pick(4):
            path.rename(path.with_name(f"renamed{next(self.spare)}.mp4"))
        (self.folder / "shelf1").rename(self.folder / f"shelf{next(self.spare)}")
        (self.folder / next(p.name for p in self.folder.iterdir() if p.name.startswith("shelf1"))).rename(
            self.folder / "shelf1"
        )

    def copy(self):
        for path in self.pick(3):
            shutil.copy(path, self.folder / f"copy{next(self.spare)}.mp4")

    def move(self):
        target = self.folder / f"moved{next(self.spare)}"
        target.mkdir()
        for path in self.pick(5):
            shutil.move(path, target / path.name)

    def edit(self):
        for path in self.pick(3):
            films.tiny_film(path, seed=next(self.spare), seconds=1)

    def touch(self):
        for path in self.pick(4):
            os.utime(path, (1, self.random.randrange(1, 10**9)))

    def delete(self):
        self.shelf = [(path, path.read_bytes()) for path in self.pick(6)]
        for path, _ in self.shelf:
            path.unlink()

    def put_back(self):
        for path, data in self.shelf[:3]:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

    def loop(self):
        link = self.folder / "loop"
        if not link.is_symlink():
            link.symlink_to(self.folder)


CHAPTERS = ("rename", "copy", "move", "edit", "touch", "delete", "put_back", "loop")


def _live(story, rounds):
    story.run()
    for _ in range(rounds):
        for chapter in CHAPTERS:
            getattr(story, chapter)()
        story.run()
    assert story.run().unchanged == len(story.files())


def test_forty_files_live_two_rounds(tmp_path):
    _live(Story(tmp_path, 40), rounds=2)


@pytest.mark.slow
def test_two_hundred_files_live_five_rounds(tmp_path):
    _live(Story(tmp_path, 200), rounds=5)


def test_a_folder_that_cannot_be_reached_deletes_nothing(tmp_path):
    story = Story(tmp_path, 5)
    story.run()
    away = tmp_path / "unmounted"
    story.folder.rename(away)
    with Library.open(story.library) as library:
        gone = index_paths(library, [str(story.folder)])
        story.folder.mkdir()  # the empty mount point of a disk that is not there
        empty = index_paths(library, [str(story.folder)])
        assert gone.lost == empty.lost == 0
        assert len(library.view().videos) == 5
        assert "nothing was deleted" in empty.unreachable[str(story.folder)]
    story.folder.rmdir()
    away.rename(story.folder)
    assert story.run().unchanged == 5


def test_an_empty_folder_is_believed_when_asked_to(tmp_path):
    story = Story(tmp_path, 3)
    story.run()
    shutil.rmtree(story.folder)
    story.folder.mkdir()
    with Library.open(story.library) as library:
        assert index_paths(library, [str(story.folder)], Wishes(gone=True)).lost == 3
        assert library.view().videos == {}


def test_what_was_forgotten_stays_out_until_it_is_named(tmp_path):
    story = Story(tmp_path, 3)
    story.run()
    film = str(story.files()[0])
    with Library.open(story.library) as library:
        library.forget([film])
        assert index_paths(library, [str(story.folder)]).passed_over["forgotten"] == 1
        assert len(library.view().videos) == 2
        named = index_paths(library, [film])
        assert named.indexed == 0 and named.found == 1  # its rows were still there
        assert len(library.view().videos) == 3


def test_a_subtitle_that_is_edited_is_read_again_and_nothing_is_encoded(tmp_path):
    film = films.tiny_film(tmp_path / "videos" / "talk.mp4", seed=3)
    beside = films.subtitle(tmp_path / "videos" / "talk.srt", (0.0, 1.0, "hello"))
    with Library.open(tmp_path / "library", create=True) as library:
        index_paths(library, [str(film.parent)])
        films.subtitle(beside, (0.0, 1.0, "goodbye"), (1.0, 2.0, "and thanks"))
        again = index_paths(library, [str(film.parent)])
        (content,) = library.view().videos
        assert [line.text for line in library.view().lines(content)] == ["goodbye", "and thanks"]
        assert again.frames_encoded == 0 and again.unchanged == 1
        beside.unlink()
        index_paths(library, [str(film.parent)])
        assert library.view().lines(content) == []


def test_frames_that_hardly_differ_are_encoded_once_and_counted(tmp_path):
    film = films.tiny_film(tmp_path / "film.mp4", seed=5, seconds=7)
    with Library.open(tmp_path / "library", create=True) as library:
        report = index_paths(library, [str(film)], Wishes(every=0.2, effort="every-frame"))
    assert (report.frames_seen, report.frames_encoded, report.frames_similar) == (35, 7, 28)


def test_another_encoder_is_an_error_until_a_rebuild_is_asked_for(tmp_path):
    from sightline.errors import EncoderMismatch

    film = films.tiny_film(tmp_path / "film.mp4", seed=5)
    with Library.open(tmp_path / "library", create=True) as library:
        index_paths(library, [str(film)])
        before = library.current()
        with pytest.raises(EncoderMismatch, match="--rebuild"):
            index_paths(library, [str(film)], Wishes(every=0.5))
        rebuilt = index_paths(library, [str(film)], Wishes(every=0.5, rebuild=True))
        assert rebuilt.indexed == 1 and rebuilt.frames_seen == 4
        assert library.current().id != before.id and library.building() is None


def test_a_name_that_is_no_text_is_indexed_and_listed(tmp_path):
    film = films.tiny_film(tmp_path / "videos" / "film.mp4", seed=5)
    raw = os.fsencode(film.parent) + b"/caf\xe9 \x1b[2J.mp4"
    try:
        os.rename(film, raw)
    except OSError:
        pytest.skip("this file system refuses such names itself")
    report = films.index(tmp_path / "videos", tmp_path / "library")
    assert report["indexed"] == 1
    listing = films.sightline("list", library=tmp_path / "library")
    assert listing.returncode == 0 and "\\udce9" in listing.stdout and "\x1b" not in listing.stdout


def test_a_copy_without_subtitles_does_not_take_them_from_the_one_that_has_them(tmp_path):
    film = films.tiny_film(tmp_path / "videos" / "talk.mp4", seed=3)
    films.subtitle(film.with_suffix(".srt"), (0.0, 1.0, "hello"))
    (film.parent / "copy.mp4").write_bytes(film.read_bytes())
    with Library.open(tmp_path / "library", create=True) as library:
        for _ in range(3):
            index_paths(library, [str(film.parent)])
            (content,) = library.view().videos
            assert [line.text for line in library.view().lines(content)] == ["hello"]
        index_paths(library, [str(film.parent / "copy.mp4")])  # a run that does not look beside the other name
        assert len(library.view().lines(content)) == 1
