"""Scenes written by hand: the documented example is drawn, and every mistake names its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sightline.data.storybook import yaml_script
from sightline.data.storybook.draw import frames
from sightline.data.storybook.questions import questions
from sightline.data.storybook.truth import moments
from sightline.data.storybook.yaml_script import read_script, script_from
from sightline.data.storybook.yaml_subset import BadScript, parse

EXAMPLE = re.search(r"^    seed: 7\n(?:    .*\n|\n)+", yaml_script.__doc__ or "", re.M)[0]  # type: ignore[index]


def plain(node: object) -> object:
    value = getattr(node, "value", node)
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    return [plain(child) for child in value] if isinstance(value, list) else value


def test_the_documented_example_is_read_and_drawn() -> None:
    script = script_from(EXAMPLE)
    assert (script.seed, script.seconds, len(script.scenes)) == (7, 12.0, 2)
    assert [(e.action, e.start, e.end, e.times, e.other) for e in script.events] == [
        ("jumps", 1.0, 3.0, 2, None),
        ("hides", 4.0, 6.0, 1, 1),
    ]
    assert script.speech[0].text.zh == "猫在哪里？"
    assert len(frames(script, 32, every=1.0)) == 12
    assert {known.kind for known in moments(script)} == {"event", "thing", "sign", "speech"}


def test_the_smallest_scene_can_be_asked_about() -> None:
    text = "scenes:\n  - backdrop: room\n    seconds: 4\n    things:\n      - {is: cup, colour: white}\n"
    text += "    events:\n      - {who: white cup, does: spins, from: 1, to: 3}\n"
    text += "    speech:\n      - {who: white cup, says: I like the white cup., from: 1, to: 3}\n"
    kinds = {question.kind for question in questions(script_from(text), 12)}
    assert kinds >= {"what", "colour", "where", "said", "action", "how many", "gist"}


def test_things_may_be_called_by_their_synonyms_in_both_languages() -> None:
    script = script_from(
        "scenes:\n  - backdrop: 在海滩上\n    seconds: 3\n    things:\n      - {is: 小猫, colour: crimson}"
    )
    assert (script.things[0].prop, script.things[0].colour, script.scenes[0].backdrop) == ("cat", "red", "beach")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1 # one\nb: 'x # y'", {"a": "1", "b": "x # y"}),
        ("a:\n  - b\n  - c: 1\n    d: 2", {"a": ["b", {"c": "1", "d": "2"}]}),
        ('a: {b: "x, y", c: it\'s}', {"a": {"b": "x, y", "c": "it's"}}),
        ("- a: \n    - b\n- c", [{"a": ["b"]}, "c"]),
        ("a: 10:30", {"a": "10:30"}),
    ],
)
def test_the_subset_of_yaml_is_read(text: str, value: object) -> None:
    assert plain(parse(text)) == value


HEAD = "scenes:\n  - backdrop: meadow\n    seconds: 6\n    things:\n      - {is: cat, colour: red}\n"
TREE = "      - {is: tree, colour: green}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the script is empty"),
        ("seed: 3", "line 1: a script needs 'scenes:'"),
        ("scenes:\n  - backdrop: medow\n    seconds: 3\n    things:\n      - {is: cat, colour: red}",
         "line 2: no backdrop 'medow' (did you mean 'meadow'?)"),
        ("scenes:\n  - backdrop: meadow\n\tseconds: 3", "line 3: indent with spaces"),
        ("scenes:\n  - backdrop: meadow\n     seconds: 3", "line 3: indented by 5 spaces where 4 are expected"),
        ("scenes:\n  - backdrop: meadow\n    backdrop: snow", "line 3: 'backdrop' is given twice, first on line 2"),
        ("scenes:\n  - backdrop: meadow\n    seconds: long\n    things:\n      - {is: cat, colour: red}",
         "line 3: 'seconds' is a number, not 'long'"),
        ("scenes:\n  - backdrop: meadow\n    seconds: nan\n    things:\n      - {is: cat, colour: red}",
         "line 3: 'seconds' goes from 0.5 to 3600 here, not nan"),
        ("scenes:\n  - backdrop: meadow\n    weather: wet", "line 3: a scene has no 'weather'; it has backdrop"),
        (HEAD.replace("red}", "red"), "line 5: a { without its }"),
        (HEAD.replace("cat, ", "cat: "), "line 5: a second ': ' in 'cat: colour: red'"),
        (HEAD.replace("cat, ", "cat, big, "), "line 5: expected 'key: value', found 'big'"),
        (HEAD.replace("red}", "'red}"), "line 5: a quote is not closed"),
        (HEAD.replace("red}", "{a: b}}"), "line 5: a { inside a {"),
        ("scenes:\n" + 41 * " " + "- a", "line 2: indented by more than 40 spaces"),
        (HEAD + "      - {is: cat, colour: red, size: big}\n", "line 6: there is already a red cat"),
        (HEAD.replace("red}", "redd}"), "line 5: no colour 'redd' (did you mean 'red'?)"),
        (HEAD + "    events:\n      - {who: red dog, does: jumps, from: 1, to: 2}", "line 7: no 'red dog' in"),
        (HEAD + "    events:\n      - {who: red cat, does: jumps, from: 3, to: 2}", "line 7: ends at 2, before"),
        (HEAD + "    events:\n      - {who: red cat, does: jumps, from: 3, to: 9}", "line 7: 'to' goes from 0 to 6"),
        (HEAD + "    events:\n      - {who: red cat, does: hides, from: 3, to: 5}", "line 7: an event needs 'other'"),
        (HEAD + "    events:\n      - {who: red cat, does: leaves, from: 1, to: 2}\n"
                "      - {who: red cat, does: jumps, from: 3, to: 4}", "line 8: the red cat is gone: it leaves before"),
        (HEAD + TREE + "    events:\n      - {who: green tree, does: jumps, from: 1, to: 2}\n"
                "      - {who: red cat, does: hides, other: green tree, from: 3, to: 4}",
         "line 9: the green tree is what another hides behind"),
        (HEAD + "    signs: HELLO", "line 6: 'signs' is a list"),
        ("a: *b", "line 1: '*' is not part of the YAML"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_line(text: str, message: str) -> None:
    with pytest.raises(BadScript) as caught:
        script_from(text)
    assert str(caught.value).startswith(message)


def test_a_mistake_in_a_file_names_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "picnic.yaml"
    path.write_text("scenes: 3\n", encoding="utf-8")
    with pytest.raises(BadScript, match=r"picnic.yaml: line 1: 'scenes' is a list"):
        read_script(path)
    with pytest.raises(BadScript, match="there is no such file"):
        read_script(tmp_path / "none.yaml")


def test_a_document_may_begin_with_three_dashes() -> None:
    assert script_from(f"---\n{HEAD}") == script_from(HEAD)


def test_actions_and_sizes_are_known_by_their_other_names_too() -> None:
    events = "    events:\n      - {who: red cat, does: 跳, to: 2}\n"
    script = script_from(HEAD.replace("cat, colour", "cat, size: tiny, colour") + events)
    assert (script.things[0].size, script.events[0].action) == ("small", "jumps")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{text: ""}', "line 7: a sign has 1 to 16 letters, not 0"),
        (f"{{text: {'A' * 17}}}", "line 7: a sign has 1 to 16 letters, not 17"),
        ("{text: 商店}", "line 7: '商' cannot be painted on a sign"),
    ],
)
def test_a_sign_that_cannot_be_painted_is_named_by_its_line(line: str, message: str) -> None:
    with pytest.raises(BadScript, match=message):
        script_from(HEAD + f"    signs:\n      - {line}\n")
