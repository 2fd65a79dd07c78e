"""Row 6: the same search within one video, within a tenth of the videos, within a random tenth and a random
hundredth of the rows.
"""

from __future__ import annotations

import numpy as np

from benches.million import TEN_PERCENT, library, percentiles, queries, recall
from benches.row05_search import K, in_turn
from sightline.store.library import Library

COUNT = 60


def measure() -> list[str]:
    import faiss

    lines = [f"6 search-filter: {COUNT} queries each, 10 of 1,000,000 rows that pass the filter"]
    random = np.random.default_rng(2)
    with Library.open(library()) as opened:
        view = opened.view()
        vectors = np.asarray(view.vectors)
        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(vectors)
        faiss.omp_set_num_threads(2)
        contents = list(view.videos)
        filters = {
            "one video": {"contents": {contents[7]}},
            "a tenth of the videos": {"contents": set(contents[:TEN_PERCENT])},
            "a random tenth of the rows": {"rows": random.random(len(vectors)) < 0.1},
            "a random hundredth of the rows": {"rows": random.random(len(vectors)) < 0.01},
        }
        for name, chosen in filters.items():
            mask = chosen.get("rows")
            if mask is None:
                mask = np.isin(view.content_of(np.arange(len(vectors))), list(chosen["contents"]))
            selector = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little")))
            contestants = {
                "ours": lambda query, chosen=chosen: view.nearest(query, K, **chosen)[0],
                "faiss Flat + bitmap": lambda query, selector=selector: flat.search(query[None], K, params=selector)[1][
                    0
                ],
            }
            truth = [view.nearest(query, K, exact=True, **chosen)[0] for query in queries(COUNT)]
            times, found = in_turn(contestants, queries(COUNT))
            ratio = np.median(times["faiss Flat + bitmap"]) / np.median(times["ours"])
            lines.append(
                f"    {name}: ours {percentiles(times['ours'])}, recall@10 {recall(found['ours'], truth):.4f}; "
                f"faiss {percentiles(times['faiss Flat + bitmap'])}; LEAD {ratio:.1f}"
            )
    return lines
