"""Writes src/sightline/language/simplified.txt: traditional Chinese characters and their simplified forms.

From: OpenCC's TSCharacters.txt (Apache-2.0), as packed in opencc-python-reimplemented 0.1.7.
Run:  pip download --no-deps opencc-python-reimplemented==0.1.7
      python tools/make_simplified_table.py opencc_python_reimplemented-0.1.7-py2.py3-none-any.whl
Only the pairs are kept; where OpenCC names several simplified forms, its first (the usual one) is taken, and
a form that is itself simplified further (薴 苧 苎) is followed to its end.
"""

import sys
import zipfile
from pathlib import Path

TABLE = Path(__file__).parents[1] / "src/sightline/language/simplified.txt"
HEAD = """\
# Traditional Chinese characters, each followed by its simplified form; pairs are separated by spaces.
# Source: OpenCC (https://github.com/BYVoid/OpenCC), dictionary TSCharacters.txt, Copyright BYVoid and contributors,
# licensed under the Apache License 2.0. Changed: only the first simplified form of each character is kept.
# Written by tools/make_simplified_table.py; do not edit by hand.
"""
PER_LINE = 40


def main(wheel: str) -> None:
    with zipfile.ZipFile(wheel) as packed:
        rows = packed.read("opencc/dictionary/TSCharacters.txt").decode("utf-8").splitlines()
    forms: dict[str, str] = {}
    for row in rows:
        traditional, _, simplified = row.partition("\t")
        first = simplified.split(" ")[0]
        if len(traditional) == len(first) == 1 and traditional != first:
            forms[traditional] = first
    pairs = [traditional + forms.get(simplified, simplified) for traditional, simplified in forms.items()]
    lines = [" ".join(pairs[i : i + PER_LINE]) for i in range(0, len(pairs), PER_LINE)]
    TABLE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
