"""Keeps words that a video says or shows data when they enter a prompt: fenced so that no text can leave its fence.

From: the delimiters and special pieces of the common chat templates (ChatML, Llama, Mistral, Gemma, DeepSeek, Qwen-VL,
SmolVLM); Unicode's bidirectional controls, tag characters and variation selectors, which carry unseen text.
Departures: signs that could open a special piece, a quotation or a number in brackets are replaced by signs that look
alike (`<` by `‹`, `[` by `(`), so the text stays legible and nothing has to be recognised to be harmless.
`looks_like_orders` is a mark for people who read the trace. It is no defence: the defence is the fence, that readers
have no tools, and that whatever they cite is checked.
"""

from __future__ import annotations

import re
import unicodedata

from sightline.language.folding import fold

OPEN, CLOSE = "«", "»"  # how a fence looks; neither sign can stand inside one
LONGEST = 2000  # characters of one exhibit; a subtitle has about 80

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("<«⟨〈《＜", "‹"),
        **dict.fromkeys(">»⟩〉》＞", "›"),
        **dict.fromkeys("[［⟦〚", "("),
        **dict.fromkeys("]］⟧〛", ")"),
        **dict.fromkeys("|｜¦│", "¦"),
        **dict.fromkeys("`´", "'"),
        **dict.fromkeys("{｛", "("),
        **dict.fromkeys("}｝", ")"),
        "▁": "_",
    }
)
_ENGLISH_ROLES = r"system|developer|assistant|user|human|tool|function|model|ai"
_CHINESE_ROLES = r"系统|系統|助手|用户|用戶|开发者|開發者|人类|工具|模型"
_ROLES = rf"{_ENGLISH_ROLES}|{_CHINESE_ROLES}"
_ROLE_MARK = re.compile(rf"(?<![^\W_])({_ROLES})(\s*(?:prompt|message|提示|消息))?\s*[:：]\s*", re.IGNORECASE)
_RULES = re.compile(r"([#=*~_\-])\1{2,}")  # ###, ---, ===: headings and borders of a prompt
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")


def fenced(text: str, longest: int = LONGEST) -> str:
    """The words as data on one line: «words». What stands inside can neither end the quotation nor open a role."""
    plain = _SPACES.sub(" ", visible(text)).strip()
    plain = _LINES.sub(" / ", plain).translate(_ALIKE)
    plain = _RULES.sub(r"\1", _ROLE_MARK.sub(r"\1\2 - ", plain))
    return f"{OPEN}{plain if len(plain) <= longest else plain[: longest - 1] + '…'}{CLOSE}"


def visible(text: str) -> str:
    """The text without what no one sees: control characters, direction marks, zero-width and tag characters."""
    lines = re.sub("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    return "".join(c for c in lines if c == "\n" or _is_seen(c))


def _is_seen(character: str) -> bool:
    code = ord(character)
    if 0xE0000 <= code <= 0xE0FFF or 0xFE00 <= code <= 0xFE0E or code in (0x115F, 0x1160, 0x3164, 0xFFA0, 0x034F):
        return False  # tags, variation selectors (each may carry a byte), fillers that are drawn as nothing
    return character == "\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")


# --- marking ---------------------------------------------------------------------------------

