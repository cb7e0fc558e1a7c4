// SPDX-License-Identifier: Apache-2.0
#include "simulations/regret_table.hpp"

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "simulations/json_reader.hpp"
#include "simulations/output.hpp"
#include "simulations/svg_chart.hpp"
#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

std::string as_markdown(const TableCells& cells) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (const std::string& cell : cells[i]) {
      text += "| " + cell + " ";
    }
    text += "|\n";
    for (std::size_t column = 0; i == 0 && column < cells[i].size(); ++column) {
      text += "| --- ";
    }
    text += i == 0 ? "|\n" : "";
  }
  return text;
}

std::string as_text(const TableCells& cells) {
  TextTable table(cells.front());
  for (std::size_t i = 1; i < cells.size(); ++i) {
    table.add(cells[i]);
  }
  return table.str();
}

}  // namespace

Result<RegretEntry> read_policy_entry(const std::string& text) {
  if (!text.starts_with('{')) {
    return RegretEntry{.name = text, .spec = json{{"type", text}}.dump()};
  }
  Result<json> spec = parse_json(text, "--policy");
  if (!spec) {
    return tl::unexpected(std::move(spec).error());
  }
  json rest = *spec;
  rest.erase("type");
  const std::string type = spec->value("type", std::string("?"));
  return RegretEntry{.name = rest.empty() ? type : type + " " + rest.dump(), .spec = spec->dump()};
}

std::string table_text(const TableCells& cells, bool markdown) {
  return markdown ? as_markdown(cells) : as_text(cells);
}

Result<void> write_regret_plot(const std::string& folder, const std::string& name, const std::string& about,
                               std::span<const RegretEntry> entries, std::span<const Regret> regrets) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  LineChart chart{.x_label = "pulls (" + about + ")", .y_label = "regret", .x = {}, .lines = {}};
  chart.x = regrets.front().steps;
  for (std::size_t k = 0; k < entries.size(); ++k) {
    const Regret& regret = regrets[k];
    ChartLine line{
        .name = entries[k].name, .colour = palette_colour(k), .y = regret.curve, .low = {}, .high = {}};
    for (std::size_t at = 0; at < regret.curve.size(); ++at) {
      line.low.push_back(regret.curve[at] - 2.0 * regret.errors[at]);
      line.high.push_back(regret.curve[at] + 2.0 * regret.errors[at]);
    }
    chart.lines.push_back(std::move(line));
  }
  return write_text_file(folder + "/" + name + ".svg", standalone_svg(chart));
}

}  // namespace attune::sim
