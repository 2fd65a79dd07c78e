"""The questions that a single right picture answers: what, colour, where, which, present, text, whom, said."""

from __future__ import annotations

from sightline.data.storybook.desk import OPTIONS, Desk, Question, word_of
from sightline.data.storybook.motion import visible_spans
from sightline.data.storybook.script import SIGN_WORDS, lines_about
from sightline.data.storybook.splits import colours_of, props_doing
from sightline.data.storybook.truth import action_name, place, sentence, statement, the_name
from sightline.data.storybook.words import COLOUR_WORDS, PLACES, THINGS, Both, article, named


def what(desk: Desk) -> Question | None:
    script, event = desk.script, desk.event()
    if event is None:
        return None
    twins = [e for e in script.events if e.action == event.action and desk.backdrop(e) == desk.backdrop(event)]
    if len(twins) > 1:
        return None
    prop = script.things[event.thing].prop
    pool = [p for p in props_doing(event.action, script.split) if p not in desk.props]
    if prop in desk.props:
        return None
    wrong = desk.others(pool, prop, [script.things[k].prop for k in desk.things])
    return desk.ask(
        "what",
        word_of(THINGS[prop], True),
        [word_of(THINGS[p], True) for p in wrong],
        [(event.start, event.end)],
        statement(script, event),
        desk.unseen(event.thing, event.action),
        action=action_name(event.action, desk.synonym),
        place=place(desk.backdrop(event), desk.synonym),
    )


def colour(desk: Desk) -> Question | None:
    script = desk.script
    k = desk.thing()
    thing = script.things[k]
    pool = [c for c in colours_of(thing.prop, script.split) if c not in desk.colours]
    if sum(t.prop == thing.prop for t in script.things) > 1 or thing.colour in desk.colours or len(pool) < 3:
        return None
    wrong = desk.others(pool, thing.colour, [script.things[j].colour for j in desk.things])
    name = the_name(script, k)
    return desk.ask(
        "colour",
        word_of(COLOUR_WORDS[thing.colour]),
        [word_of(COLOUR_WORDS[c]) for c in wrong],
        visible_spans(script, k),
        Both(f"{name.en} is seen", f"出现了{name.zh}"),
        desk.unseen(k),
        thing=Both(THINGS[thing.prop].en[desk.synonym], THINGS[thing.prop].zh[desk.synonym]),
    )


def where(desk: Desk) -> Question | None:
    event = desk.event()
    if event is None:
        return None
    right, first = desk.backdrop(event), desk.opening.backdrop if desk.opening else ""
    if right == first:
        return None
    wrong = desk.others([p for p in PLACES if p != first], right, [s.backdrop for s in desk.script.scenes])
    return desk.ask(
        "where",
        place(right),
        [place(p) for p in wrong],
        [(event.start, event.end)],
        statement(desk.script, event),
        desk.unseen(event.thing, event.action),
        event=sentence(desk.script, event, desk.synonym),
    )


def absent_pair(desk: Desk) -> tuple[str, str]:
    """A possible pair that the video does not show."""
    shown = {(t.prop, t.colour) for t in desk.script.things}
    while (pair := desk.pair()) in shown:
        pass
    return pair


def with_article(name: Both) -> Both:
    return Both(article(name.en), name.zh)


def which(desk: Desk) -> Question | None:
    if not desk.strangers:
        return None
    k = desk.dice.choice(desk.strangers)
    wrong: set[tuple[str, str]] = set()
    while len(wrong) < OPTIONS - 1:
        if desk.strange(*(pair := absent_pair(desk))):
            wrong.add(pair)
    name = desk.script.things[k].name
    return desk.ask(
        "which",
        with_article(name),
        [with_article(named(*pair)) for pair in sorted(wrong)],
        visible_spans(desk.script, k),
        Both(f"{with_article(name).en} is seen", f"出现了{name.zh}"),
        desk.unseen(k),
    )


def present(desk: Desk) -> Question:
    yes, no = Both("yes", "有"), Both("no", "没有")
    if desk.dice.random() < 0.5:
        k = desk.thing()
        name = named(desk.script.things[k].prop, desk.script.things[k].colour, desk.synonym)
        truth = Both(f"{with_article(name).en} is seen", f"出现了{name.zh}")
        return desk.ask(
            "present",
            yes,
            [no],
            visible_spans(desk.script, k),
            truth,
            desk.unseen(k),
            a_thing=with_article(name),
            thing=name,
        )
    name = named(*absent_pair(desk), desk.synonym)
    truth = Both(f"{with_article(name).en} is never seen", f"没有出现{name.zh}")
    return desk.ask("present", no, [yes], [(0.0, desk.script.seconds)], truth, a_thing=with_article(name), thing=name)


def text(desk: Desk) -> Question | None:
    script = desk.script
    early = {s.text for s in script.signs if desk.opening and s.start < desk.opening.end}
    late = [s for s in script.signs if s.text not in early]
    if not late:
        return None
    sign = desk.dice.choice(late)
    words = [str(n) for n in range(2, 100)] if sign.text.isdigit() else SIGN_WORDS
    pool = [word for word in words if word not in early]
    if sign.text not in pool:  # a hand-written sign
        pool.append(sign.text)
    backdrop = script.scenes[script.scene_at((sign.start + sign.end) / 2)].backdrop
    if sum(scene.backdrop == backdrop for scene in script.scenes) > 1:
        return None
    wrong = desk.others(pool, sign.text, [s.text for s in late])
    where = place(backdrop, desk.synonym)
    truth = Both(f"the sign {where.en} says {sign.text}", f"{where.zh.removeprefix('在')}的牌子上写着{sign.text}")
    return desk.ask(
        "text",
        Both(sign.text, sign.text),
        [Both(w, w) for w in wrong],
        [(sign.start, sign.end)],
        truth,
        place=Both(where.en, where.zh.removeprefix("在")),
    )


def whom(desk: Desk) -> Question | None:
    script, event = desk.script, desk.event()
    if event is None or event.other is None:
        return None
    rest = [k for k in desk.things if k not in (event.thing, event.other)]
    wrong = desk.dice.sample(rest, min(len(rest), OPTIONS - 1))
    if len(wrong) < 2:
        return None
    return desk.ask(
        "whom",
        the_name(script, event.other),
        [the_name(script, k) for k in wrong],
        [(event.start, event.end)],
        statement(script, event),
        desk.unseen(event.thing, event.action),
        who=the_name(script, event.thing, desk.synonym),
        action=action_name(event.action, desk.synonym),
    )


def said(desk: Desk) -> Question | None:
    script = desk.script
    late = [line for line in script.speech if line.thing in desk.things]
    if not late:
        return None
    line = desk.dice.choice(late)
    members = script.scene_of(line.thing).things
    pool = [said for k in members for said in lines_about(script.things[k].name) if said != line.text]
    name = the_name(script, line.thing, desk.synonym)
    return desk.ask(
        "said",
        line.text,
        desk.dice.sample(pool, min(len(pool), OPTIONS - 1)),
        [(line.start, line.end)],
        Both(f"{name.en} says: {line.text.en}", f"{name.zh}说：{line.text.zh}"),
        who=name,
    )


LOOKS = {
    "what": what,
    "colour": colour,
    "where": where,
    "which": which,
    "present": present,
    "text": text,
    "whom": whom,
    "said": said,
}
