// SPDX-License-Identifier: Apache-2.0
#include "simulations/report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string_view>

#include <attune/engine/engine.hpp>

#include "simulations/output.hpp"
#include "simulations/report_assets.hpp"
#include "simulations/svg_chart.hpp"
#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

/// More arms than this are drawn as the most chosen ones and "others".
constexpr std::size_t kMostShares = 10;

std::vector<double> marks_of(const Scenario& scenario) {
  const std::vector<std::uint64_t> marks = curve_marks(scenario.horizon);
  return {marks.begin(), marks.end()};
}

/// Mean over seeds at each mark, with a band of two standard errors.
ChartLine curve(const ResultRow& row, std::size_t points, const std::string& colour,
                const std::function<double(const Course&, std::size_t)>& value) {
  ChartLine out{row.name, colour, row.baseline, {}, {}, {}};
  for (std::size_t i = 0; i < points; ++i) {
    const Estimate e = estimate_of(row, [&](const Course& c) { return value(c, i); });
    out.y.push_back(e.mean);
    if (row.courses.size() > 1 && !row.baseline) {
      out.low.push_back(e.mean - 2.0 * e.error);
      out.high.push_back(e.mean + 2.0 * e.error);
    }
  }
  return out;
}

std::string colour_of(const ScenarioResult& result, std::size_t row) {
  if (result.rows[row].baseline) {
    return "var(--baseline)";
  }
  const auto baselines =
      std::count_if(result.rows.begin(), result.rows.end(), [](const ResultRow& r) { return r.baseline; });
  return palette_colour(row - static_cast<std::size_t>(baselines));
}

/// Whether a baseline is out of the picture: it would squeeze everything else against an edge.
bool too_far(const ResultRow& row, const std::vector<std::string_view>& names) {
  return row.baseline && std::find(names.begin(), names.end(), row.name) != names.end();
}

std::vector<ChartSpan> spans_of(const Scenario& scenario) {
  std::vector<ChartSpan> out;
  for (const Fault& fault : scenario.faults) {
    if (fault.from < scenario.horizon) {
      out.push_back({fault.name, static_cast<double>(fault.from), static_cast<double>(fault.until)});
    }
  }
  return out;
}

LineChart regret_chart(const Scenario& scenario, const ScenarioResult& result) {
  LineChart chart{"step", "cumulative regret", marks_of(scenario), {}, spans_of(scenario)};
  for (std::size_t row = 0; row < result.rows.size(); ++row) {
    // The oracle is the axis itself, or, on a log, out of anyone's reach.
    if (!too_far(result.rows[row], {"random", "cheapest", "oracle"})) {
      chart.lines.push_back(curve(result.rows[row], chart.x.size(), colour_of(result, row),
                                  [](const Course& c, std::size_t i) { return c.regret_curve[i]; }));
    }
  }
  return chart;
}

/// Mean of what a curve adds up, in a trailing window of a tenth of the run, which shows what has been
/// learned better than the mean of all; where something goes wrong, of a fortieth.
LineChart trailing_chart(const Scenario& scenario, const ScenarioResult& result, const std::string& what,
                         std::vector<double> Course::* sums) {
  const bool faults = !scenario.faults.empty();
  LineChart chart{"step",
                  what + ", trailing " + (faults ? "1/40" : "tenth") + " of the run",
                  marks_of(scenario),
                  {},
                  spans_of(scenario)};
  const std::size_t back = std::max<std::size_t>(1, chart.x.size() / (faults ? 40 : 10));
  for (std::size_t row = 0; row < result.rows.size(); ++row) {
    if (too_far(result.rows[row], {"cheapest"}) ||
        (scenario.environment->info().recorded && too_far(result.rows[row], {"oracle"}))) {
      continue;
    }
    chart.lines.push_back(
        curve(result.rows[row], chart.x.size(), colour_of(result, row), [&](const Course& c, std::size_t i) {
          const double before = i >= back ? (c.*sums)[i - back] : 0.0;
          const double steps = chart.x[i] - (i >= back ? chart.x[i - back] : 0.0);
          return ((c.*sums)[i] - before) / steps;
        }));
  }
  return chart;
}