_BEFORE = (
    r"(?:all|any|the|your|my|these|those|of|previous|prior|above|earlier|preceding|former|other|given|system|safety)"
)
_SAID = r"(?:instructions?|prompts?|rules?|orders?|guidelines?|messages?|directions?|context|evidence|exhibits?)"
_ORDERS = re.compile(
    "|".join(
        (
            rf"\b(?:ignore|disregard|forget|override|bypass|skip|drop)\s+(?:{_BEFORE}\s+){{0,5}}{_SAID}\b",
            r"\b(?:ignore|disregard|forget)\s+(?:everything|anything|all)\s+(?:\w+\s+){0,3}(?:above|before|said|told|previous)",
            r"\b(?:new|updated|real|actual|following|hidden|secret)\s+(?:system\s+)?(?:instructions?|prompts?|orders?)\b",
            r"\b(?:system|developer)\s+(?:prompt|message|override|mode|instruction)s?\b",
            r"\b(?:reveal|print|repeat|show|output|leak|display|send)\s+(?:me\s+)?(?:your|the|all)\s+(?:\w+\s+){0,2}"
            r"(?:prompts?|instructions?|api\s*keys?|keys?|passwords?|secrets?|credentials|environment)\b",
            r"\byou\s+(?:are|must|will|shall|should)\s+(?:now|only|always|instead)\b",
            r"\bfrom\s+now\s+on\b.{0,40}\byou\b|\b(?:act|behave|respond|answer)\s+as\s+(?:if|though|an?\s)",
            r"\b(?:pretend|role\s*-?play)\s+(?:to\s+be|that\s+you|as)\b|\b(?:jailbreak|developer\s+mode|do\s+anything\s+now)\b",
            r"\b(?:answer|reply|respond|say|output|write|cite)\s+(?:only|just|exactly|always|instead)\b",
            r"\b(?:only|just|instead|always)\s+(?:answer|reply|respond|say|output|write|cite)\b",
            r"\b(?:answer|reply|respond|output)\s+(?:with|in)\s+(?:the\s+)?(?:words?|text|json|exactly|yes|no)\b",
            r"\bthe\s+(?:correct|right|true|final|only)\s+answer\s+(?:is|must|should)\b",
            r"\b(?:cite|quote)\s+(?:exhibits?|evidence|numbers?|frames?)\b|\bexhibits?\s+(?:number\s+)?\d+\b",
            r"\b(?:execute|run|call|invoke|open|fetch|download|delete|curl)\s+(?:the\s+|this\s+|following\s+)*"
            r"(?:commands?|code|scripts?|tools?|functions?|url|link|files?)\b|\brm\s+-rf\b|\bcurl\s+\S*/",
            r"\b(?:do\s+not|don't|never)\s+(?:mention|reveal|tell|cite|answer|use|look\s+at)\b.{0,40}"
            r"\b(?:users?|evidence|exhibits?|instructions?|prompts?|questions?|videos?|this\s+text)\b",
            r"\bas\s+an?\s+(?:ai|assistant|language\s+model)\b|\b(?:ai|language)\s+(?:model|assistant)s?\s*[,:]",
            r"\bin_evidence\b|\bend\s+of\s+(?:the\s+)?(?:data|evidence|exhibits?|quotation|video|context)\b",
            r"(?:忽略|无视|忘记|忘掉|不要理会|不理会|抛开|跳过|覆盖|取消).{0,10}"
            r"(?:指令|指示|提示|规则|要求|命令|内容|说明|上文|上面|之前|以上|前面|证据)",
            r"(?:新的?|真正的?|最新的?|隐藏的?|以下)(?:系统)?(?:指令|指示|提示词?|命令)|系统(?:提示|指令|消息|命令)|提示词|开发者模式|越狱",
            r"(?:你现在|从现在(?:开始|起)|接下来)你?.{0,6}(?:是|必须|只能|要|扮演|将)|(?:扮演|假装|假设你)",
            r"(?:只|必须|直接|一律)(?:能|要|需|须|准)?(?:回答|回复|输出|引用)|请(?:直接)?(?:回复|输出|引用)|(?:回答|回复|输出)(?:“|\"|「|:|：)",
            r"(?:正确|标准|最终|唯一)(?:的)?答案(?:是|为|应)|(?:泄露|透露|输出|打印|显示|告诉我).{0,8}(?:提示词?|密钥|密码|指令|秘密)",
            r"(?:执行|运行|调用|下载|删除|打开)(?:以下|下面|这个|这些|下列|所有)?的?(?:命令|代码|脚本|工具|函数|链接|文件)",
            r"(?:不要|别|不得|禁止)(?:提及|透露|告诉|引用|回答|使用).{0,10}(?:用户|证据|指令|问题|视频|提示|展品)|作为(?:一个)?(?:人工智能|ai|语言模型|助手)",
        )
    )
)
_SPECIAL_PIECE = re.compile(
    r"<\s*[|｜/]|[|｜]\s*>|\[\s*/?\s*(?:inst|sys|system)\s*\]|<<\s*/?\s*sys\s*>>|</?\s*(?:s|system|user|assistant|tool|think|"
    r"image|video|start_of_turn|end_of_turn|end_of_utterance|data|exhibits?|evidence)\b[^>]{0,40}>|```|#{3,}\s*\w",
    re.IGNORECASE,
)
_LINE_ROLE = re.compile(
    rf"^\s*[#*\-»\"']*\s*(?:{_ROLES})\s*(?:prompt|message|提示|消息)?\s*[:：]", re.IGNORECASE | re.M
)
_LETTERS_APART = re.compile(r"\b(?:\w[ .\-_*]){2,}\w\b")


def looks_like_orders(text: str) -> bool:
    """Whether words from a video read as orders to whoever answers (English or Chinese), or forge parts of a prompt."""
    seen = visible(text)
    if _SPECIAL_PIECE.search(seen) or _LINE_ROLE.search(seen):
        return True
    joined = _LETTERS_APART.sub(lambda found: re.sub(r"[ .\-_*]", "", found.group()), seen)
    return any(_ORDERS.search(_SPACES.sub(" ", fold(form).replace("\n", " "))) for form in (seen, joined))
