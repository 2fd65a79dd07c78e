"""What pages share: one document that holds all it needs, runs no script and asks the network for nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode

from sightline.exports.given import Curve
from sightline.exports.srt import clock

POINTS = 240  # of a drawn curve: more than the pixels it gets


def document(*, language: str, title: str, style: str, summary: str, body: str, foot: str) -> str:
    """`title`, `summary`, `body` and `foot` are HTML already: whoever made them has escaped what videos say."""
    digest = "sha256-" + b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src '{digest}'; base-uri 'none'; form-action 'none'"
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title} · Sightline</title>
<style>{style}</style>
</head>
<body>
<header>
<p class="mark">Sightline</p>
<h1>{title}</h1>
<p class="sum">{summary}</p>
</header>
<main>
{body}
</main>
<footer><p>{foot}</p></footer>
</body>
</html>
"""


def bar(share: float) -> str:
    return (
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rest" width="100" height="4"/><rect class="part" width="{100 * share:.1f}" height="4"/></svg>'
    )


def short(milliseconds: int) -> str:
    full = clock(milliseconds, ".")
    return full[3:] if full.startswith("00:") else full


def thinned(curve: Curve) -> list[tuple[float, float]]:
    """At most POINTS points: of each stretch its highest, so that no peak is lost."""
    pairs = list(zip(curve.seconds, curve.scores, strict=True))
    step = -(-len(pairs) // POINTS)
    return [max(pairs[at : at + step], key=lambda pair: pair[1]) for at in range(0, len(pairs), step)]