std::string legend(const LineChart& chart) {
  std::string out = "<div class=\"legend\">";
  for (const ChartLine& l : chart.lines) {
    out += "<button type=\"button\" data-name=\"" + html_escape(l.name) + "\"><i" +
           std::string(l.dashed ? " class=\"dashed\"" : "") + " style=\"--c:" + l.colour + "\"></i>" +
           html_escape(l.name) + "</button>";
  }
  return out + "</div>\n";
}

/// The arms to draw: those chosen most by anyone, in the environment's order; the rest goes into "others".
std::vector<std::size_t> arms_to_draw(const ScenarioResult& result, std::size_t arms) {
  std::vector<double> most(arms);
  for (const ResultRow& row : result.rows) {
    for (std::size_t arm = 0; arm < arms && !row.baseline; ++arm) {
      most[arm] =
          std::max(most[arm], estimate_of(row, [&](const Course& c) { return c.selections[arm]; }).mean);
    }
  }
  std::vector<std::size_t> order(arms);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return most[a] > most[b]; });
  order.resize(std::min(arms, kMostShares));
  std::sort(order.begin(), order.end());
  return order;
}

std::string share_charts(const Scenario& scenario, const ScenarioResult& result) {
  const std::vector<std::string>& arms = scenario.environment->info().arms;
  const std::vector<std::size_t> drawn = arms_to_draw(result, arms.size());
  std::string out = "<div class=\"legend static\">";
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    out += "<span><i class=\"box\" style=\"--c:" + palette_colour(i) + "\"></i>" +
           html_escape(arms[drawn[i]]) + "</span>";
  }
  if (drawn.size() < arms.size()) {
    out += "<span><i class=\"box\" style=\"--c:#bbb\"></i>others</span>";
  }
  out += "</div>\n<div class=\"tiles\">\n";
  const std::size_t windows = window_count(scenario.horizon);
  for (const ResultRow& row : result.rows) {
    if (row.baseline && row.name != "oracle") {
      continue;
    }
    ShareChart chart{row.name, static_cast<double>(scenario.horizon), {}, {}, {}};
    std::vector<double> others(windows);
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
      const auto place = std::find(drawn.begin(), drawn.end(), arm);
      std::vector<double> shares(windows);
      for (std::size_t w = 0; w < windows; ++w) {
        for (const Course& course : row.courses) {
          shares[w] += course.selections_by_window[w][arm];
        }
        others[w] += place == drawn.end() ? shares[w] : 0.0;
      }
      if (place != drawn.end()) {
        chart.names.push_back(arms[arm]);
        chart.colours.push_back(palette_colour(static_cast<std::size_t>(place - drawn.begin())));
        chart.values.push_back(std::move(shares));
      }
    }
    if (drawn.size() < arms.size()) {
      chart.names.emplace_back("others");
      chart.colours.emplace_back("#bbb");
      chart.values.push_back(std::move(others));
    }
    out += "<figure>" + share_chart_svg(chart) + "</figure>\n";
  }
  return out + "</div>\n";
}

std::string cell(const std::string& text, bool head = false) {
  return head ? "<th scope=\"row\">" + html_escape(text) + "</th>" : "<td>" + html_escape(text) + "</td>";
}

