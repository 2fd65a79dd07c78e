"""What everything in storybook is called, in English and Chinese, with synonyms.

The first word is the one used in captions and questions; the others mean the same and appear only in paraphrases.
Chinese entries carry their measure word, so that "a red cat" becomes 一只红色的猫.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Both:
    """One text in both languages."""

    en: str
    zh: str


@dataclass(frozen=True)
class Word:
    """A name: English words, Chinese words (the first of each is the plain one), Chinese measure word."""

    en: tuple[str, ...]
    zh: tuple[str, ...]
    measure: str = "个"


def _table(lines: str) -> dict[str, Word]:
    """`key | english, synonyms | chinese, synonyms | measure` per line."""
    table = {}
    for line in lines.strip().splitlines():
        key, en, zh, *rest = (part.strip() for part in line.split("|"))
        table[key] = Word(_split(en), _split(zh), rest[0] if rest else "个")
    return table


def _split(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(","))


THINGS = _table("""
cat       | cat, kitty, kitten          | 猫, 小猫, 猫咪      | 只
dog       | dog, puppy, doggy           | 狗, 小狗, 狗狗      | 只
rabbit    | rabbit, bunny, hare         | 兔子, 小兔          | 只
bear      | bear, teddy bear            | 熊, 小熊            | 只
fox       | fox, vixen                  | 狐狸, 小狐狸        | 只
mouse     | mouse, little mouse         | 老鼠, 小鼠          | 只
pig       | pig, piglet, piggy          | 猪, 小猪            | 头
elephant  | elephant, jumbo             | 大象, 小象          | 头
frog      | frog, toad                  | 青蛙, 蛙            | 只
turtle    | turtle, tortoise            | 乌龟, 海龟          | 只
snail     | snail, slug with a shell    | 蜗牛, 小蜗牛        | 只
owl       | owl, night owl              | 猫头鹰, 鸮          | 只
penguin   | penguin, polar bird         | 企鹅, 小企鹅        | 只
duck      | duck, duckling              | 鸭子, 小鸭          | 只
bird      | bird, songbird, birdie      | 鸟, 小鸟            | 只
fish      | fish, little fish           | 鱼, 小鱼            | 条
whale     | whale, big sea animal       | 鲸鱼, 鲸            | 头
butterfly | butterfly, moth             | 蝴蝶, 彩蝶          | 只
bee       | bee, bumblebee, honeybee    | 蜜蜂, 小蜜蜂        | 只
octopus   | octopus, squid              | 章鱼, 八爪鱼        | 只
car       | car, automobile, auto       | 汽车, 小车, 轿车    | 辆
bus       | bus, coach                  | 公共汽车, 巴士      | 辆
train     | train, locomotive           | 火车, 列车          | 列
boat      | boat, sailboat, ship        | 船, 帆船            | 艘
plane     | plane, airplane, aircraft   | 飞机, 客机          | 架
rocket    | rocket, spaceship           | 火箭, 飞船          | 枚
balloon   | balloon, hot-air balloon    | 气球, 热气球        | 个
tree      | tree, leafy tree            | 树, 大树            | 棵
flower    | flower, blossom, daisy      | 花, 花朵            | 朵
mushroom  | mushroom, toadstool         | 蘑菇, 菌菇          | 朵
cactus    | cactus, prickly plant       | 仙人掌, 仙人球      | 盆
leaf      | leaf, foliage               | 叶子, 树叶          | 片
sun       | sun, sunshine               | 太阳, 日头          | 个
moon      | moon, crescent              | 月亮, 月牙          | 个
star      | star, little star           | 星星, 五角星        | 颗
cloud     | cloud, fluffy cloud         | 云, 云朵            | 朵
apple     | apple, round fruit          | 苹果, 苹果子        | 个
pear      | pear, sweet pear            | 梨, 梨子            | 个
strawberry| strawberry, berry           | 草莓, 莓果          | 颗
carrot    | carrot, root vegetable      | 胡萝卜, 红萝卜      | 根
cake      | cake, birthday cake         | 蛋糕, 生日蛋糕      | 个
icecream  | ice cream, ice cream cone   | 冰淇淋, 甜筒        | 个
snowman   | snowman, man of snow        | 雪人, 小雪人        | 个
house     | house, home, cottage        | 房子, 屋子          | 座
tent      | tent, camping tent          | 帐篷, 营帐          | 顶
cup       | cup, mug                    | 杯子, 马克杯        | 个
teapot    | teapot, tea kettle          | 茶壶, 水壶          | 把
clock     | clock, alarm clock          | 闹钟, 时钟          | 个
lamp      | lamp, table lamp            | 台灯, 灯            | 盏
chair     | chair, armchair             | 椅子, 扶手椅        | 把
book      | book, storybook             | 书, 故事书          | 本
key       | key, door key               | 钥匙, 锁匙          | 把
umbrella  | umbrella, parasol           | 雨伞, 伞            | 把
hat       | hat, cap                    | 帽子, 礼帽          | 顶
gift      | gift, present, parcel       | 礼物, 礼盒          | 份
bell      | bell, chime                 | 铃铛, 铃            | 个
drum      | drum, snare drum            | 鼓, 小鼓            | 面
guitar    | guitar, ukulele             | 吉他, 六弦琴        | 把
ball      | ball, beach ball            | 球, 皮球            | 个
kite      | kite, paper kite            | 风筝, 纸鸢          | 只
robot     | robot, android              | 机器人, 小机器人    | 个
crown     | crown, royal crown          | 王冠, 皇冠          | 顶
""")
COLOUR_WORDS = _table("""
red    | red, crimson, scarlet      | 红色, 红
orange | orange, tangerine          | 橙色, 橘色
yellow | yellow, golden             | 黄色, 黄
green  | green, emerald             | 绿色, 绿
blue   | blue, azure                | 蓝色, 蓝
purple | purple, violet             | 紫色, 紫
pink   | pink, rosy                 | 粉色, 粉红色
brown  | brown, chestnut            | 棕色, 褐色
black  | black, jet-black           | 黑色, 黑
white  | white, snow-white          | 白色, 白
grey   | grey, gray                 | 灰色, 灰
""")
TEXTURE_WORDS = _table("""
plain   | plain            | 素色
striped | striped, stripy  | 条纹
spotted | spotted, dotted  | 斑点, 圆点
""")
SIZE_WORDS = _table("""
small  | small, little, tiny   | 小, 小小
middle | middle-sized, medium  | 中等大小, 中号
big    | big, large            | 大, 大大
""")
# A place is said with its preposition: "on the beach", 在海滩上.
PLACES = _table("""
beach      | on the beach, at the seaside             | 在海滩上, 在海边
forest     | in the forest, in the woods              | 在森林里, 在树林里
meadow     | in the meadow, on the grass              | 在草地上, 在草原上
desert     | in the desert, among the dunes           | 在沙漠里, 在沙丘间
snow       | in the snow, in the snowy mountains      | 在雪地里, 在雪山下
night      | under the night sky, at night            | 在夜空下, 在夜里
street     | in the street, in town                   | 在街上, 在城里
underwater | under water, at the bottom of the sea    | 在水下, 在海底
room       | in the room, in the living room          | 在房间里, 在客厅里
kitchen    | in the kitchen, by the kitchen counter   | 在厨房里, 在灶台边
""")
# {other} is a thing; {times} "once", "twice", ...; {n} 一, 两, ...
ACTIONS = _table("""
enters  | comes in, enters                           | 走进来, 进来
leaves  | goes away, leaves                          | 走开了, 离开了
jumps   | jumps {times}, hops {times}                | 跳了{n}下, 蹦了{n}下
spins   | spins round {times}, turns round {times}   | 转了{n}圈, 旋转了{n}圈
wobbles | wobbles {times}, rocks {times}             | 摇了{n}下, 晃了{n}下
grows   | grows bigger, gets larger                  | 变大了, 长大了
shrinks | shrinks, gets smaller                      | 变小了, 缩小了
hides   | hides behind {other}, takes cover behind {other} | 躲到{other}后面, 藏到{other}后面
falls   | falls down from above, drops from above    | 从上面掉下来, 从天上落下来
carried | is carried away by {other}, gets a ride from {other} | 被{other}带走了, 坐着{other}走了
flies   | flies up and away, takes off               | 飞上天去, 飞走了
slides  | slides across, glides across               | 滑过去, 滑到另一边
""")
# The action alone, as an answer to "what does it do?"
ACTION_NAMES = _table("""
enters  | comes in, enters             | 走进来, 进来
leaves  | goes away, leaves            | 走开, 离开
jumps   | jumps, hops                  | 跳, 蹦
spins   | spins round, turns round     | 转圈, 旋转
wobbles | wobbles, rocks               | 摇晃, 晃动
grows   | grows bigger, gets larger    | 变大, 长大
shrinks | shrinks, gets smaller        | 变小, 缩小
hides   | hides, takes cover           | 躲起来, 藏起来
falls   | falls down, drops            | 掉下来, 落下来
carried | is carried away, gets a ride | 被带走, 搭车
flies   | flies away, takes off        | 飞走, 起飞
slides  | slides across, glides across | 滑过去, 滑到另一边
""")
# Which way an action moves a thing, where it is always the same way; the others go to their event's side or stay.
WAYS = _table("""
left  | to the left, leftwards     | 向左, 往左
right | to the right, rightwards   | 向右, 往右
up    | upwards, up                | 向上, 往上
down  | downwards, down            | 向下, 往下
stays | it stays in its place, nowhere | 留在原地, 没有移动
""")
TIMES_EN = {1: "once", 2: "twice", 3: "three times", 4: "four times", 5: "five times"}
NUMBERS_ZH = {1: "一", 2: "两", 3: "三", 4: "四", 5: "五"}
KIND_WORDS = _table("""
animal    | animal, creature   | 动物, 生物
vehicle   | vehicle            | 交通工具, 车船
nature    | thing of nature, plant or food | 自然物, 植物和食物
household | household thing, object | 家用物品, 物品
""")


def article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def joined(parts: Sequence[Both]) -> Both:
    """a, b and c / a、b和c."""
    if len(parts) == 1:
        return parts[0]
    english = ", ".join(part.en for part in parts[:-1]) + f" and {parts[-1].en}"
    return Both(english, "、".join(part.zh for part in parts[:-1]) + "和" + parts[-1].zh)


def named(prop: str, colour: str, synonym: int = 0) -> Both:
    """ "the red cat" without its article: what tells one thing of a video from all others."""
    thing, tint = THINGS[prop], COLOUR_WORDS[colour]
    en = f"{tint.en[synonym % len(tint.en)]} {thing.en[synonym % len(thing.en)]}"
    zh_colour = tint.zh[0] if synonym == 0 else tint.zh[-1]
    return Both(en, f"{zh_colour}的{thing.zh[synonym % len(thing.zh)]}")


def described(prop: str, colour: str, texture: str, size: str) -> Both:
    """ "a small striped red cat" / 一只小小的条纹红色猫."""
    marks = [SIZE_WORDS[size].en[0]] + ([] if texture == "plain" else [TEXTURE_WORDS[texture].en[0]])
    thing = THINGS[prop]
    zh_size = {"small": "小", "middle": "", "big": "大"}[size]
    zh_texture = "" if texture == "plain" else f"带{TEXTURE_WORDS[texture].zh[0]}的"
    english = article(" ".join([*marks, COLOUR_WORDS[colour].en[0], thing.en[0]]))
    return Both(english, f"一{thing.measure}{zh_texture}{COLOUR_WORDS[colour].zh[0]}的{zh_size}{thing.zh[0]}")
