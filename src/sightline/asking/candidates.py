"""What an answer can be where nobody gives options: tables of colours, places, things, actions, ways, numbers.

Plain words that most encoders read, in English and Chinese, the same entry at the same place. An encoder that knows a
world of its own offers better ones: `candidates(kind, language)` is asked first, where it has that.
`NULLS` are plain things that most videos do not show: what they score is how high chance reaches.
"""

from __future__ import annotations

import re
from typing import Any


def _both(lines: str) -> dict[str, tuple[str, ...]]:
    """`english | chinese, english | chinese, …` as one tuple for each language."""
    pairs = [tuple(part.strip() for part in pair.split("|")) for pair in lines.replace("\n", " ").split(",")]
    return {"en": tuple(pair[0] for pair in pairs), "zh": tuple(pair[1] for pair in pairs)}


TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "colour": _both("""
        red|红色, orange|橙色, yellow|黄色, green|绿色, blue|蓝色, purple|紫色, pink|粉色, brown|棕色,
        black|黑色, white|白色, grey|灰色"""),
    "where": _both("""
        on the beach|在海滩上, in the forest|在森林里, in the meadow|在草地上, in the desert|在沙漠里,
        in the snow|在雪地里, under the night sky|在夜空下, in the street|在街上, under water|在水下,
        in the room|在房间里, in the kitchen|在厨房里, in a garden|在花园里, in a park|在公园里,
        in an office|在办公室里, in a classroom|在教室里, in a shop|在商店里, in a restaurant|在餐厅里,
        on a stage|在舞台上, on a bridge|在桥上, on a mountain|在山上, by a river|在河边, at sea|在海上,
        in the sky|在天空中, in a car|在车里, on a sports field|在运动场上, in a bathroom|在浴室里"""),
    "thing": _both("""
        a person|人, a man|男人, a woman|女人, a child|孩子, a cat|猫, a dog|狗, a bird|鸟, a horse|马,
        a cow|牛, a sheep|羊, a rabbit|兔子, a bear|熊, a fox|狐狸, a mouse|老鼠, a pig|猪, an elephant|大象,
        a frog|青蛙, a turtle|乌龟, a snail|蜗牛, an owl|猫头鹰, a penguin|企鹅, a duck|鸭子, a fish|鱼,
        a whale|鲸鱼, a butterfly|蝴蝶, a bee|蜜蜂, an octopus|章鱼, a panda|熊猫, a car|汽车, a bus|公共汽车,
        a train|火车, a boat|船, a plane|飞机, a bicycle|自行车, a rocket|火箭, a balloon|气球, a tree|树,
        a flower|花, a mushroom|蘑菇, a cactus|仙人掌, a leaf|叶子, the sun|太阳, the moon|月亮, a star|星星,
        a cloud|云, an apple|苹果, a pear|梨, a strawberry|草莓, a carrot|胡萝卜, a cake|蛋糕,
        an ice cream|冰淇淋, a snowman|雪人, a house|房子, a tent|帐篷, a cup|杯子, a teapot|茶壶, a clock|闹钟,
        a lamp|台灯, a chair|椅子, a table|桌子, a book|书, a key|钥匙, an umbrella|雨伞, a hat|帽子,
        a gift|礼物, a bell|铃铛, a drum|鼓, a guitar|吉他, a ball|球, a kite|风筝, a robot|机器人,
        a crown|王冠, a phone|手机, a computer|电脑, a bottle|瓶子, a bag|包, a door|门, a window|窗户,
        a knife|刀, a plate|盘子"""),
    "action": _both("""
        comes in|走进来, goes away|走开, jumps|跳, spins round|转圈, wobbles|摇晃, grows bigger|变大,
        gets smaller|变小, hides|躲起来, falls down|掉下来, is carried away|被带走, flies away|飞走,
        slides across|滑过去, walks|走路, runs|跑步, sits|坐着, stands|站着, eats|吃东西, drinks|喝东西,
        talks|说话, sings|唱歌, dances|跳舞, sleeps|睡觉, swims|游泳, throws something|扔东西, waves|挥手"""),
    "direction": _both("to the left|向左, to the right|向右, upwards|向上, down|向下, nowhere|留在原地"),
    "number": _both("one|一, two|两, three|三, four|四, five|五, six|六, seven|七"),
}
TABLES |= {"whom": TABLES["thing"], "object": TABLES["thing"]}
YES_NO = {"en": ("yes", "no"), "zh": ("有", "没有")}
YES = frozenset({"yes", "是", "有", "对", "会", "true", "yeah", "correct", "有的", "是的"})
NO = frozenset({"no", "否", "没有", "不是", "不", "没", "不会", "false", "nope", "无"})
NULLS = _both("""
    a submarine|潜水艇, a violin|小提琴, a spreadsheet|电子表格, a dentist|牙医, a camel|骆驼,
    an astronaut|宇航员, a lighthouse|灯塔, a ballet dancer|芭蕾舞者, a coral reef|珊瑚礁, a padlock|挂锁,
    a microscope|显微镜, an avalanche|雪崩, a volcano|火山, a mammoth|猛犸象, a forklift|叉车,
    a blacksmith|铁匠, a cathedral|大教堂, a silk kimono|和服, a windmill|风车, a horse|马, a ladder|梯子,
    a candle|蜡烛, a spider|蜘蛛, a bicycle|自行车, a lemon|柠檬, a guitar|吉他, a frog|青蛙, a rocket|火箭,
    a penguin|企鹅, a teapot|茶壶, an octopus|章鱼, a snowman|雪人, a cactus|仙人掌, a kite|风筝,
    a train|火车, a crown|王冠, a tent|帐篷, a drum|鼓, a whale|鲸鱼, a mushroom|蘑菇""")


def candidates(kind: str, language: str, encoder: Any = None) -> tuple[str, ...]:
    """What can be the answer to a question of this kind; () where no table holds it."""
    offered = getattr(encoder, "candidates", None)
    own = tuple(offered(kind, language)) if offered else ()
    return own or TABLES.get(kind, {}).get(language, ())


def contrasts(statement: str, language: str) -> list[str]:
    """The statement with its colour changed to every other one: "a blue cat" of "a red cat"; [] without a colour."""
    for word in TABLES["colour"][language]:
        pattern = rf"\b{word}\b" if language == "en" else word
        if re.search(pattern, statement, re.IGNORECASE):
            others = (other for other in TABLES["colour"][language] if other != word)
            return [re.sub(pattern, other, statement, flags=re.IGNORECASE) for other in others]
    return []