std::string table(const Scenario& scenario, const ScenarioResult& result) {
  const EnvironmentInfo& info = scenario.environment->info();
  const auto steps = static_cast<double>(scenario.horizon);
  std::string out = "<div class=\"scroll\"><table><thead><tr><th>policy</th>";
  const bool parts = info.components.size() > 1;
  for (std::size_t i = 0; parts && i < info.components.size(); ++i) {
    out += "<th>" + html_escape(info.components[i]) + "</th>";
  }
  const bool promised = !scenario.service_level.empty();
  out += promised ? "<th>SLA kept</th>" : "";
  out +=
      "<th>reward</th><th class=\"bar\"></th><th>regret</th><th>vs best single</th><th>vs "
      "oracle</th></tr></thead><tbody>\n";
  std::vector<double> rewards;
  rewards.reserve(result.rows.size());
  for (const ResultRow& row : result.rows) {
    rewards.push_back(estimate_of(row, [&](const Course& c) { return c.reward / steps; }).mean);
  }
  const double least = *std::min_element(rewards.begin(), rewards.end());
  const double most = *std::max_element(rewards.begin(), rewards.end());
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const ResultRow& row = result.rows[i];
    out +=
        std::string("<tr class=\"") + (row.baseline ? "baseline" : "policy") + "\">" + cell(row.name, true);
    for (std::size_t part = 0; parts && part < info.components.size(); ++part) {
      const double mean = estimate_of(row, [&](const Course& c) { return c.components[part] / steps; }).mean;
      out += cell(fixed(mean, decimals_for(mean)));
    }
    if (promised) {
      out += cell(fixed(estimate_of(row, [&](const Course& c) { return 100.0 * c.kept / steps; }).mean, 2) +
                  " %");
    }
    const Estimate reward = estimate_of(row, [&](const Course& c) { return c.reward / steps; });
    out += cell(fixed(reward.mean, 4) + (row.courses.size() > 1 ? " \u00b1 " + fixed(reward.error, 4) : ""));
    const double share = most > least ? (rewards[i] - least) / (most - least) : 1.0;
    out += "<td class=\"bar\"><i style=\"width:" + fixed(100.0 * share, 1) + "%;--c:" + colour_of(result, i) +
           "\"></i></td>";
    for (const auto& quantity : {&Course::regret, &Course::regret_single, &Course::regret_oracle}) {
      out += cell(fixed(estimate_of(row, [&](const Course& c) { return c.*quantity; }).mean, 1));
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string facts(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::string out = "<dl>";
  for (const auto& [key, value] : lines) {
    out += "<dt>" + html_escape(key) + "</dt><dd>" + html_escape(value) + "</dd>";
  }
  return out + "</dl>\n";
}

std::string section(const std::string& heading, const std::string& note, const std::string& body) {
  return "<section><h2>" + html_escape(heading) + "</h2>\n" +
         (note.empty() ? "" : "<p class=\"note\">" + html_escape(note) + "</p>\n") + body + "</section>\n";
}

}  // namespace

std::string report_html(const Scenario& scenario, const ScenarioResult& result,
                        const std::vector<ReportSection>& more) {
  const LineChart regret = regret_chart(scenario, result);
  const LineChart reward = trailing_chart(scenario, result, "reward per step", &Course::reward_curve);
  const std::string bands = scenario.seeds.size() > 1 ? " Bands: two standard errors over " +
                                                            std::to_string(scenario.seeds.size()) + " seeds."
                                                      : "";
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      html_escape(scenario.name) + " - attune-sim</title>\n<style>\n" + std::string(kReportStyle) +
      "</style>\n</head>\n<body>\n<main>\n<header><h1>" + html_escape(scenario.name) + "</h1>\n<p>" +
      html_escape(scenario.about) + "</p></header>\n";
  out += section("Results", "Means over seeds; reward and its parts per step, regret summed over all steps.",
                 table(scenario, result));
  out += section("Regret",
                 "Reward given up against " + std::string(to_string(scenario.reference)) + ", on " +
                     std::string(scenario.regret_basis()) + " rewards; lower is better. Dashed: baselines." +
                     bands + " Click a name to hide or show it.",
                 "<figure>" + line_chart_svg(regret) + legend(regret) + "</figure>\n");
  out += section("Reward", "Higher is better." + bands,
                 "<figure>" + line_chart_svg(reward) + legend(reward) + "</figure>\n");
  if (!scenario.service_level.empty()) {
    const LineChart kept = trailing_chart(scenario, result, "service level kept", &Course::kept_curve);
    out +=
        section("Service level", "Share of answers within all limits of \"sla\"; higher is better." + bands,
                "<figure>" + line_chart_svg(kept) + legend(kept) + "</figure>\n");
  }
  out += section("Which arms were chosen", "Share of decisions over time, all seeds together.",
                 share_charts(scenario, result));
  for (const ReportSection& part : more) {
    out += section(part.heading, "", facts(part.lines));
  }
  out += section("How it was run", "", facts(run_facts(scenario)));
  out += "<footer>attune " + std::string(version()) + ", attune-sim</footer>\n</main>\n<script>\n" +
         std::string(kReportScript) + "</script>\n</body>\n</html>\n";
  return out;
}

std::string regret_svg(const Scenario& scenario, const ScenarioResult& result) {
  return standalone_svg(regret_chart(scenario, result));
}

}  // namespace attune::sim
