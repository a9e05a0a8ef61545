/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_style.c - the style of pages, a piece a line.
 *
 * Colours are variables, so that pictures follow light and dark; they differ in lightness too, for
 * eyes that do not tell them apart. On a phone the text of pictures grows as the pictures shrink.
 */
#include "html.h"

const char *const html_style[] = {
    ":root{--bg:#fbfbf9;--card:#fff;--ink:#191c20;--soft:#5a636e;--line:#e2e4e6;--now:#c8590c;--"
    "plan:#0a7a55;",
    "--cpu:#0a7a55;--mem:#7a8fd6;--od:#8a94a0;--drop:#dfe3e6;--gone:#b9c0c7;--bad:#b3261e;--dot:#"
    "9aa5b1;",
    "--launch:#2f6fd0;--evict:#c8590c;color-scheme:light dark}\n",
    "@media "
    "(prefers-color-scheme:dark){:root{--bg:#111417;--card:#191d21;--ink:#e9ecef;--soft:#a3adb8;",
    "--line:#2c3238;--now:#f0924e;--plan:#43bf8c;--cpu:#43bf8c;--mem:#8ea2ee;--od:#7f8a96;--drop:#"
    "2a3036;",
    "--gone:#4a535c;--bad:#ff8a80;--dot:#5d6873;--launch:#7eb0ff;--evict:#f0924e}}\n",
    "*{box-sizing:border-box}\n",
    "body{margin:0;background:var(--bg);color:var(--ink);",
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;",
    "-webkit-text-size-adjust:100%}\n",
    "main{max-width:1120px;margin:0 auto;padding:40px 24px 64px}\n",
    "h1{font-size:clamp(26px,4.6vw,42px);line-height:1.12;letter-spacing:-.02em;margin:0 0 12px;",
    "font-weight:650;text-wrap:balance}\n",
    "h2{font-size:20px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em;font-weight:650}\n",
    "p{margin:0 0 12px}.soft,.lead,figcaption,footer{color:var(--soft)}\n",
    ".kicker{color:var(--soft);font-size:14px;margin-bottom:10px}.intro{font-size:18px;max-width:"
    "62ch}\n",
    ".was{color:var(--now)}.is{color:var(--plan)}.bad{color:var(--bad)}\n",
    ".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;",
    "background:var(--line);border:1px solid var(--line);border-radius:12px;overflow:hidden;",
    "margin:28px 0 32px;padding:0}\n",
    ".facts div{background:var(--card);padding:14px 16px}.facts "
    "dt{font-size:13px;color:var(--soft)}\n",
    ".facts dd{margin:2px 0 0;font-size:21px;font-weight:620;font-variant-numeric:tabular-nums;",
    "letter-spacing:-.01em}.facts "
    "small{display:block;font-size:13px;font-weight:400;color:var(--soft);",
    "letter-spacing:0}\n",
    ".grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:20px}.wide{grid-column:1/"
    "-1}\n",
    "section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px "
    "22px;",
    "min-width:0}\n",
    ".lead{font-size:15px;margin-bottom:14px;max-width:70ch}\n",
    "figure{margin:0}figcaption{font-size:14px;margin-top:8px}svg{display:block;width:100%;height:"
    "auto}\n",
    "svg text{font:500 14px system-ui,-apple-system,'Segoe "
    "UI',Roboto,Arial,sans-serif;fill:var(--ink);",
    "font-variant-numeric:tabular-nums}svg .s{fill:var(--soft);font-weight:400}\n",
    "svg .t{font-size:12px;font-weight:400;fill:var(--soft)}svg .b{font-weight:650}svg "
    ".key{font-size:13px;",
    "font-weight:700;fill:var(--card)}\n",
    ".fnow{fill:var(--now)}.fplan{fill:var(--plan)}.fod{fill:var(--od)}.fdrop{fill:var(--drop)}."
    "fcpu{",
    "fill:var(--cpu)}.fmem{fill:var(--mem)}.fgone{fill:var(--gone)}.fdot{fill:var(--dot);fill-"
    "opacity:.55}",
    ".fmark{fill:var(--plan);stroke:var(--card);stroke-width:2}.fmarkod{fill:var(--ink);stroke:var("
    "--card);",
    "stroke-width:2}.flaunch{fill:var(--launch)}.fevict{fill:var(--evict)}.fink{fill:var(--ink)}\n",
    ".axis{stroke:var(--line);stroke-width:1}.edge{stroke:var(--soft);stroke-width:1}.bound{",
    "stroke:var(--ink);stroke-width:2;stroke-dasharray:5 4}.run{stroke:var(--gone);stroke-width:3;",
    "stroke-linecap:round}.life{stroke:var(--launch);stroke-width:3;stroke-linecap:round}.whisker{",
    "stroke:var(--plan);stroke-width:1.5;stroke-opacity:.55}\n",
    ".scroll{overflow-x:auto}.scroll:focus{outline:2px solid var(--plan);outline-offset:4px}\n",
    "table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}\n",
    "th{font-weight:500;color:var(--soft);text-align:left}th,td{padding:6px 14px 6px 0;",
    "border-bottom:1px solid "
    "var(--line);white-space:nowrap;vertical-align:top}td.w{white-space:normal;",
    "min-width:16em}\n",
    "th.n,td.n{text-align:right}tr:last-child td{border-bottom:0}\n",
    "details{margin-top:12px;font-size:14px}summary{cursor:pointer;color:var(--soft);padding:4px "
    "0}",
    "summary:focus-visible{outline:2px solid var(--plan);outline-offset:2px}\n",
    ".legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:14px;color:var(--soft);margin:0 0 "
    "8px;",
    "padding:0;list-style:none}.legend "
    "i{display:inline-block;width:11px;height:11px;border-radius:3px;",
    "margin-right:7px;vertical-align:-1px}\n",
    ".bcpu{background:var(--cpu)}.bmem{background:var(--mem)}.bgone{background:var(--gone)}.bdot{",
    "background:var(--dot)}.bplan{background:var(--plan)}.bink{background:var(--ink)}.blaunch{",
    "background:var(--launch)}.bevict{background:var(--evict)}.bdrop{background:var(--drop)}\n",
    "ol.keys{margin:12px 0 0;padding:0;list-style:none;font-size:14px;display:grid;gap:5px 24px;",
    "grid-template-columns:repeat(auto-fill,minmax(340px,1fr))}ol.keys "
    "b{display:inline-block;min-width:22px;",
    "padding:0 5px;border-radius:11px;background:var(--plan);color:var(--card);font-size:12px;",
    "line-height:20px;text-align:center;margin-right:8px}ol.keys b.od{background:var(--ink)}\n",
    "ul.why{margin:0;padding-left:20px}footer{margin-top:32px;font-size:13px;overflow-wrap:"
    "anywhere}\n",
    "@media (max-width:820px){.grid{grid-template-columns:minmax(0,1fr)}main{padding:24px 14px "
    "48px}section{",
    "padding:16px 14px}}\n",
    ".tight{display:none}svg.half{max-width:560px}header{margin-bottom:28px}.wide>section+section{"
    "margin-top:20px}\n",
    "@media (max-width:560px){.roomy{display:none}.tight{display:block}svg.half "
    "text{font-size:18.5px}",
    "svg.half .t{font-size:17px}svg.half .key{font-size:13px}.long "
    "svg{min-width:760px}ol.keys{grid-template-columns:minmax(0,1fr)}",
    ".facts{grid-template-columns:1fr 1fr}.facts dd{font-size:18px}}\n",
    ".l0,.l1,.l2,.l3,.l4,.l5,.l6,.l7{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:"
    "round}.l0{stroke:var(--launch)}.l1{"
    "stroke:var(--plan)}.l2{stroke:var(--evict)}.l3{stroke:var(--dot)}.l4{stroke:var(--mem)}.l5{"
    "stroke:var(--ink)}.l6{stroke:var(--bad)}.l7{stroke:var(--gone)}\n",
    ".l4{stroke-dasharray:7 4}.l5{stroke-dasharray:2 4}.l6{stroke-dasharray:9 3 2 "
    "3}.bl0{background:"
    "var(--launch)}.bl1{background:var(--plan)}.bl2{background:var(--evict)}.bl3{background:var("
    "--dot)}.bl4{background:var(--mem)}.bl5{background:var(--ink)}.bl6{background:var(--bad)}.bl7{"
    "background:var(--gone)}\n",
    ".pool>summary{color:var(--ink)}.pool ul{list-style:none;margin:2px 0;padding:0}.pool "
    "details{margin:0}.phi{display:grid;align-items:center;gap:12px;padding:2px 0;color:var(--ink);"
    "grid-template-columns:minmax(0,15em) minmax(60px,1fr) 4.5em}.phi span{overflow-wrap:anywhere}"
    ".phi b{text-align:right;font-weight:500;font-variant-numeric:tabular-nums}\n",
    ".pool details>summary{list-style:none;padding:0}.pool details>summary::-webkit-details-marker{"
    "display:none}summary>.phi>span:first-child::before{content:'\xE2\x96\xB8 ';color:var(--soft)}"
    "details[open]>summary>.phi>span:first-child::before{content:'\xE2\x96\xBE '}.pool ul ul .phi>"
    "span:first-child{padding-left:16px}.pool ul ul ul .phi>span:first-child{padding-left:32px}\n",
    ".track{position:relative;height:12px;background:linear-gradient(var(--gone),var(--gone)) 50% "
    "0/"
    "1px 100% no-repeat}.track "
    "i{position:absolute;top:2px;bottom:2px;border-radius:2px}.up{left:50%;"
    "background:var(--plan)}.down{right:50%;background:var(--now)}\n",
    ".risk .up{background:var(--now)}.risk .down{background:var(--plan)}\n",
    "@media (max-width:560px){.phi{grid-template-columns:minmax(0,11em) minmax(40px,1fr) "
    "3.6em;gap:8px}}\n",
    ".fc{border-top:1px solid var(--line);padding:12px 0}.fc:first-of-type{border-top:0}.fc "
    "h3{font-size:"
    "15px;margin:0 0 4px;font-weight:600;overflow-wrap:anywhere}.fc h3 "
    "small{font-weight:400;color:var("
    "--soft);margin-left:8px}.fcrow{display:grid;grid-template-columns:3.2em minmax(80px,1fr) "
    "9.5em;gap:"
    "12px;align-items:center;font-size:14px;font-variant-numeric:tabular-nums}.fcrow "
    "b{font-weight:500;"
    "text-align:right;white-space:nowrap}\n",
    ".gauge{position:relative;height:14px;border-bottom:1px solid var(--line)}.gauge "
    "i{position:absolute;"
    "border-radius:2px}.gauge "
    ".span{top:3px;bottom:3px;background:var(--plan);opacity:.35;min-width:2px}"
    ".gauge .mean{top:0;bottom:0;width:3px;margin-left:-1px;background:var(--plan)}\n",
    "@media (max-width:560px){.fcrow{grid-template-columns:2.8em minmax(50px,1fr) "
    "8.6em;gap:8px}}\n",
    "@media print{body{background:#fff}section{break-inside:avoid}details{display:none}}\n",
    NULL,
};
