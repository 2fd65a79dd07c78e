"""Five questions that the literature leaves open, each asked of drawn videos with real tower features.

One file per question: what is asked (`QUESTION`), what is varied (`DIAL`), which hypotheses that tests and which it
does not (`TESTS`, `UNTESTED`), and `run`, whose verdicts are computed by one rule (finding.py): a finding is what its
run gave. Most of them train nothing; what trains, trains for seconds.

From: the hypotheses are those of reading notes on GCG (arXiv 2401.10711), ViLA (2312.08367), PPLLaVA (2411.02327) and
PVC (2412.09613).
"""

from __future__ import annotations

from sightline.errors import BadQuery

FINDINGS: dict[str, str] = {  # name -> file here
    "rare-evidence": "rare_evidence",
    "chooser-sees": "chooser_sees",
    "guided-pooling": "guided_pooling",
    "repeated-stills": "repeated_stills",
    "one-budget": "one_budget",
}


def named(names: list[str]) -> list[str]:
    """The asked findings, all without names; an unknown name is refused with those that are there."""
    unknown = [name for name in names if name not in FINDINGS]
    if unknown:
        raise BadQuery(f"there is no finding {unknown[0]!r}; there are {', '.join(FINDINGS)}")
    return list(dict.fromkeys(names)) or list(FINDINGS)
