"""Text in pieces and back, and writing on: greedy, by chance, until a stop."""

from __future__ import annotations

import itertools
import json
import unicodedata

import pytest

torch = pytest.importorskip("torch", reason="the language model needs torch (the lab extra)")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from sightline.errors import BadModel, BadRecord  # noqa: E402
from sightline.language.generate import ended_by, generate, in_nucleus, next_words  # noqa: E402
from sightline.language.tiny_lm import TinyLM  # noqa: E402
from sightline.language.tokenizer import END, FILE, PAD, START, Tokenizer, padded  # noqa: E402
from sightline.records import Prefix  # noqa: E402
from stirring import stirred  # noqa: E402

TEXTS = [
    "a red ball rolls to the left",
    "the blue cube stands still on the table",
    "一个红色的球滚向左边",
    "蓝色的方块停在桌子上",
    "Where is the red ball? 红色的球在哪里？",
]
CORPUS = [*TEXTS * 3, *["the year 2024"] * 9]
V, W = 31, 14


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.trained(CORPUS, size=400)


# --- pieces ----------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.text(tokenizer.ids(text)) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", ["<end>", "say <start> and <pad>", "<end><end>", "< end >"])
def test_a_text_that_spells_a_special_piece_stays_text(tokenizer, text):
    ids = tokenizer.ids(text)
    assert not {PAD, START, END} & set(ids) and tokenizer.text(ids) == text


