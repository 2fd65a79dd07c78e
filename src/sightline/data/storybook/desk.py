"""What every kind of question needs: the record, the wordings, and a desk with one script and its dice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sightline.data.storybook.props import PROPS
from sightline.data.storybook.script import Event, Script
from sightline.data.storybook.splits import action_group, colour_group, colours_of, props_in
from sightline.data.storybook.truth import Span, sentence
from sightline.data.storybook.words import Both, Word, article

OPTIONS = 5


@dataclass(frozen=True)
class Question:
    """As multiple choice: `options[answer]`; as an open question: that same text."""

    video: str
    number: int
    kind: str
    question: Both
    options: tuple[Both, ...]
    answer: int
    seconds: tuple[Span, ...]
    event: Both  # the truth as a statement
    unseen: bool = False  # rests on a combination that training never shows

    @property
    def right(self) -> Both:
        return self.options[self.answer]


# Each kind as it is always asked, and as the challenge split asks it.
ASKED: dict[str, tuple[Both, Both]] = {
    "what": (
        Both("What {action} {place}?", "{place_zh}，什么东西{action_zh}？"),
        Both("{place_cap}, something {action}. What is it?", "{place_zh}有个东西{action_zh}，那是什么？"),
    ),
    "colour": (
        Both("What colour is the {thing}?", "{thing_zh}是什么颜色的？"),
        Both("The {thing}: which colour does it have?", "那个{thing_zh}的颜色是哪一种？"),
    ),
    "where": (
        Both("Where does this happen: {event}?", "{event_zh}，这是在哪里发生的？"),
        Both("In which place does one see that {event}?", "在什么地方能看到{event_zh}？"),
    ),
    "which": (
        Both("Which of these is seen in the video?", "视频里出现了下面哪一个？"),
        Both("Only one of these appears. Which one?", "只有一个出现过，是哪一个？"),
    ),
    "present": (
        Both("Is {a_thing} seen in the video?", "视频里有{thing_zh}吗？"),
        Both("Does {a_thing} appear anywhere?", "{thing_zh}出现过吗？"),
    ),
    "text": (
        Both("What does the sign {place} say?", "{place_zh}的牌子上写着什么？"),
        Both("What can one read {place}?", "{place_zh}能读到什么字？"),
    ),
    "whom": (
        Both("Which thing takes part when {who} {action}?", "{who_zh}{action_zh}的时候，另一个是谁？"),
        Both("{who_cap} {action}: with whose help?", "{who_zh}{action_zh}，靠的是谁？"),
    ),
    "said": (
        Both("What does {who} say?", "{who_zh}说了什么？"),
        Both("Which words come from {who}?", "哪句话是{who_zh}说的？"),
    ),
    "action": (
        Both("What does {who} do?", "{who_zh}做了什么？"),
        Both("How does {who} behave?", "{who_zh}有什么举动？"),
    ),
    "direction": (
        Both("Which way does {who} move?", "{who_zh}往哪个方向移动？"),
        Both("Where does {who} move to?", "{who_zh}移向哪里？"),
    ),
    "how many": (
        Both("How many times is this seen: {who} {action}?", "{who_zh}{action_zh}了几次？"),
        Both("{who_cap} {action}. How often?", "{who_zh}一共{action_zh}几次？"),
    ),
    "when": (
        Both("When does this happen: {event}?", "{event_zh}，这发生在什么时候？"),
        Both("At which seconds does one see that {event}?", "在第几秒能看到{event_zh}？"),
    ),
    "first": (
        Both("Which of these happens first?", "下面哪一件事最先发生？"),
        Both("What comes before all the others?", "哪一件事在其他事之前？"),
    ),
    "after": (
        Both("What happens next after this: {event}?", "{event_zh}，接下来发生了什么？"),
        Both("Once it is over that {event}, what follows?", "{event_zh}之后，紧接着是什么？"),
    ),
    "while": (
        Both("What happens at the same time as this: {event}?", "{event_zh}，同时还发生了什么？"),
        Both("What else goes on while {event}?", "在{event_zh}的同时，还有什么事？"),
    ),
    "gist": (
        Both("What is the video about?", "这个视频讲的是什么？"),
        Both("Which summary fits the video?", "哪个概括符合这个视频？"),
    ),
}


class Desk:
    """One script, one pair of dice, and what every kind of question needs.

    Where there are several scenes, what the first one shows is neither asked for nor offered as an answer: else who saw
    the first frame alone would know which option belongs to it, or which happens first.
    """

    def __init__(self, script: Script, dice: Random, paraphrased: bool | None = None) -> None:
        self.script, self.dice = script, dice
        self.opening = script.scenes[0] if len(script.scenes) > 1 else None
        early = set(self.opening.things) if self.opening else set()
        self.things = [k for k in range(len(script.things)) if k not in early]
        self.events = [event for event in script.events if event.thing not in early]
        self.props = {script.things[k].prop for k in early}
        self.colours = {script.things[k].colour for k in early}
        self.strangers = [k for k in self.things if self.strange(script.things[k].prop, script.things[k].colour)]
        self.synonym = int(script.split == "challenge" if paraphrased is None else paraphrased)
        self.luck = {event: dice.random() for event in script.events}  # drawn once: asking again does not help

    def ask(
        self,
        kind: str,
        right: Both,
        wrong: Sequence[Both],
        seconds: Sequence[Span],
        event: Both,
        unseen: bool = False,
        /,
        **fields: Both,
    ) -> Question:
        """Fills the kind's wording and shuffles the options."""
        wording = ASKED[kind][self.synonym]
        english = {name: both.en for name, both in fields.items()}
        english |= {f"{name}_cap": both.en[0].upper() + both.en[1:] for name, both in fields.items()}
        chinese = {f"{name}_zh": both.zh for name, both in fields.items()}
        question = Both(wording.en.format(**english), wording.zh.format(**chinese))
        options = [right, *wrong]
        self.dice.shuffle(options)
        video = f"{self.script.split}-{self.script.seed:06d}"
        return Question(video, 0, kind, question, tuple(options), options.index(right), tuple(seconds), event, unseen)

    def event(self) -> Event | None:
        return self.dice.choice(self.events) if self.events else None

    def thing(self) -> int:
        return self.dice.choice(self.things)

    def others(self, pool: Sequence[str], right: str, here: Sequence[str] = (), count: int = OPTIONS - 1) -> list[str]:
        """Wrong options from the pool of possible right ones: up to two that this video shows, then any."""
        near = [name for name in dict.fromkeys(here) if name in pool and name != right]
        chosen = self.dice.sample(near, min(2, len(near)))
        rest = [name for name in pool if name != right and name not in chosen]
        return chosen + self.dice.sample(rest, min(len(rest), count - len(chosen)))

    def other_events(self, asked: Sequence[Event]) -> list[Both]:
        """Other events of the video; fewer than two are too few to choose from."""
        rest = [event for event in self.events if event not in asked]
        chosen = self.dice.sample(rest, min(len(rest), OPTIONS - 1))
        return [sentence(self.script, event, self.synonym) for event in chosen]

    def unseen(self, thing: int, action: str | None = None) -> bool:
        it = self.script.things[thing]
        return colour_group(it.prop, it.colour) != "train" or (
            action is not None and action_group(it.prop, action) != "train"
        )

    def strange(self, prop: str, colour: str) -> bool:
        """Neither its kind nor its colour is in the first scene: who is like others is most often like early ones."""
        return prop not in self.props and colour not in self.colours

    def pair(self) -> tuple[str, str]:
        """A colour x thing pair that could be there: as alike to what is shown as shown things are to each other."""
        prop = self.dice.choice(tuple(PROPS))
        if self.dice.random() < self.script.dials.similarity:
            like = self.script.things[self.thing()]
            if self.dice.random() < 0.5:
                prop = like.prop
            else:
                return self.dice.choice(props_in(like.colour, self.script.split)), like.colour
        return prop, self.dice.choice(colours_of(prop, self.script.split))

    def backdrop(self, event: Event) -> str:
        return self.script.scene_of(event.thing).backdrop


def word_of(word: Word, with_article: bool = False) -> Both:
    return Both(article(word.en[0]) if with_article else word.en[0], word.zh[0])
