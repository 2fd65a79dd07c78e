"""How questions are asked in English: polite wrappings, order clauses, and the forms, narrow ones first."""

from __future__ import annotations

import re

from sightline.asking.forms import form

LANGUAGE = "en"
_POLITE = re.compile(
    r"^(?:(?:please|hey|hi|hello|so|and|ok|okay),?\s+)*"
    r"(?:(?:can|could|would) you (?:please )?(?:tell|show) me\s+|(?:do|does) (?:you|anyone) know\s+"
    r"|(?:please )?tell me\s+|"
    r"i(?:'d| would) (?:like|want) to know\s+|i wonder\s+)?",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"[ ,]+(?:anywhere |somewhere |ever )?(?:in|on|of|during) (?:the|this|that|my|these|those|any of (?:the|these)) "
    r"(?:videos?|clips?|films?|movies?|recordings?|footage|librar(?:y|ies))(?=$|[ ,?:.])",
    re.IGNORECASE,
)


def bare(text: str) -> str:
    """Without what is said out of politeness, and without "in the video"."""
    words = _POLITE.sub("", _HERE.sub("", text.strip().rstrip("?!. ")), count=1)
    return words.strip().rstrip("?!., ") or text


def statement(words: str) -> str:
    """A clause as a statement: "this: the cat jumps" -> "the cat jumps"."""
    return re.sub(
        r"^(?:(?:this|that|the moment(?: when| that)?|it is over that)[:,]?\s+)", "", words, flags=re.I
    ).strip()


_ASKS = r"(?:what|which|who|whom|whose|where|when|why|how|is|are|was|were|do|does|did|has|have|can|at|in)\b"
_MAIN = rf"(?P<main>{_ASKS}.*?)"
_SOON = r"(?:right |just |immediately |shortly |soon |directly |next |straight )?"
ORDERS = tuple(
    (order, re.compile(pattern, re.IGNORECASE))
    for order, pattern in (
        ("while", rf"{_MAIN},? (?:at the same time (?:as|that|when)|simultaneously with)(?: this:)? (?P<mark>.+)$"),
        ("after", rf"{_MAIN},? {_SOON}(?:after|once|as soon as|following) (?P<mark>(?!all\b|everything\b|each\b).+)$"),
        ("before", rf"{_MAIN},? {_SOON}(?:before|until|preceding) (?P<mark>(?!all\b|everything\b|any\b|each\b).+)$"),
        ("while", rf"{_MAIN},? (?:while|whilst|during|as long as) (?P<mark>.+)$"),
        ("while", rf"(?P<main>(?!when\b|at\b|in\b|which \w+ takes part){_ASKS}.*?),? when (?P<mark>.+)$"),
        ("after", rf"(?:{_SOON}after|once|as soon as) (?P<mark>.+?), (?P<main>{_ASKS}.*)$"),
        ("before", rf"{_SOON}before (?P<mark>.+?), (?P<main>{_ASKS}.*)$"),
        ("while", rf"(?:while|when|during|as) (?P<mark>(?!does|do|did|is|are|was|were).+?), (?P<main>{_ASKS}.*)$"),
    )
)
# The word alone, between the two parts of the question that stay.
ENDS = tuple(
    (order, re.compile(pattern, re.IGNORECASE))
    for order, pattern in (
        ("first", r"^(.+?) for the first time(.*)$"),
        ("last", r"^(.+?) for the last time(.*)$"),
        ("first", r"^((?:when|where|what|who)\b.*? (?:does|do|did|is|are|was|were) .+?) first( .+)$"),
        ("last", r"^((?:when|where|what|who)\b.*? (?:does|do|did|is|are|was|were) .+?) last( .+)$"),
        ("first", r"^((?:when|where|what|who) .+?) first$"),
        ("last", r"^((?:when|where|what|who) .+?) last$"),
    )
)