def test_a_text_that_spells_a_special_piece_stays_text_after_loading(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    again = Tokenizer.load(tmp_path)
    assert again.ids("<end>") == tokenizer.ids("<end>") and END not in again.ids("<end>")


def by_merging(tokenizer, text):
    """Byte-pair encoding on a blackboard: the earliest learned pair is joined first, then the next."""
    learned = json.loads(tokenizer.pieces.to_str())["model"]
    ranks = {tuple(pair): rank for rank, pair in enumerate(learned["merges"])}
    ids = []
    for word, _ in tokenizer.pieces.pre_tokenizer.pre_tokenize_str(text):
        parts = list(word)
        while True:
            pairs = [(ranks.get(pair, len(ranks)), at) for at, pair in enumerate(itertools.pairwise(parts))]
            rank, at = min(pairs, default=(len(ranks), 0))
            if rank == len(ranks):
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        ids += [learned["vocab"][part] for part in parts]
    return ids


@pytest.mark.formula("language/tokenizer")
def test_the_tokenizer_is_byte_pair_merging_in_a_slow_loop(tokenizer):
    for text in (*TEXTS, "unseen words 完全没见过的字 ÿ\n\t 2024", ""):
        assert tokenizer.ids(text) == by_merging(tokenizer, text)


def test_both_languages_are_cut_into_fewer_pieces_than_bytes(tokenizer):
    for text in ("the red ball", "红色的球"):
        assert len(tokenizer.ids(text)) <= len(text.encode()) / 2


def test_training_twice_gives_the_same_and_saving_keeps_it(tokenizer, tmp_path):
    again = Tokenizer.trained(CORPUS, size=400)
    assert again.pieces.to_str() == tokenizer.pieces.to_str()
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert len(loaded) == len(tokenizer) <= 400
    assert [loaded.ids(text) for text in TEXTS] == [tokenizer.ids(text) for text in TEXTS]


def test_a_batch_has_starts_ends_and_padding_behind(tokenizer):
    ids, mask = tokenizer.batch(["a red ball", "球"], end=True)
    assert ids.shape == mask.shape and (ids[:, 0] == START).all() and (ids[~mask] == PAD).all()
    for row, text in enumerate(("a red ball", "球")):
        words = ids[row][mask[row]].tolist()
        assert words[-1] == END and words[1:-1] == tokenizer.ids(text) and tokenizer.text(words) == text
    assert padded([[], []])[0].shape == (2, 0)


def test_numbers_are_read_figure_by_figure(tokenizer):
    assert len(tokenizer.ids("2024")) == 4


def test_a_missing_or_foreign_tokenizer_is_told(tmp_path):
    from tokenizers import Tokenizer as Pieces
    from tokenizers import models

    with pytest.raises(BadModel, match="has no tokenizer.json"):
        Tokenizer.load(tmp_path)
    (tmp_path / FILE).write_text(Pieces(models.BPE({"a": 0, "b": 1, "c": 2}, [])).to_str())
    with pytest.raises(BadModel, match="begins with the pieces"):
        Tokenizer.load(tmp_path)
    (tmp_path / FILE).write_text("{ not json")
    with pytest.raises(BadModel, match="cannot be read"):
        Tokenizer.load(tmp_path)


# --- writing on ------------------------------------------------------------------------------


def model():
    return stirred(TinyLM(V, W, 2, 2, longest=53), by=0.2)


def prompts():
    ids = torch.tensor([[1, 5, 9, 11], [1, 7, 0, 0]])
    return ids, torch.tensor([[True] * 4, [True, True, False, False]])


def shown():
    return Prefix(torch.randn(2, 3, W), torch.tensor([[True] * 3, [True, False, False]]), torch.zeros(2, 3, 2))


def slow_greedy(lm, ids, prefix, most):
    """The whole text read again for each word."""
    ids = list(ids)
    for _ in range(most):
        rows = torch.tensor([ids])
        ids.append(int(lm(rows, torch.ones_like(rows, dtype=torch.bool), prefix)[0, -1].argmax()))
    return ids[-most:]


@pytest.mark.formula("language/generate")
def test_what_is_generated_greedily_is_what_a_slow_loop_writes():
    lm, (ids, mask), prefix = model(), prompts(), shown()
    written = generate(lm, ids, mask, prefix, most=13)
    for row in range(2):
        alone = Prefix(
            prefix.embeddings[row][prefix.mask[row]][None],
            prefix.mask[row][prefix.mask[row]][None],
            prefix.span[row][prefix.mask[row]][None],
        )
        assert written[row] == slow_greedy(lm, ids[row][mask[row]].tolist(), alone, 13)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_neighbours_do_not_change_what_is_written(temperature):
    lm, (ids, mask) = model(), prompts()
    together = generate(lm, ids, mask, most=11, temperature=temperature, seed=3)
    for row in range(2):
        words = ids[row][mask[row]][None]
        alone = generate(lm, words, torch.ones_like(words).bool(), most=11, temperature=temperature, seed=3)
        assert alone[0] == together[row]


def test_the_same_seed_writes_the_same_and_others_differ():
    lm, (ids, mask) = model(), prompts()
    said = [generate(lm, ids, mask, most=11, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


def test_it_stops_before_a_stop_and_goes_on_in_the_other_rows():
    lm, (ids, mask) = model(), prompts()
    free = generate(lm, ids, mask, most=13)
    stop = free[0][4]
    cut = free[0].index(stop)
    other = free[1].index(stop) if stop in free[1] else 13
    assert generate(lm, ids, mask, most=13, stops=[[stop]]) == [free[0][:cut], free[1][:other]]


def test_a_stop_of_several_words_is_cut_off_whole():
    assert ended_by([4, 5, 6], [[6], [5, 6], [4, 6]]) == 2 and ended_by([6, 5], [[6]]) == 0
    lm, (ids, mask) = model(), prompts()
    free = generate(lm, ids, mask, most=13)[0]
    first = next(n for n in range(12) if free[n : n + 2] == free[6:8])
    assert generate(lm, ids, mask, most=13, stops=[free[6:8]])[0] == free[:first]


def test_at_most_so_many_words_are_written():
    lm, (ids, mask) = model(), prompts()
    assert [len(row) for row in generate(lm, ids, mask, most=1)] == [1, 1]
    assert generate(lm, ids, mask, most=0) == [[], []]


def test_words_are_drawn_as_often_as_they_are_likely():
    logits = torch.tensor([[1.0, 0.0, -1.0, 0.5]])
    draw = torch.Generator().manual_seed(0)
    for temperature in (0.5, 1.0, 2.0):
        drawn = torch.cat([next_words(logits, [draw], temperature) for _ in range(1000)])
        share = torch.bincount(drawn, minlength=4) / 1000
        assert (share - torch.softmax(logits[0] / temperature, dim=0)).abs().max() < 0.04


def test_only_the_nucleus_is_drawn_from():
    chances = torch.tensor([[0.1, 0.5, 0.15, 0.25], [0.97, 0.01, 0.01, 0.01]])
    assert in_nucleus(chances, 0.7).gt(0).tolist() == [[False, True, False, True], [True, False, False, False]]
    assert in_nucleus(chances, 0.8).gt(0).tolist()[0] == [False, True, True, True]
    assert torch.equal(in_nucleus(chances, 1.0), chances)
    reached_exactly = in_nucleus(torch.tensor([[0.25, 0.5, 0.25]]), 0.5)
    assert reached_exactly.tolist() == [[0.0, 0.5, 0.0]]


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"nucleus": 0.0}, {"nucleus": 1.5}, {"stops": [[]]}])
def test_wishes_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BadRecord, match="must not be below 0"):
        generate(model(), *prompts(), **wrong)


def test_a_model_learns_a_text_by_heart_and_writes_it_on(tokenizer):
    lm = TinyLM(len(tokenizer), 32, 2, 2, longest=64)
    ids, mask = tokenizer.batch(TEXTS, end=True)
    learn = torch.optim.AdamW(lm.parameters(), lr=5e-3)
    for _ in range(80):
        logits = lm(ids, mask)[:, :-1]
        loss = torch.nn.functional.cross_entropy(logits[mask[:, 1:]], ids[:, 1:][mask[:, 1:]])
        learn.zero_grad()
        loss.backward()
        learn.step()
    for text in TEXTS[1:4]:
        start = padded([[START, *tokenizer.ids(text)[:2]]])
        written = generate(lm, *start, most=40, stops=[[END]])[0]
        assert tokenizer.text(start[0][0].tolist() + written) == text
