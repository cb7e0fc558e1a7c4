// SPDX-License-Identifier: Apache-2.0
/// @file
/// Style and script of the report, inlined into it.
#pragma once

#include <string_view>

namespace attune::sim {

inline constexpr std::string_view kReportStyle = R"css(
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#e3e7ec;--paper:#fff;--page:#f5f7f9;--baseline:#8a94a3}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--line:#2c3542;--paper:#171d26;--page:#0f141b;--baseline:#7d8897}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:940px;margin:0 auto;padding:32px 20px 60px}
h1{margin:0;font-size:26px;letter-spacing:-.01em}header p{margin:4px 0 0;color:var(--soft)}
h2{margin:0 0 4px;font-size:17px}
section{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin-top:18px}
.note{margin:0 0 12px;color:var(--soft);font-size:13px}
figure{margin:0}svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--soft);font:11px system-ui,sans-serif}svg .label{fill:var(--ink);font-size:12px}
svg .title{fill:var(--ink);font-size:13px;font-weight:600}svg .end{font-style:italic}
svg .grid{stroke:var(--line);stroke-width:1}svg .zero,svg .tick{stroke:var(--soft);stroke-width:1}
svg .curve{fill:none;stroke-width:2;stroke-linejoin:round}svg .dashed{stroke-dasharray:5 4;stroke-width:1.6}
svg .band{opacity:.14;stroke:none}svg .fault{fill:#d55e00;opacity:.09}svg .share{stroke:none}
.series.off{display:none}.series.dim{opacity:.18}
.legend{display:flex;flex-wrap:wrap;gap:4px 8px;margin-top:10px}
.legend button,.legend span{display:inline-flex;align-items:center;gap:6px;border:1px solid transparent;border-radius:6px;padding:2px 7px;background:none;color:inherit;font:13px system-ui,sans-serif}
.legend button{cursor:pointer}.legend button:hover{border-color:var(--line)}.legend button.off{opacity:.4;text-decoration:line-through}
.legend i{width:18px;height:0;border-top:3px solid var(--c)}.legend i.dashed{border-top-style:dashed;border-top-width:2px}
.legend i.box{height:11px;width:11px;border:0;background:var(--c);border-radius:2px}
.legend.static{margin:0 0 10px}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(270px,1fr));gap:14px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child{text-align:left}thead th{color:var(--soft);font-weight:500;font-size:12.5px}
tbody th{font-weight:600}tr.baseline th{font-weight:400;font-style:italic;color:var(--soft)}tr.baseline td{color:var(--soft)}
td.bar{width:110px;padding-left:0}td.bar i{display:block;height:9px;border-radius:3px;background:var(--c);min-width:2px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:8px 0 0;font-size:14px}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:22px;color:var(--soft);font-size:12.5px}
)css";

inline constexpr std::string_view kReportScript = R"js(
for (const button of document.querySelectorAll('.legend button')) {
  const figure = button.closest('figure');
  const mine = [...figure.querySelectorAll('.series')].find(g => g.dataset.name === button.dataset.name);
  const others = [...figure.querySelectorAll('.series')].filter(g => g !== mine);
  button.addEventListener('click', () => {
    button.classList.toggle('off');
    mine.classList.toggle('off');
  });
  button.addEventListener('mouseenter', () => others.forEach(g => g.classList.add('dim')));
  button.addEventListener('mouseleave', () => others.forEach(g => g.classList.remove('dim')));
}
)js";

}  // namespace attune::sim
