"""Fails where the environment holds what must never be in it: CUDA packages, torchvision, and torch where none
belongs.

torchvision does not load beside the CPU build of torch and then breaks transformers; CUDA packages are gigabytes
nobody asked for.

    python tools/check_environment.py [--no-torch]
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions

NEVER = {"torchvision", "timm", "open-clip-torch", "decord", "opencv-python"}


def main() -> int:
    installed = {(d.metadata["Name"] or "").lower().replace("_", "-"): d.version for d in distributions()}
    wrong = {name for name in installed if name in NEVER or name.startswith("nvidia-")}
    if "--no-torch" in sys.argv and "torch" in installed:
        wrong.add("torch")
    if "+cu" in installed.get("torch", ""):
        wrong.add(f"torch {installed['torch']}")
    for name in sorted(wrong):
        print(f"{name} must not be installed here; see pyproject.toml", file=sys.stderr)
    print(f"environment: {len(installed)} packages, torch {installed.get('torch', 'absent')}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
