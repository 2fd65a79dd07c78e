"""The comparison sheet's labels, in English and Chinese, and what its look adds to the contact sheet's."""

from __future__ import annotations

ENGLISH = {
    "lang": "en",
    "ways": "{count} ways",
    "one": "1 way",
    "frames": "{count} frames each",
    "tokens": "{count} visual tokens each",
    "agree": "{share:.0%} agree",
    "all": "All agree",
    "split": "No majority",
    "video": "Over the whole video",
    "curve": "How sure each frame shows it, over the whole video",
    "lane": "{count} frames looked at, and what is cited",
    "key": "strokes: frames looked at · bars: what is cited",
    "truth": "green: where the answer lies",
    "looks": "What each way looked at",
    "frame": "frame at {second}",
    "cited": "cited",
    "none": "It looked at no frame.",
    "words": "{count} lines of speech and screen text",
    "sure": "confidence",
    "overlap": "overlap with the truth",
    "hit": "evidence in the truth",
    "yes": "yes",
    "no": "no",
    "time": "Tokens, and milliseconds by station",
    "way": "way",
    "answer": "answer",
    "looked": "frames",
    "token": "tokens",
    "shared": "Shared by all ways and done once, in {took:.0f} ms: understanding, finding, looking again "
    "({again} frames). A row's first three stations are its lookups in that; the others it did itself.",
    "refused": "No answer",
    "foot": "Times are the video's own. Every way had the same budget and the same known frames to choose from.",
}
CHINESE = {
    "lang": "zh",
    "ways": "{count} 种方式",
    "one": "1 种方式",
    "frames": "每种 {count} 帧",
    "tokens": "每种 {count} 个视觉词元",
    "agree": "{share:.0%} 一致",
    "all": "全部一致",
    "split": "没有多数",
    "video": "整段视频",
    "curve": "整段视频中每一帧与所问相符的把握",
    "lane": "看了 {count} 帧，以及所引的时间",
    "key": "竖线：看过的帧 · 横条：所引的时间",
    "truth": "绿色：答案所在",
    "looks": "每种方式看了什么",
    "frame": "{second} 的画面",
    "cited": "引用",
    "none": "没有看任何画面。",
    "words": "{count} 行语音和屏幕文字",
    "sure": "置信度",
    "overlap": "与真实时间的重合",
    "hit": "证据在真实时间内",
    "yes": "是",
    "no": "否",
    "time": "词元，以及各步的毫秒数",
    "way": "方式",
    "answer": "回答",
    "looked": "帧",
    "token": "词元",
    "shared": "所有方式共用、只做一次，共 {took:.0f} 毫秒：理解问题、查找、细看（{again} 帧）。"
    "各行的前三步只是查用这些结果，其余才是该方式自己所做的。",
    "refused": "没有回答",
    "foot": "时间取自视频本身。每种方式的预算相同，可选的画面也相同。",
}

LOOK = """
.verdict{display:grid;gap:.35rem;margin-bottom:clamp(1.5rem,3vw,2.5rem)}
.verdict strong{font:500 clamp(1.4rem,3.4vw,2.1rem)/1.25 var(--serif);overflow-wrap:anywhere}
.verdict .mark{letter-spacing:.08em}
.groups{list-style:none;display:grid;gap:1rem;margin-top:.9rem;max-width:60rem}
.groups li{display:grid;grid-template-columns:minmax(0,1fr);gap:.3rem}
.groups q{font:500 1.05rem/1.4 var(--serif);quotes:none;overflow-wrap:anywhere}
.chips{display:flex;flex-wrap:wrap;gap:.35rem}
.chips a,.lanes a{color:inherit;text-decoration:none}
.chips a{font:500 .78rem/1 var(--mono);border:1px solid var(--line);background:var(--card);border-radius:1rem;
padding:.4rem .65rem;overflow-wrap:anywhere}
.chips a:hover,.lanes a:hover{color:var(--mark)}
a:focus-visible,.wide:focus-visible{outline:2px solid var(--mark);outline-offset:3px;border-radius:2px}
.time{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:clamp(.8rem,2vw,1.4rem)}
.stated{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.9rem;color:var(--soft);margin-bottom:.6rem}
.stated b{font:500 1rem/1.4 var(--serif);color:var(--ink);overflow-wrap:anywhere}
.lanes{display:grid;grid-template-columns:minmax(0,1fr);gap:.1rem}
.row{display:grid;grid-template-columns:minmax(0,11rem) minmax(0,1fr);gap:0 1rem;align-items:center}
.row>span,.row>a{font:500 .8rem/1.3 var(--mono);text-align:right;overflow-wrap:anywhere}
.row>span{color:var(--soft);align-self:start}
.high{display:block;width:100%;height:7rem}.lane{display:block;width:100%;height:1.5rem}
.row+.row .lane{border-top:1px solid var(--line)}
.looked{stroke:var(--edge);stroke-width:3;vector-effect:non-scaling-stroke}
.bars{fill:var(--mark);opacity:.85}.true{fill:var(--speech);opacity:.16}
.marked{fill:none;stroke:var(--picture);stroke-width:1.25;stroke-dasharray:4 3;vector-effect:non-scaling-stroke}
.dashed{color:var(--picture)}
.scale{display:flex;justify-content:space-between;font:400 .72rem/1 var(--mono);color:var(--soft);padding-top:.5rem}
.key{color:var(--soft);font-size:.8rem;margin-top:.8rem}
.way{border-top:1px solid var(--line);padding:1.4rem 0;scroll-margin-top:1rem}
.way:target h3{color:var(--mark)}
.head{display:grid;grid-template-columns:minmax(0,1fr);gap:.2rem 2rem;align-items:baseline}
@media(min-width:46rem){.head{grid-template-columns:minmax(0,1fr) minmax(0,20rem)}}
.way h3{font:500 .85rem/1.3 var(--mono);color:var(--soft);margin:0;display:block}
.way .says{font:500 1.5rem/1.3 var(--serif);overflow-wrap:anywhere;margin:.15rem 0 .3rem}
.way .says.silent{color:var(--soft);font-style:italic}:lang(zh) .way .says.silent{font-style:normal}
.facts{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.85rem;color:var(--soft)}
.facts b{color:var(--ink);font-weight:600}
.strip{list-style:none;display:grid;gap:3px;background:var(--film);border-radius:4px;padding:.5rem;margin-top:.9rem;
grid-template-columns:repeat(auto-fill,minmax(min(46%,8.4rem),1fr))}
.strip .film{padding:0;border-radius:2px}
.strip .edge{padding:.4rem .1rem .45rem;font-size:.72rem;gap:.4rem}
.strip .cited img,.strip .cited .blank{outline:3px solid var(--edge);outline-offset:-3px}
.strip .cited .frame{background:var(--edge);color:var(--film);padding:0 .3rem;margin:-.15rem 0;line-height:1.05rem;
border-radius:2px}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;min-width:100%}
th,td{text-align:right;padding:.5rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap;
font-variant-numeric:tabular-nums}
th{font-weight:500;color:var(--soft)}th:first-child,td:first-child,td:nth-child(2),th:nth-child(2){text-align:left}
td:nth-child(2){white-space:normal;min-width:12rem;overflow-wrap:anywhere}
.note{color:var(--soft);font-size:.9rem;margin-top:.9rem;max-width:70ch}
@media(max-width:40rem){.row{grid-template-columns:minmax(0,1fr)}.row>span,.row>a{text-align:left;margin-top:.5rem}}
@media print{.way{break-inside:avoid}.strip,.bars,.looked{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
