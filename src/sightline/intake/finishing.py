"""Finishing: all pieces and all texts are there, the shots are joined over the borders, the file becomes visible."""

from __future__ import annotations

from sightline.errors import NoFrames
from sightline.intake.run import RunState
from sightline.records import Shot
from sightline.store.rows import UnitDone
from sightline.video.shots import is_cut, shots_from


class Finishing(RunState):
    def finish_if_done(self, content: int) -> None:
        units = self.library.units(content, self.generation)
        if content not in self.wanted or self.reading[content] or any(unit.state != "done" for unit in units):
            return
        self.wanted.discard(content)
        path = self.path_of[content]
        parts = [unit.done for unit in units if unit.done and unit.done.decoded]
        if not parts:
            self.refuse(path, NoFrames(f"{path} opens but holds no frame that can be decoded"), content)
            return
        shots = _shots(parts)
        self.library.finish(content, self.generation, shots)
        for number, name in enumerate(self.names[content]):
            self.outcomes.setdefault(name, "known" if number else "indexed")
        self.report.shots += len(shots)
        self.report.seconds_of_video += _length(parts)
        self._note_damage(path, parts)
        self.tell({"event": "file", "path": path, "state": "indexed"})
        if len(self.names[content]) > 1:  # a name that came up meanwhile may have subtitles of its own
            self.indexed.add(content)
        self.read_along(content)

    def _note_damage(self, path: str, parts: list[UnitDone]) -> None:
        if corrupt := sum(part.corrupt for part in parts):
            self.report.notes.append(f"{path}: {corrupt} of {sum(p.decoded for p in parts)} decoded frames are damaged")

    def complete(self) -> None:
        """A rebuild that covers everything takes over; one that could not reach everything says what it waits for."""
        if self.generation.state != "building":
            return
        if missing := self.library.missing_paths(self.generation):
            self.report.notes.append(
                f"the rebuild waits for {len(missing)} that could not be reached or finished (such as {missing[0]}); "
                "until then search answers from the library as it was. Bring them back or forget them, and rebuild"
            )
            return
        self.library.swap(self.generation)
        if self.report.failed:
            self.report.notes.append("what was refused in this rebuild is no longer searched; --retry tries it again")


def _shots(parts: list[UnitDone]) -> list[Shot]:
    """The cuts within units and those on a border between two, as shots with a thumbnail near each middle."""
    cuts = [cut for part in parts for cut in part.cuts]
    for before, after in zip(parts, parts[1:], strict=False):
        if before.edges[1] and after.edges[0] and is_cut(before.edges[1], after.edges[0]):
            cuts.append(after.first)
    pictures = [picture for part in parts for picture in part.thumbnails]
    spans = shots_from(sorted(cuts), parts[0].first, max(part.last for part in parts))
    return [_with_thumbnail(start, end, pictures) for start, end in spans]


def _with_thumbnail(start: float, end: float, pictures: list[tuple[float, bytes]]) -> Shot:
    inside = [picture for picture in pictures if start <= picture[0] < end] or pictures
    if not inside:
        return Shot(start, end)
    second, jpeg = min(inside, key=lambda picture: abs(picture[0] - (start + end) / 2))
    return Shot(start, end, jpeg, second)


def _length(parts: list[UnitDone]) -> float:
    return max(part.last for part in parts) - min(part.first for part in parts)
