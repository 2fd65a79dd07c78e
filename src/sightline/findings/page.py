"""The findings as one page: question, dial, command, tables, plots, and verdicts as the rule gives them.

Shapes: findings -> docs/findings.md and SVG files in the folder `pictures` beside it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.exports.plot import svg
from sightline.exports.writing import one_line, write_text
from sightline.findings.finding import RULE, Claim, Finding, Table


@dataclass(frozen=True)
class Made:
    """How a page came about: told at its top."""

    command: str
    size: str
    seeds: tuple[int, ...]
    asked: str  # of what kind of videos
    tower: str
    day: str


def write_page(findings: Sequence[Finding], out: Path, made: Made) -> list[Path]:
    """Writes the page and its pictures; says which files."""
    pictures = {
        out.parent / "pictures" / f"finding-{finding.name}-{name}.svg": svg(plot)
        for finding in findings
        for name, plot in finding.plots.items()
    }
    return [write_text(out, page(findings, made)), *(write_text(path, text) for path, text in pictures.items())]


def page(findings: Sequence[Finding], made: Made) -> str:
    claims = [claim for finding in findings for claim in finding.claims]
    counts = ", ".join(
        f"{sum(claim.outcome == outcome for claim in claims)} {word}"
        for outcome, word in (("holds", "hold"), ("fails", "fail"), ("open", "are open"))
    )
    parts = [
        "# Findings",
        f"Written by `{made.command}` on {made.day}; size {made.size}, seeds {', '.join(map(str, made.seeds))}, tower "
        f"`{made.tower}`; {sum(finding.seconds for finding in findings) / 60:.0f} minutes. Tables, plots and verdicts "
        "are computed from the run; none is typed. Videos are drawn and seen through the built-in tower; "
        f"{made.asked}. None of them is in the exam of systems.",
        RULE,
        f"Of {len(claims)} claims {counts}. They are about this tower and these drawn videos.",
        *(section(finding, made) for finding in findings),
    ]
    return "\n\n".join(parts) + "\n"


def section(finding: Finding, made: Made) -> str:
    seeds = " ".join(map(str, made.seeds))
    tested = [f"- {name}: {what}" for name, what in finding.tests.items()]
    left = [f"- {name}: {why}" for name, why in finding.untested.items()]
    parts = [
        f"## {finding.name.replace('-', ' ').capitalize()}",
        f"**{finding.question}**",
        f"Dial: {finding.dial}. Asked: {finding.questions:,} questions about {finding.videos:,} videos.\n"
        f"Command: `sightline findings {finding.name} --size {made.size} --seeds {seeds}`",
        _claims_table(finding.claims),
        *finding.notes,
        *(_table(table) for table in finding.tables),
        *(
            f"![{one_line(plot.title)}](pictures/finding-{finding.name}-{name}.svg)"
            for name, plot in finding.plots.items()
        ),
        "\n".join(["Tested here:", "", *tested]),
        "\n".join(["Not tested here:", "", *left]) if left else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _claims_table(claims: Sequence[Claim]) -> str:
    lines = ["| | claim | difference | questions | verdict |", "|---|---|---|---|---|"]
    for claim in claims:
        told = f"{claim.difference:+.3f} ± {claim.error:.3f}"
        lines.append(f"| {claim.hypothesis} | {claim.says} | {told} | {claim.questions:,} | **{claim.outcome}** |")
    return "\n".join(lines)


def _table(table: Table) -> str:
    lines = [f"{table.title}:", "", f"| {' | '.join(table.head)} |", f"|{'---|' * len(table.head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in table.rows)])
