"""Row 5: the ten nearest of 1,000,000 x 512 to a query, beside exact scans of other libraries, query by query in
turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benches.million import library, percentiles, queries, recall
from benches.rounds import bandwidth
from sightline.store.library import Library

COUNT, K = 100, 10

Search = Callable[[np.ndarray], np.ndarray]


def measure() -> list[str]:
    with Library.open(library()) as opened:
        began = time.perf_counter()
        view = opened.view()
        view.nearest(queries(1)[0], K)
        opening = time.perf_counter() - began
        vectors = np.asarray(view.vectors)
        truth = [view.nearest(query, K, exact=True)[0] for query in queries(COUNT)]
        contestants = {"ours": lambda query: view.nearest(query, K)[0], **peers(vectors)}
        times, found = in_turn(contestants, queries(COUNT))
        lines = [
            f"5 search-1M: 10 of {len(vectors):,} x {vectors.shape[1]}, {COUNT} queries, 2 threads; "
            f"opening to first hit {opening * 1000:.0f} ms"
        ]
        lines += [
            f"    {name}: {percentiles(times[name])}, recall@10 {recall(found[name], truth):.4f}"
            for name in contestants
        ]
        best = min((name for name in times if name != "ours"), key=lambda name: np.median(times[name]))
        ratio = np.median(times[best]) / np.median(times["ours"])
        floor = vectors.nbytes / 4 / (bandwidth() * 1e9) * 1000
        lines.append(
            f"    LEAD over the best peer ({best}) {ratio:.2f}; "
            f"reading every row as int8 on one core would take {floor:.1f} ms"
        )
        lines.append(
            f"    on disk {sum(f.stat().st_size for f in opened.folder.iterdir()) / 1e9:.2f} GB; {memory(view)}"
        )
    return lines


def in_turn(
    contestants: dict[str, Search], asked: np.ndarray
) -> tuple[dict[str, list[float]], dict[str, list[np.ndarray]]]:
    times: dict[str, list[float]] = {name: [] for name in contestants}
    found: dict[str, list[np.ndarray]] = {name: [] for name in contestants}
    for search in contestants.values():
        search(asked[0])
    for query in asked:
        for name, search in contestants.items():
            began = time.perf_counter()
            rows = search(query)
            times[name].append(time.perf_counter() - began)
            found[name].append(rows)
    return times, found


def peers(vectors: np.ndarray) -> dict[str, Search]:
    import faiss
    import simsimd
    from usearch.index import MetricKind
    from usearch.index import search as usearch_exact

    faiss.omp_set_num_threads(2)
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    scale = np.abs(vectors).max() / 127
    codes = np.rint(vectors / scale).astype(np.int8)
    direct = faiss.IndexScalarQuantizer(
        vectors.shape[1], faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
    )
    direct.add(np.rint(vectors / scale).astype(np.float32))

    def numpy_scan(query: np.ndarray) -> np.ndarray:
        scores = vectors @ query
        top = np.argpartition(-scores, K)[:K]
        return top[np.argsort(-scores[top])]

    def rescored(rows: np.ndarray, query: np.ndarray) -> np.ndarray:
        rows = np.sort(rows)
        return rows[np.argsort(-(vectors[rows] @ query), kind="stable")[:K]]

    def faiss_direct(query: np.ndarray) -> np.ndarray:
        coded = np.rint(query / np.abs(query).max() * 127).astype(np.float32)
        return rescored(direct.search(coded[None], 100)[1][0], query)

    def simsimd_scan(query: np.ndarray) -> np.ndarray:
        coded = np.rint(query / np.abs(query).max() * 127).astype(np.int8)
        scores = np.asarray(simsimd.cdist(coded[None], codes, "dot", out_dtype="float32", threads=2))[0]
        maxima = scores[: len(scores) // 64 * 64].reshape(-1, 64).max(axis=1)
        return rescored(np.flatnonzero(scores >= np.partition(maxima, -100)[-100]), query)

    return {
        "numpy float32": numpy_scan,
        "faiss Flat": lambda query: flat.search(query[None], K)[1][0],
        "faiss 8-bit direct + rescore": faiss_direct,
        "simsimd int8 + rescore": simsimd_scan,
        "usearch exact float32": lambda query: (
            usearch_exact(vectors, query, K, MetricKind.IP, exact=True, threads=2).keys
        ),
    }


def memory(view: object) -> str:
    """What a search has to keep in memory: the means of the runs; the rows it rescores are paged in from disk."""
    block = view._block  # type: ignore[attr-defined]
    return f"{len(block.runs):,} runs, {(block.means.nbytes + block.runs.nbytes) / 1e6:.0f} MB scanned per query"
