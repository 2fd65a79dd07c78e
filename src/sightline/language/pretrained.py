"""A `transformers` video-language model in this process as a reader.

It looks at our frames, hears their times, and fills in the blanks of a form: whether the exhibits answer the question,
the answer, the numbers of the exhibits it rests on. So the form is always whole, and every number is checked.
From: LLaVA-OneVision, Qwen2.5-VL, Qwen3-VL, SmolVLM, Idefics3, InternVL and Video-LLaVA, as `families/` knows them.
Departures: a clip is looked at once (`looking.py`), and of a prompt only what it does not share with the one before is
read (`prefilled.py`). With options the likeliest letter is the answer, and confidence its share.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.errors import BadQuery, BadRecord, MissingExtra
from sightline.language.reader import Turn, Wants

try:
    import torch
    import transformers  # noqa: F401, TID253
except ModuleNotFoundError as missing:
    raise MissingExtra("a transformers model as a reader", "lab") from missing

from sightline.language.families import core_of, family_of
from sightline.language.families.pieces import Shown, together
from sightline.language.gathering import GUIDED, Guide, gatherer
from sightline.language.looking import Looking
from sightline.language.prefilled import Prefilled, Written
from sightline.language.pretrained_folder import load
from sightline.language.pretrained_prompt import Clip, clips_of, ids_of, written
from sightline.language.served.made_up_times import Cleaner, Telling
from sightline.language.served.prompt import letters
from sightline.language.shortened import Shortened, shorten
from sightline.language.standing import Standing
from sightline.records import Exhibit, Reading

PLAIN = "adaptive_pool"  # keeps a budget where no connector was named
ANSWER, NUMBERS = 160, 40  # words of an answer, and of its list of numbers, at most
_YES, _NO = "true", "false"
_ASKS, _CITES = 'true, "answer": "', '", "evidence": ['
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')


def open_pretrained(
    path: str | Path,
    *,
    connector: str | None = None,
    tokens: int | None = None,
    frames: int | None = None,
    device: str = "cpu",
    dtype: str = "float32",
) -> PretrainedReader:
    """A reader from a model's folder (or `hf:NAME`): safetensors and a tokenizer; no code of the folder is run.

    connector, tokens: how visual tokens are compressed, and to how many for a prompt; frames: how many at most.
    """
    model, tokenizer, settings = load(path, device, dtype)
    return PretrainedReader(model, tokenizer, settings, Path(str(path)).name, connector, tokens, frames)


@dataclass(frozen=True)
class _Prompt:
    """A prompt that the model has read, with what it was made from."""

    clips: list[Clip]
    shown: list[Exhibit]
    short: Shortened


class PretrainedReader:
    """Answers from exhibits. It keeps what it has seen and read; `forget` lets go of it."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        settings: dict[str, Any],
        name: str,
        connector: str | None = None,
        tokens: int | None = None,
        frames: int | None = None,
    ) -> None:
        self.model, self.tokenizer, self.settings = model, tokenizer, settings
        self.family, self.core = family_of(model.config), core_of(model)
        self.name, self.connector, self.tokens = f"transformers:{name}", connector, tokens
        self.wants = Wants(pictures=True, side=_side(settings), frames=frames)
        if connector is not None:
            gatherer(connector, {})  # a name that is not known is refused now
        self.forget()

    def forget(self) -> None:
        self.looking = Looking(self.model, self.settings)
        self.read = Prefilled(self.model, self.family)

    def answer(
        self,
        question: str,
        exhibits: Sequence[Exhibit],
        *,
        options: Sequence[str] = (),
        tokens: int | None = None,
        earlier: Sequence[Turn] = (),
        told: Callable[[str], None] | None = None,
    ) -> Reading:
        if not exhibits:
            return Reading("", [], 0.0, abstained=True, notes={"model": self.name, "asked": "nothing was shown"})
        prompt = self._prompt(question, exhibits, options, tokens, earlier)
        notes = self._notes(prompt)
        if options:
            return self._chosen(prompt, options, notes, told)
        return self._said(prompt, question, notes, told)

    def answer_likelihood(
        self, question: str, exhibits: Sequence[Exhibit], answer: str, tokens: int | None = None
    ) -> float:
        """The log-probability of these words as the answer; compare it with exhibits taken away."""
        if not answer:
            raise BadRecord("the likelihood of no words is not defined; hand over the answer")
        self._prompt(question, exhibits, (), tokens, ())
        self.read.go_on(self._ids(_ASKS))
        return self.read.likelihood(self._ids(json.dumps(answer, ensure_ascii=False)[1:-1] + '"'))

    # --- looking and reading -------------------------------------------------------------------

    def _prompt(
        self,
        question: str,
        exhibits: Sequence[Exhibit],
        options: Sequence[str],
        tokens: int | None,
        earlier: Sequence[Turn],
    ) -> _Prompt:
        tokens = self.tokens if tokens is None else tokens
        clips = clips_of(exhibits, self.wants.frames, tokens)
        looked = [self.looking.at(clip) for clip in clips]
        holders = [
            self.family.placeholders(arrays, clip.seconds, self.model.config, self.tokenizer)
            for clip, (arrays, _) in zip(clips, looked, strict=True)
        ]
        text = written(clips, holders, exhibits, question, options, earlier, self.tokenizer)
        ids = ids_of(text, self.tokenizer)
        given = self.looking.given(ids, [arrays for arrays, _ in looked])
        short = self._shortened(given, [shown for _, shown in looked], clips, tokens, question)
        self._check_length(short)
        self.read.read(short)
        numbers = {exhibit.number for clip in clips for exhibit in clip.pictures}
        shown = [exhibit for exhibit in exhibits if exhibit.source != "picture" or exhibit.number in numbers]
        return _Prompt(clips, shown, short)

    @torch.inference_mode()
    def _shortened(
        self, given: dict[str, Any], shown: list[Shown], clips: list[Clip], tokens: int | None, question: str
    ) -> Shortened:
        connector = self.connector or (PLAIN if tokens is not None else None)
        guide = Guide(self.core, self.family, given, self._meaning(question)) if connector == GUIDED else None
        gather = gatherer(connector or PLAIN, {})

        def gathers(standing: Standing, clip: Any, count: int | None) -> Any:
            return gather(None if guide is None else guide.cosines(standing), clip, count)

        everything = sum(len(each.rows) for each in shown)
        return shorten(
            self.core,
            self.family,
            given,
            gathers,
            everything if connector is None else tokens,
            shown=[together(shown)] if shown else [],
            seconds=[clip.seconds for clip in clips],
        )

    def _meaning(self, question: str) -> Any:
        """The mean of the language model's own embeddings of the question's words, [W]."""
        ids = torch.tensor(self._ids(question or " "), device=self.model.device)
        return self.core.get_input_embeddings()(ids).mean(0)

    def _check_length(self, short: Shortened) -> None:
        most = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        length = short.columns.shape[1]
        if most is not None and length + ANSWER + NUMBERS > most:
            raise BadQuery(
                f"the prompt has {length} tokens, {short.kept[0].after} of them visual, and {self.name} reads {most} "
                "with its answer; ask with fewer frames, or with fewer tokens"
            )

    # --- the form ------------------------------------------------------------------------------

    def _said(
        self, prompt: _Prompt, question: str, notes: dict[str, Any], told: Callable[[str], None] | None
    ) -> Reading:
        sure = self._in_evidence()
        notes["in_evidence"] = sure
        if sure < 0.5:
            return Reading("", [], 1 - sure, abstained=True, notes=notes)
        self.read.go_on(self._ids(_ASKS))
        known = [question, *(exhibit.text for exhibit in prompt.shown)]
        spans = [(exhibit.start, exhibit.end) for exhibit in prompt.shown]
        numbers = [exhibit.number for exhibit in prompt.shown]
        clean = Cleaner("\n".join(known), spans, numbers)
        telling = Telling(told, clean) if told else None
        answer = Written([], [])
        for answer in self.read.write(ANSWER, self._quoted, self._stops()):
            if telling:
                telling.grow(_unquoted(self._text(answer.ids)))
        words = clean(_unquoted(self._text(answer.ids))).strip()
        if telling:
            telling.finish(words)
        if clean.cut:
            notes["cut_from_answer"] = clean.cut
        notes["tokens_out"] = len(answer.ids)
        confidence = math.exp(sum(answer.logprobs) / len(answer.logprobs)) if answer.logprobs else 0.0
        cited = self._cited(prompt, notes, closing=not self._quoted(answer.ids))
        return Reading(words, cited, confidence, abstained=not words, notes=notes)

    def _chosen(
        self,
        prompt: _Prompt,
        options: Sequence[str],
        notes: dict[str, Any],
        told: Callable[[str], None] | None,
    ) -> Reading:
        """Every option's letter is weighed; nothing else can be answered."""
        notes["in_evidence"] = self._in_evidence()
        self.read.go_on(self._ids(_ASKS))
        likely = [self.read.likelihood(self._ids(f'{letter}"')) for letter in letters(options)]
        shares = _shares(likely)
        best = max(range(len(options)), key=likely.__getitem__)
        notes["options"] = dict(zip(options, shares, strict=True))
        self.read.go_on(self._ids(letters(options)[best]))
        if told:
            told(options[best])
        return Reading(options[best], self._cited(prompt, notes), shares[best], notes=notes)

    def _in_evidence(self) -> float:
        """The share of yes against no."""
        return _shares([self.read.likelihood(self._ids(word)) for word in (_YES, _NO)])[0]

    def _cited(self, prompt: _Prompt, notes: dict[str, Any], closing: bool = True) -> list[int]:
        """The numbers in the form's last blank; numbers of nothing that was shown are noted and dropped.

        A model that writes none that was shown has said all the same that the exhibits answer: its likeliest number.
        """
        self.read.go_on(self._ids(_CITES if closing else _CITES[1:]))
        blank = self.read.mark()
        ids: list[int] = []
        for filled in self.read.write(NUMBERS, lambda ids: "]" in self._text(ids), self._stops()):
            ids = filled.ids
        named = list(dict.fromkeys(int(n) for n in re.findall(r"\d{1,6}", self._text(ids).split("]")[0])))
        known = [exhibit.number for exhibit in prompt.shown]
        if dropped := [number for number in named if number not in known]:
            notes["dropped_numbers"] = dropped
        if cited := [number for number in named if number in known]:
            return cited
        notes["cited_by"] = "likelihood"
        self.read.back_to(blank)
        return [max(known, key=lambda number: self.read.likelihood(self._ids(str(number))))]

    def _quoted(self, ids: list[int]) -> bool:
        """Whether the answer's closing quotation mark is written."""
        return _QUOTE.search(self._text(ids)) is not None

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _text(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def _stops(self) -> set[int]:
        ends = getattr(self.model.generation_config, "eos_token_id", None)
        known = ends if isinstance(ends, list) else [ends]
        return {stop for stop in (*known, self.tokenizer.eos_token_id) if stop is not None}

    def _notes(self, prompt: _Prompt) -> dict[str, Any]:
        kept = prompt.short.kept[0]
        return {
            "model": self.name,
            "shown": [exhibit.number for exhibit in prompt.shown],
            "frames": sum(len(clip.pictures) for clip in prompt.clips),
            "visual_tokens": kept.after,
            "visual_tokens_before": kept.before,
            "spans": kept.span.tolist(),
            "tokens_in": prompt.short.columns.shape[1],
            "tokens_reused": self.read.reused,
            "looks": self.looking.count,
        }


def _unquoted(text: str) -> str:
    """The words of a JSON string that may still be growing."""
    closing = _QUOTE.search(text)
    words = text[: closing.end() - 1] if closing else text
    try:
        return str(json.loads(f'"{words}"', strict=False))
    except ValueError:
        return words.rstrip("\\")


def _shares(likely: Sequence[float]) -> list[float]:
    top = max(likely)
    raised = [math.exp(each - top) for each in likely]
    return [each / sum(raised) for each in raised]


def _side(settings: dict[str, Any]) -> int:
    """The shorter side that frames need at most: more would be thrown away."""
    size = settings.get("max_image_size") or settings["size"]
    if "height" in size:
        return int(min(size["height"], size["width"]))
    if "patch_size" in settings:  # sizes in pixels of area
        return int(math.sqrt(size["longest_edge"]))
    return int(size.get("shortest_edge") or size["longest_edge"])
