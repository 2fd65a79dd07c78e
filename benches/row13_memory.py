"""Row 13: peak memory of watching one minute and one hour of the same film, a fresh process each."""

from __future__ import annotations

import subprocess
import sys

from benches.material import film

OURS = """
from sightline.video.sample import Watching
for chunk in Watching(path, every=1.0, side=224, effort=effort): pass
"""
DECORD = """
import decord
reader = decord.VideoReader(path, num_threads=2)
reader.get_batch(list(range(0, len(reader), 25))).asnumpy()
"""
INDEX = """
import tempfile, threading, time, pathlib, os
from sightline.index import index_paths
from sightline.store.library import Library
peak, ended = [0], threading.Event()
def watch():
    while not ended.wait(0.05):
        for status in pathlib.Path('/proc').glob('[0-9]*/status'):
            try: lines = dict(line.split(':', 1) for line in status.read_text().splitlines())
            except (OSError, ValueError): continue  # it ended while it was looked at
            if int(lines['PPid']) == os.getpid() and 'VmHWM' in lines:
                peak[0] = max(peak[0], int(lines['VmHWM'].split()[0]))
threading.Thread(target=watch).start()
with tempfile.TemporaryDirectory() as folder, Library.open(folder + "/library", create=True) as library:
    index_paths(library, [path])
ended.set()
print(peak[0])
"""
# VmHWM begins anew with the program; ru_maxrss would carry over what the measuring process itself had used.
PEAK = """
print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""


def measure() -> list[str]:
    minute, hour = str(film(60)), str(film(3600))
    lines = ["13 stream-memory: peak RSS of 1 min and of 1 h of 720p25 at one frame a second"]
    small, large = (_peak(OURS, path, "guided") for path in (minute, hour))
    lines.append(
        f"    ours, guided: {small:.0f} MB -> {large:.0f} MB, 1 h : 1 min = {large / small:.3f} (target <= 1.05)"
    )
    small, large = (_peak(OURS, path, "every-frame") for path in (minute, str(film(600))))
    lines.append(f"    ours, every-frame: {small:.0f} MB -> {large:.0f} MB, 10 min : 1 min = {large / small:.3f}")
    small, large = (_peak(INDEX, path, "guided", own=False) for path in (minute, hour))
    lines.append(f"    ours, whole index run, largest child: {small:.0f} MB -> {large:.0f} MB = {large / small:.3f}")
    peer = _peak(DECORD, minute, "")
    ten = _peak(DECORD, str(film(600)), "")
    lines.append(f"    decord get_batch, full size: {peer:.0f} MB for 1 min, {ten:.0f} MB for 10 min")
    return lines


def _peak(code: str, path: str, effort: str, own: bool = True) -> float:
    """MB of the process itself, or of its largest child."""
    program = f"path, effort = {path!r}, {effort!r}\n{code}" + (PEAK if own else "")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024
