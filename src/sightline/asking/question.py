"""What a question wants, in English and Chinese, without a model: its kind, what its answer's place shows, and when.

    "what falls off the table after the cat jumps?"
        kind "thing" · look_for "falls off the table" · order "after" · mark "the cat jumps" · frame "[ ] falls off …"

An order clause is taken off first; what is left is tried against the forms of its language, the narrow ones first. A
question that fits no form is its own statement: it is looked for as it stands.
Every pattern here is linear in the text, and the text is short.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from sightline.asking import chinese, english
from sightline.asking.forms import SLOT, Form
from sightline.errors import BadQuery

LONGEST = 2_000  # characters; a longer text is a document, not a question
IN_WORDS = frozenset({"said", "speaker", "text", "explain", "define", "number said"})  # what pictures do not tell
ORDERS = ("after", "before", "while", "first", "last")


@dataclass(frozen=True)
class Asked:
    """`look_for`: a statement that is true where the answer lies ("" where the order alone says where).
    `frame`: a statement with a slot; an answer put into it is a statement again. `mark`: what the order refers to."""

    text: str
    language: str  # "en" or "zh"
    kind: str
    look_for: str = ""
    frame: str = SLOT
    order: str = ""
    mark: str = ""
    who: str = ""  # of what is said: who says it, where that is asked with it

    def filled(self, answer: str) -> str:
        """The statement that an answer makes: "a red cat" of "red"."""
        return " ".join(self.frame.replace(SLOT, answer.strip().rstrip(".。")).split())


def understand(question: str, language: str | None = None) -> Asked:
    """The question's kind, statements and order; BadQuery where nothing is asked."""
    text = plain(question)
    if not text:
        raise BadQuery('nothing is asked; write a question, as in: sightline ask "what colour is the kite?"')
    if len(text) > LONGEST:
        raise BadQuery(f"the question has {len(text)} characters; ask in {LONGEST} or fewer")
    grammar = chinese if re.search(r"[\u3400-\u9fff]", text) else english
    bare = grammar.bare(text)
    main, order, mark = _order(bare, grammar.ORDERS)
    asked = _form(main, grammar.FORMS) or Asked(text, "", "other", look_for=main)
    if not order:
        asked = _first_or_last(asked, main, grammar)
    said = replace(asked, text=text, language=language or grammar.LANGUAGE)
    return replace(said, order=order, mark=grammar.statement(mark)) if order else said


_IT = re.compile(r"\b(?:it|he|she|him|they|them)\b|[它他她](?!们)", re.IGNORECASE)
_NAMED = re.compile(r"(?:an?|the|my|his|her)\s+(.+)|([\u3400-\u9fff]+)", re.IGNORECASE)


def about_the_same(question: str, before: str) -> str:
    """The question with "it" replaced by what the question before named: "the kite"; as it is where that is nothing."""
    text = plain(question)
    if not before or not _IT.search(text):
        return text
    named = _NAMED.fullmatch(understand(before).look_for)
    if named is None:
        return text
    name = f"the {named[1]}" if named[1] else named[2]
    return _IT.sub(lambda it: name, text, count=1)


def plain(text: str) -> str:
    """One line: control, invisible and private characters are spaces, runs of spaces are one."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else c for c in text)
    return " ".join("".join(kept).split())


def _order(text: str, orders: tuple[tuple[str, re.Pattern[str]], ...]) -> tuple[str, str, str]:
    """The question without its order clause, the order, and the mark."""
    for order, pattern in orders:
        found = pattern.match(text)
        if found and found["main"].strip() and found["mark"].strip():
            return found["main"].strip(" ,，"), order, found["mark"].strip(" ,，:：")
    return text, "", ""


def _form(main: str, forms: tuple[Form, ...]) -> Asked | None:
    for form in forms:
        found = form.pattern.fullmatch(main)
        if found:
            said = {name: value.strip(" ,，:：") for name, value in found.groupdict(default="").items()}
            return Asked(
                "",
                "",
                form.kind,
                look_for=form.looks(said),
                frame=form.frames(said),
                order=form.order,
                who=said.get("W", ""),
            )
    return None


def _first_or_last(asked: Asked, main: str, grammar: object) -> Asked:
    """ "when does the cat first appear": the form is read without the word, and the word is the order."""
    for order, pattern in grammar.ENDS:  # type: ignore[attr-defined]
        found = pattern.match(main)
        if found:
            without = _form(" ".join(part.strip() for part in found.groups() if part), grammar.FORMS)  # type: ignore[attr-defined]
            return replace(without or asked, order=order)
    return asked
