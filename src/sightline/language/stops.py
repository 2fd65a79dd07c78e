"""Words that carry grammar rather than things to find, in English and Chinese.

English is a set of folded words. Chinese has no spaces, so its function words are cut out of a run of characters:
猫在桌子上的冰箱里 gives 猫, 桌子上, 冰箱里. A word that only contains such a character (目的, 现在, 和平) is shielded.
From: the closed classes of both languages (articles, pronouns, particles, question and measure words), chosen by hand.
"""

from __future__ import annotations

import re

ENGLISH = frozenset(
    """a an the this that these those some any
    i me my we us our you your he him his she her it its they them their who whom whose which what
    am is are was were be been being do does did have has had will would shall should can could may might must
    and or but if then so as of at by for with about to from in on into onto off over under than
    when where why how there here not no nor too very just also
    im ive id ill youre youve youll hes shes theyre theyve weve dont doesnt didnt isnt arent wasnt werent cant couldnt
    wont wouldnt show find me please moment moments scene scenes video videos clip clips""".split()
)

_CHINESE = """
    的 了 着 吗 呢 吧 啊 呀 嘛 么 是 在 和 与 及 或 被 把 给 让 从 向 对 也 都 就 还 又 很 太 不 有 这 那 我 你
    您 他 她 它 们 谁 什么 怎么 怎样 哪里 哪儿 哪个 为什么 多少 几个 一个 一只 一位 一名 一条 一辆 一张 一把
    一些 这个 那个 这些 那些 这里 那里 我们 你们 他们 她们 它们 正在 可以 能够 但是 因为 所以 如果 然后 请 找
    出现 画面 镜头 视频
""".split()
_SHIELDED = """
    目的 的士 的确 标的 了解 了不起 为了 除了 和平 和谐 和尚 和解 温和 共和 饱和 暖和 总和 缓和 柔和 现在 存在
    实在 内在 外在 所在 在线 潜在 总是 还是 就是 是否 是非 参与 及格 普及 涉及 或许 被子 棉被 把手 门把 火把
    让步 服从 从事 方向 向导 向日葵 对话 对手 面对 反对 比对 也许 首都 成都 都市 成就 就业 还原 归还 太阳 太太
    太空 太极 不同 不锈钢 有趣 有效 拥有 所有 没有 这样 那样 自我 他人 其他 吉他 着火 着陆 执着 沉着 穿着 发给
    供给 请求 邀请 申请 请客 寻找 找到 对象 绝对 不断 不可
""".split()

# The longest alternative first, or 什 would never see its 么; shields before function words, for the same reason.
CHINESE = re.compile(
    "(?P<shield>{})|{}".format(
        "|".join(sorted(_SHIELDED, key=len, reverse=True)), "|".join(sorted(_CHINESE, key=len, reverse=True))
    )
)


def content_of(run: str) -> list[str]:
    """The stretches of a run of Chinese characters between its function words; empty where it has nothing else."""
    bounds = [m.span() for m in CHINESE.finditer(run) if m["shield"] is None]
    starts = [0, *(end for _, end in bounds)]
    ends = [*(start for start, _ in bounds), len(run)]
    return [run[start:end] for start, end in zip(starts, ends, strict=True) if end > start]
