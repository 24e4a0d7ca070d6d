// Pure.
/**
 * How the fleet page looks. Colours stand once, as variables of the light and of the dark scheme; a test
 * computes the contrast of each pair that text is written in.
 *
 * @module
 */

/** The style sheet. Its hash is in page_policy.ts: a test says the new one when it has changed. */
export const PAGE_STYLE: string = `
:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--ink:#1b1f24;--soft:#59636f;--line:#e1e5ea;--track:#e9ecf1;--accent:#2a5bc8;--good:#17723f;--warning:#8a5000;--error:#b3261e;--errorTint:#fdf1f0;--warningTint:#fdf7ea;--on:#fff;
--c0:#2f62cc;--c1:#0b7168;--c2:#8b3fae;--c3:#a3540c;--c4:#b8326f;--c5:#52627a;--c6:#3c761c;--c7:#716200;--c8:#4b45b8;--c9:#0b6a8e;--c10:#7c4f3a;--c11:#9c3d52}
@media(prefers-color-scheme:dark){:root{--bg:#0e1115;--card:#161a20;--ink:#e6e9ee;--soft:#9aa5b3;--line:#272d37;--track:#262c36;--accent:#8ab0ff;--good:#53c68c;--warning:#e6a93f;--error:#ff7d75;--errorTint:#2a1819;--warningTint:#272012;--on:#0e1115;
--c0:#7fa6ff;--c1:#4cc9bd;--c2:#d29ae8;--c3:#eaa65c;--c4:#f08db8;--c5:#a9b6c9;--c6:#93cc6b;--c7:#cdbb4a;--c8:#a79dff;--c9:#5cc0e8;--c10:#c79a84;--c11:#f29a9a}}
${Array.from({ length: 12 }, (_, index) => `.o${index}{--o:var(--c${index})}`).join("")}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1280px;padding:20px 24px;background:var(--bg);color:var(--ink);font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1,h2,h3,p,ul{margin:0;padding:0}
h1{font-size:22px;line-height:1.2}
h2{font-size:13px;font-weight:600;color:var(--soft)}
h3{font-size:14px;margin-top:10px}
a{color:var(--accent)}
nav a{text-decoration:none}
a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-999px}
.skip:focus{left:24px;top:6px;background:var(--card);padding:2px 8px}
.sub{color:var(--soft);font-size:13px;font-weight:400}
header{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center;margin-bottom:16px}
#about{flex:1 1 auto}
header nav{display:flex;gap:14px;font-size:13px}
.pill{display:inline-block;border-radius:99px;padding:2px 12px;font-size:13px;font-weight:600;color:var(--on);background:var(--good)}
.pill.failing{background:var(--error)}
.pill.starting{background:var(--soft)}
#connection:not(:empty){border:1px solid var(--line);border-radius:99px;padding:1px 10px;background:var(--card)}
#connection::before{content:"";display:inline-block;width:8px;height:8px;margin-right:6px;border-radius:50%;background:var(--good)}
#connection:empty::before{content:none}
#connection.lost{color:var(--error);border-color:currentColor}
#connection.lost::before{border-radius:0;background:var(--error)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px;margin-bottom:12px;min-width:0}
.card:empty{display:none}
.cards{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:12px;margin-bottom:12px}
.cards .card{display:flex;flex-direction:column;margin:0}
.cards strong{font-size:25px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums;margin:3px 0 6px}
.cards .line{width:100%;height:44px;margin-bottom:8px}
.cards .bar{width:100%;height:16px;margin:14px 0 22px}
.cards .mark{width:17px;height:17px}
.sight p+p{margin-top:4px}
.faults{border-color:var(--error)}
.faults ul{list-style:none}
.faults li{border-left:3px solid var(--error);padding-left:12px;margin-top:10px}
.faults li.warning{border-color:var(--warning)}
.faults h3{margin:0}
.faults .key{font-weight:600}
.advice{color:var(--soft);margin-top:2px}
.warningText{color:var(--warning)}
.errorText{color:var(--error)}
.line{display:block;width:118px;height:24px;overflow:hidden}
.line path{fill:none;stroke:var(--accent);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.line.warning path{stroke:var(--warning)}
.line.error path{stroke:var(--error)}
.line .area{stroke:none;fill:var(--accent);opacity:.13}
.line.warning .area{fill:var(--warning)}
.line.error .area{fill:var(--error)}
.bar{display:inline-block;width:84px;height:8px;margin-right:8px;border-radius:4px;background:var(--track)}
.bar rect{fill:var(--accent)}
.bar.good rect{fill:var(--good)}
.bar.warning rect{fill:var(--warning)}
.bar.error rect{fill:var(--error)}
.bar .limit,.bar.good .limit,.bar.warning .limit{fill:var(--ink)}
.range{display:block;width:100%;height:30px;margin:8px 0;border-radius:5px;background:var(--track)}
.range rect{fill:var(--o)}
.range.bad>*{opacity:.35}
.range.bad>.hole,.range.bad>.unread{opacity:1}
.range text{fill:var(--on);font-size:11px;font-weight:600;text-anchor:middle;dominant-baseline:central;pointer-events:none}
.range rect.hole{fill:url(#hatch);stroke:var(--error);stroke-width:2}
.hatch{position:absolute}
.hatch rect{fill:var(--errorTint)}
.hatch path{stroke:var(--error);stroke-width:3}
.range rect.unread{fill:var(--warningTint);stroke:var(--warning);stroke-dasharray:4 3}
.range text.unread{fill:var(--warning)}
.legend{margin-top:6px;display:flex;flex-wrap:wrap;gap:2px 18px;list-style:none}
.head{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;min-height:30px;margin-bottom:4px}
.head .sub{flex:1 1 auto}
form{display:flex;gap:6px}
button{white-space:nowrap}
input,button{font:inherit;font-size:13px;color:var(--ink);background:var(--bg);border:1px solid var(--soft);border-radius:7px;padding:3px 9px}
input{width:190px;min-width:0}
::placeholder{color:var(--soft);opacity:1}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap;font-weight:400}
th:first-child{padding-left:6px}
tbody tr:last-child>*{border-bottom:0}
thead th{color:var(--soft);font-size:12.5px;font-weight:600}
thead a{color:inherit;text-decoration:none}
thead [aria-sort] a{color:var(--ink)}
[aria-sort=ascending] a::after{content:" ▴"}
[aria-sort=descending] a::after{content:" ▾"}
tbody tr:hover{background:var(--track)}
.lag,.rate,.age,.leases,.cpu,.data,.report,.count{font-variant-numeric:tabular-nums}
.shards .hour{padding-top:2px;padding-bottom:2px}
.shards .notes{white-space:normal;min-width:150px;width:24%;padding-right:6px}
.key{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px}
.key b{display:inline-block;font-weight:inherit}
.shards .next{display:block}
.key i{font-style:normal;color:var(--soft)}
tbody .key{white-space:normal;min-width:215px;max-width:250px}
.owner{display:inline-block;max-width:220px;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom}
.workers .owner{max-width:480px}
.dot{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:7px;background:var(--o)}
.tag{display:inline-block;border:1px solid var(--line);border-radius:6px;padding:0 7px;font-size:12px;color:var(--soft);font-size:13px}
.tag.warning{color:var(--warning);border-color:currentColor}
.tag.error{color:var(--error);border-color:currentColor}
.mark{display:inline-block;width:11px;height:11px;margin-right:7px;vertical-align:-1px;forced-color-adjust:none;background:var(--warning);clip-path:polygon(50% 4%,100% 96%,0 96%)}
.mark.error{background:var(--error);clip-path:polygon(20% 0,50% 30%,80% 0,100% 20%,70% 50%,100% 80%,80% 100%,50% 70%,20% 100%,0 80%,30% 50%,0 20%)}
#pages{display:flex;flex-wrap:wrap;gap:6px;margin-top:10px}
#pages:empty{display:none}
#pages a{min-width:30px;text-align:center;padding:3px 8px;border:1px solid var(--line);border-radius:7px}
#pages [aria-current]{background:var(--accent);color:var(--on);border-color:var(--accent)}
footer{color:var(--soft);font-size:12.5px;margin-top:14px}
@media(max-width:1000px){.cards{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media(max-width:680px){
body{padding:14px 12px}
.card{padding:12px}
.cards{gap:8px}
.cards strong{font-size:20px}
.range:not(.few) text{display:none}
form{flex:1 1 100%}
input{flex:1 1 auto}
.scroll{overflow-x:visible}
.shards,.shards thead,.shards tbody,.workers,.workers tbody{display:block}
.shards thead tr{padding:4px 2px}
.workers thead,.shards thead th:not(:has(a)){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.shards tr,.workers tr{display:flex;flex-wrap:wrap;gap:3px 12px;align-items:center;padding:9px 2px;border-bottom:1px solid var(--line)}
tbody tr:last-child{border-bottom:0}
.shards tr>*,.workers tr>*{border:0;padding:0;max-width:100%;white-space:normal}
.shards .key,.shards .who{flex:1 1 58%;min-width:0;max-width:none}
.shards .hour{flex:0 0 118px}
.shards .who{order:2}
.shards .hour{order:3}
.shards .rate{order:4;color:var(--soft);font-size:13px}
.rate::after{content:" records/s"}
.shards .age{order:5;color:var(--soft);font-size:13px}
.age::before{content:"checkpoint "}
.shards .state{order:6;color:var(--soft);font-size:13px}
.shards .notes{order:7;width:auto;flex:1 1 100%}
.notes:empty{display:none}
.owner,.workers .owner{max-width:100%;white-space:normal}
.workers th{flex-basis:100%}
.leases::after{content:" leases"}
.cpu::before{content:"CPU "}
.workers .bar{width:44px;margin-right:6px}
}
@media(forced-colors:active){.dot,.range rect,.bar rect{forced-color-adjust:none}}
`;