_BE = r"(?:is|are|was|were|'s)"
_DO = r"(?:does|do|did)"
_WHITHER = r"(?:away|off|up|down|out|over|round|around|in|into|on|onto|at|under|by|through|from|behind|with|to)"
_SEEN = r"(?:ever )?(?:seen|shown|visible|there|present|in it|around|depicted)"
_HAPPENS = r"(?:happens|happened|happen|follows|followed|comes|came|goes on|is going on|occurs|takes place|took place)"
_FIRST = (
    r"(?:which|what) (?:of (?:these|them|the following|those) |one |thing |event )?(?:happens"
    r"|comes|occurs|is seen|is shown)"
)
FORMS = (
    # which of the options
    form("which", rf"{_FIRST} (?:the )?(?:very )?first", order="first"),
    form("which", r"what comes before (?:all|everything|each)\b.*", order="first"),
    form("which", rf"{_FIRST} (?:the )?(?:very )?last", order="last"),
    form("which", r"what comes after (?:all|everything|each)\b.*", order="last"),
    form(
        "which",
        rf"which (?:one )?of (?:these|them|the following|those)(?: \w+)? (?:{_BE} {_SEEN}|appears?|occurs?)(?: .*)?",
    ),
    form("which", r"only one of (?:these|them|those) .*?[.,:;] which(?: one)?(?: is it)?"),
    form("gist", rf"what(?:'s| {_BE}) (?:the|this|it|that)(?: \w+)?(?: all)? about"),
    form("gist", rf"(?:which|what) (?:summary|title|description)(?: \w+)*? (?:fits|suits|describes|{_BE})(?: .*)?"),
    form("gist", r"(?:summari[sz]e|describe)\b.*"),
    # colours, numbers, places, times
    form("colour", rf"(?:what|which)(?:'s| {_BE})? (?:the )?colou?rs? of (?P<T>.+)", "{T}", "a [ ] {T|bare}"),
    form("colour", rf"(?:what|which) colou?rs? (?:{_BE}|{_DO}) (?P<T>.+?)(?: have| wear)?", "{T}", "a [ ] {T|bare}"),
    form(
        "colour",
        rf"(?P<T>.+?)[:,.;] (?:what|which) colou?r (?:{_DO} (?:it|he|she|they) have|{_BE} (?:it|he|she|they))",
        "{T}",
        "a [ ] {T|bare}",
    ),
    form("times", rf"how (?:many times|often) (?:{_BE} this seen|does this happen)[:,] (?P<S>.+)", "{S}", "{S} [ ]"),
    form("times", rf"how (?:many times|often) (?:{_DO}|{_BE}) (?P<S>.+)", "{S}", "{S} [ ]"),
    form("times", r"(?P<S>.+?)[.:,;] how (?:often|many times)", "{S}", "{S} [ ]"),
    form(
        "number",
        rf"how many (?P<T>.+?) (?:{_BE} (?:there|{_SEEN})|appear|{_DO} (?:you|we|i|one) see"
        r"|can (?:you|we|i|one) see)\b(?P<P>.*)",
        "{T}{P}",
        "[ ] {T}{P}",
    ),
    form("number", r"how (?:many|much) (?P<S>.+)", "{S}", "[ ] {S}"),
    form(
        "number",
        r"how (?:long|old|far|tall|big|large|high|fast|expensive|heavy|wide|deep)\b(?P<S>.+)",
        "{S}",
        "{S} [ ]",
    ),
    form("when", r"when (?:does|did) this happen[:,] (?P<S>.+)", "{S}"),
    form(
        "when",
        rf"(?:at|in) (?:which|what) (?:seconds?|times?|moments?|points?|minutes?) (?:{_DO}"
        r"|can) (?:one|you|we|i) see (?:that )?(?P<S>.+)",
        "{S}",
    ),
    form(
        "when",
        r"(?:when|(?:at )?(?:which|what) (?:seconds?|times?|moments?|points?|minutes?)) "
        rf"(?:{_DO}|{_BE}|can|will)?\s*(?:(?:we|you|i|one) (?:see|hear)\s+)?(?P<S>.+?)"
        r"(?: (?:appears?|seen|shown|visible|show up|come up))?",
        "{S}",
    ),
    form("where", r"(?:where|in (?:which|what) place) (?:does|did) this happen[:,] (?P<S>.+)", "{S}", "{S} [ ]"),
    form(
        "where",
        rf"in (?:which|what) (?:place|room|location|city|country|part)\b (?:{_DO}|{_BE}|can)\s*"
        r"(?:(?:one|you|we|i) see (?:that )?)?(?P<S>.+)",
        "{S}",
        "{S} [ ]",
    ),
    form("direction", rf"(?:which|what) (?:way|direction) (?:{_DO}|{_BE}) (?P<S>.+)", "{S}", "{S} [ ]"),
    form("direction", rf"in (?:which|what) direction (?:{_DO}|{_BE}) (?P<S>.+)", "{S}", "{S} [ ]"),
    form("direction", rf"where {_DO} (?P<S>.+? (?:move|go|run|drive|walk|fly)) to", "{S}", "{S} [ ]"),
    form("where", rf"where (?:{_DO}|{_BE}|can (?:one|you|we|i) (?:see|find)) (?P<S>.+)", "{S}", "{S} [ ]"),
    # written and said
    form(
        "text",
        rf"what (?:{_DO}|{_BE}) (?:the |this |that |on the )?(?:signs?|text|label|caption"
        rf"|title|board|slide|screen|poster|notice|writing|letters?)\b(?: that {_BE})?(?P<P>.*?) "
        r"(?:say|read|show|written)",
        "{P}",
        "[ ]",
    ),
    form(
        "text",
        rf"what (?:{_BE} (?:it )?written|{_BE} printed|can (?:one|you|we|i) read|{_DO} (?:one"
        r"|you|we|i) read)\b(?P<P>.*)",
        "{P}",
        "[ ]",
    ),
    form(
        "text",
        rf"(?:what|which) (?:text|words?|letters?|number) (?:{_BE} (?:written|shown|printed)"
        rf"|{_BE}|appears?)\b(?: (?:written|shown|printed))?(?P<P>.*)",
        "{P}",
        "[ ]",
    ),
    form(
        "speaker",
        r"who (?:says?|said|mentions?|mentioned|talks? about|talked about|speaks? about"
        r"|explains?|asks?|answers?|tells?)\b(?: that| about)?(?P<S>.+)",
        "{S}",
        "[ ]",
    ),
    form(
        "said",
        rf"what (?:{_DO}|{_BE}) (?P<W>.+?) (?:say(?:ing)?|tell(?:ing)?|mention(?:ing)?|explain"
        r"(?:ing)?|talk(?:ing)? about|ask(?:ing)?|answer(?:ing)?|claim(?:ing)?|think(?:ing)?)"
        r"(?: (?:about|of|on|to)\b)?(?P<S>.*)",
        "{S}",
        "[ ]",
    ),
    form("said", rf"what {_BE} (?:said|mentioned|told|explained)(?: (?:about|of|on))?(?P<S>.*)", "{S}", "[ ]"),
    form(
        "said",
        rf"(?:which|what) (?:words|line|sentence) (?:comes?|came|{_BE} said|{_BE} spoken) (?:from|by) (?P<W>.+)",
        "",
        "[ ]",
    ),
    form("explain", rf"(?:why|how come) (?:{_DO}|{_BE}|can|should|would|has|have)?(?P<S>.+)", "{S}", "[ ]"),
    form("explain", rf"how (?:{_DO}|can|should|to|would|could) (?P<S>(?!.*\b(?:behave|act|move)$).+)", "{S}", "[ ]"),
    # what there is and what it does
    form("present", rf"{_BE} there (?:ever )?(?:any )?(?P<S>.+?)(?: here| anywhere| somewhere)?", "{S}"),
    form("present", rf"{_BE} (?P<S>.+?) (?:anywhere |somewhere )?{_SEEN}(?: anywhere| somewhere)?", "{S}"),
    form(
        "present",
        rf"{_DO} (?P<S>.+?) (?:ever )?(?:appear|show up|occur|turn up|come up)(?: anywhere| somewhere)?",
        "{S}",
    ),
    form("present", rf"(?:{_DO}|can) (?:you|we|i|one|anyone) (?:see|find|notice|spot) (?P<S>.+)", "{S}"),
    form("present", rf"{_DO} (?:it|this|that) (?:show|contain|have) (?P<S>.+)", "{S}"),
    form("whom", r"which (?:thing|one|other|person) takes part when (?P<S>.+)", "{S}", "{S} [ ]"),
    form("whom", r"(?P<S>.+?)[:,;] with whose help", "{S}", "{S} [ ]"),
    form("whom", rf"(?:whom?|what) {_DO} (?P<S>.+ (?:with|behind|by|on|under|into|to|at|from|for))", "{S}", "{S} [ ]"),
    form(
        "thing",
        r"(?P<P>.*?)\b(?:something|someone|somebody)\b(?P<S>.+?)[.:;,] (?:what|who) is (?:it|that|this)",
        "{P} {S}",
        "{P} [ ] {S}",
    ),
    form(
        "event",
        rf"(?:what|which (?:thing|event)) (?:else )?(?:{_HAPPENS}|{_BE} (?:seen|shown)|{_DO} "
        r"(?:we|you|one|i) see)(?: next| then| else| there| afterwards| later)*",
    ),
    form("action", rf"what (?:{_DO}|{_BE}) (?P<T>.+?) (?:do|doing)\b(?P<P>.*)", "{T}{P}", "{T} [ ]{P}"),
    form("action", rf"how {_DO} (?P<T>.+?) (?:behave|act|move)", "{T}", "{T} [ ]"),
    form("action", r"what happens (?:to|with) (?P<T>.+)", "{T}", "{T} [ ]"),
    form("event", r"what happens (?P<P>(?:on|in|at|under|behind|near|by|beside|above|over) .+)", "{P}", "[ ] {P}"),
    form("thing", rf"(?:what|who) (?P<P>{_BE} (?:being )?\w+(?:ed|en) {_WHITHER}\b.*)", "{P}", "[ ] {P}"),
    form(
        "define",
        r"what(?:'s| is| are) (?P<S>(?!on\b|in\b|at\b|under\b|behind\b|near\b|above\b|beside\b"
        r"|next to\b)(?!.*ing\b).+)",
        "{S}",
        "{S} is [ ]",
    ),
    form("object", rf"(?:what|who|whom) (?:{_BE}) (?P<S>(?:the|a|an|this|that|my|his|her)\b .+ing)", "{S}", "{S} [ ]"),
    form("object", rf"(?:what|whom?|which \w+) {_DO} (?P<S>.+)", "{S}", "{S} [ ]"),
    form(
        "thing",
        r"(?:what|who|which (?:thing|one|animal|person|object|man|woman|vehicle|colou?r)?) (?P<P>.+)",
        "{P}",
        "[ ] {P}",
    ),
    form("yes", rf"(?:{_BE}|{_DO}|has|have|had|can|could|will|would|should) (?P<S>.+)", "{S}"),
)
