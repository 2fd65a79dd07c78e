"""The contact sheet's look: frames on film, with the numbers and times a film carries on its edge."""

STYLE = """
:root{
--paper:#f4f1ea;--ink:#1d1b18;--soft:#6d675d;--line:#ddd7ca;--card:#fffdf8;
--film:#171512;--edge:#f0b34a;--mark:#b4511e;--wash:#f0b34a40;
--picture:#2f6b9a;--speech:#3d7a4b;--screen:#97691a;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC","Hiragino Sans GB","Microsoft YaHei",
"Noto Sans CJK SC","Source Han Sans SC",sans-serif;
--serif:"Iowan Old Style",Charter,"Palatino Linotype",Georgia,
"Songti SC","Noto Serif CJK SC","Source Han Serif SC",serif;
--mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media(prefers-color-scheme:dark){:root{
--paper:#141310;--ink:#ece7dc;--soft:#a19a8c;--line:#33302a;--card:#1d1b17;
--film:#070605;--edge:#f0b34a;--mark:#f09a5b;--wash:#f0b34a33;
--picture:#7fb4de;--speech:#86c695;--screen:#e0b25e}}
*{box-sizing:border-box;margin:0;padding:0}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{background:var(--paper);color:var(--ink);font:1rem/1.5 var(--sans);
padding:clamp(1.25rem,4vw,3.5rem) clamp(1rem,4vw,3.5rem);max-width:96rem;margin:auto}
header{border-bottom:1px solid var(--line);padding-bottom:1.5rem;margin-bottom:clamp(1.5rem,3vw,2.5rem)}
.mark{font:600 .75rem/1 var(--sans);letter-spacing:.18em;text-transform:uppercase;color:var(--mark)}
h1{font:500 clamp(1.9rem,5.5vw,3.4rem)/1.15 var(--serif);letter-spacing:-.01em;margin:.6rem 0 .5rem;
overflow-wrap:anywhere;text-wrap:balance}
:lang(zh) h1{letter-spacing:.02em}
.sum,.also,footer{color:var(--soft);font-size:.9rem}
h2{font:500 1.25rem/1.3 var(--serif);margin:2rem 0 1rem}
.none{font:500 1.5rem/1.3 var(--serif)}
.sheet{list-style:none;display:grid;gap:clamp(1.5rem,3vw,2.5rem) clamp(1rem,2.2vw,2rem);
grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));align-items:start}
.card{min-width:0}
.film{display:block;background:var(--film);border-radius:4px;padding:.55rem .55rem 0;color:var(--edge);
text-decoration:none;outline-offset:3px}
.film:hover .frame,.film:focus-visible .frame{text-decoration:underline}
.film:focus-visible{outline:2px solid var(--mark)}
.film img,.blank{display:block;width:100%;aspect-ratio:16/9;object-fit:contain;background:#000;border-radius:2px}
.blank{background:#26231e}
.edge{display:flex;justify-content:space-between;gap:1rem;font:500 .78rem/1 var(--mono);letter-spacing:.02em;
padding:.6rem .15rem .65rem;white-space:nowrap}
time,b{font-variant-numeric:tabular-nums}
h3{font:600 1rem/1.35 var(--sans);margin:.8rem 0 .45rem;overflow-wrap:anywhere;display:-webkit-box;
-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.sure{display:grid;grid-template-columns:auto 1fr auto;align-items:center;gap:.6rem;
font-size:.85rem;color:var(--soft)}
.sure b{color:var(--ink);font-weight:600}
.bar{width:100%;height:.3rem;border-radius:1rem;overflow:hidden}
.rest{fill:var(--line)}.part,.tick{fill:var(--mark)}
.sources{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1rem;margin:.45rem 0 0;font-size:.85rem}
.sources b{font-weight:600}
.sources li::before{content:"";display:inline-block;width:.5em;height:.5em;border-radius:50%;background:currentColor;
margin-right:.45em;vertical-align:.08em}
.picture{color:var(--picture)}.speech{color:var(--speech)}.screen{color:var(--screen)}
blockquote{font:italic 400 1rem/1.45 var(--serif);margin:.7rem 0 0;padding-left:.8rem;border-left:2px solid var(--edge);
overflow-wrap:anywhere}
:lang(zh) blockquote{font-style:normal}
figure{margin:.8rem 0 0}
.curve{display:block;width:100%;height:3rem;overflow:visible}
.span{fill:var(--wash)}
.area{fill:currentColor;opacity:.07}
.line{fill:none;stroke:currentColor;stroke-width:1.25;vector-effect:non-scaling-stroke;stroke-linejoin:round;opacity:.75}
figcaption{display:flex;justify-content:space-between;font:400 .7rem/1 var(--mono);color:var(--soft);
border-top:1px solid var(--line);padding-top:.35rem}
.also{margin-top:.6rem;line-height:1.45}
footer{border-top:1px solid var(--line);margin-top:clamp(2rem,4vw,3.5rem);padding-top:1rem;max-width:60ch}
@media print{body{padding:0}.card{break-inside:avoid}.film{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
