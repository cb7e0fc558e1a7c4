// SPDX-License-Identifier: Apache-2.0
// replay: what another configuration would have learned from this journal.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/evaluation.hpp"
#include "tools/inspect/files.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/state_text.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string value_text(double value, const Bounds& bounds) {
  return rounded(value, 5) + (std::isfinite(bounds.low)
                                  ? " [" + rounded(bounds.low, 5) + ", " + rounded(bounds.high, 5) + "]"
                                  : std::string());
}

/// What keeps the value from being believed, in sentences.
[[nodiscard]] std::vector<std::string> doubts(const PointEvaluation& point) {
  std::vector<std::string> found;
  const auto decisions = static_cast<double>(point.decisions);
  const auto share = [&](std::uint64_t part) { return percent(static_cast<double>(part), decisions); };
  const WeightedRows& rows = point.rows;
  if (rows.effective_rows() < WeightedRows::kEnough) {
    found.push_back("the weights are worth " + rounded(rows.effective_rows(), 3) +
                    " rows only: too few to believe any number here");
  }
  if (std::abs(rows.mean_weight() - 1.0) > 0.02 + 4.0 * rows.weight_error()) {
    found.push_back(
        "the mean weight is " + rounded(rows.mean_weight(), 3) +
        " and should be 1: the journal does not cover what this policy would do. IPS is off by about that "
        "factor, and SNIPS speaks of the covered decisions only");
  }
  if (point.certain > 0) {
    found.push_back(share(point.certain) +
                    " of the decisions were made with propensity 1: no other arm had a chance "
                    "there, so nothing is known of it");
  }
  if (point.without_propensity > 0) {
    found.push_back(share(point.without_propensity) +
                    " of the decisions have no propensity (deferred) and are left out");
  }
  if (point.not_one_arm > 0) {
    found.push_back(share(point.not_one_arm) + " of the decisions are no single arms and are left out");
  }
  if (point.by_fallback > 0) {
    found.push_back(share(point.by_fallback) +
                    " of the decisions were answered by a fallback and are left out");
  }
  if (point.refused > 0) {
    found.push_back("for " + share(point.refused) + " of the decisions this policy gives no answer");
  }
  if (point.unattributed > 0) {
    found.push_back(plural(point.unattributed, "reward") +
                    " came by default when windows ended and cannot be given to single decisions: left out, "
                    "which favours "
                    "arms that answer");
  }
  if (point.sampled > 0) {
    found.emplace_back(
        "the probabilities of this policy are estimated by repeated choices, with a standard error of 0.02");
  }
  return found;
}

[[nodiscard]] std::string as_text(const PointEvaluation& point) {
  std::string out = point_text(point.state) + "\n";
  if (!point.obstacle.empty()) {
    add_line(out, "  value", "not known: " + point.obstacle);
    return out;
  }
  const WeightedRows& rows = point.rows;
  add_line(out, "  logged",
           value_text(point.logged.mean(), point.logged.interval()) +
               " a decision: mean reward of the choices in the journal, over " + plural(rows.rows(), "row"));
  add_line(out, "  IPS", value_text(rows.ips(), rows.ips_interval()) + " a decision with this policy");
  add_line(out, "  SNIPS", value_text(rows.snips(), rows.snips_interval()) + " the same, self-normalised");
  add_line(out, "  rows",
           "worth " + rounded(rows.effective_rows(), 5) + " (effective sample size), mean weight " +
               rounded(rows.mean_weight(), 3));
  add_line(out, "  agrees",
           percent(static_cast<double>(point.agreed), static_cast<double>(point.decisions)) +
               " of the logged choices are the ones this policy likes most");
  for (const std::string& doubt : doubts(point)) {
    add_line(out, "  but", doubt);
  }
  return out;
}

[[nodiscard]] Json as_json(const PointEvaluation& point) {
  Json json = point_json(point.state);
  const WeightedRows& rows = point.rows;
  const auto interval = [](double value, const Bounds& bounds) {
    return Json{
        {"value", json_number(value)}, {"low", json_number(bounds.low)}, {"high", json_number(bounds.high)}};
  };
  json["evaluation"] = {{"known", point.obstacle.empty()},
                        {"obstacle", json_text(point.obstacle)},
                        {"decisions", point.decisions},
                        {"rows", rows.rows()},
                        {"logged", json_moments(point.logged)},
                        {"ips", interval(rows.ips(), rows.ips_interval())},
                        {"snips", interval(rows.snips(), rows.snips_interval())},
                        {"effective_rows", json_number(rows.effective_rows())},
                        {"mean_weight", json_number(rows.mean_weight())},
                        {"agreed", point.agreed},
                        {"filled", point.filled},
                        {"without_propensity", point.without_propensity},
                        {"not_one_arm", point.not_one_arm},
                        {"certain", point.certain},
                        {"by_fallback", point.by_fallback},
                        {"refused", point.refused},
                        {"sampled", point.sampled},
                        {"unattributed", point.unattributed},
                        {"doubts", point.obstacle.empty() ? doubts(point) : std::vector<std::string>{}}};
  return json;
}

}  // namespace

Result<Answer> run_replay(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  Result<std::optional<std::string>> stored = reader->view().meta("config");
  if (!stored || !*stored) {
    return stored
               ? fail(Errc::invalid_argument, "the store keeps no configuration: no engine has opened it yet")
               : tl::unexpected(std::move(stored).error());
  }
  const Result<std::string> given = options.with ? read_text_file(*options.with) : Result<std::string>("{}");
  const Result<std::string> config = given ? laid_over(**stored, *given) : tl::unexpected(given.error());
  if (!config) {
    return fail(config.error().code,
                (options.with ? *options.with + ": " : std::string()) + config.error().message);
  }
  const Result<Slice> slice = reader->slice(options);
  Result<std::vector<PointEvaluation>> points =
      slice ? evaluate(*reader, *config, *slice) : tl::unexpected(slice.error());
  if (!points) {
    return tl::unexpected(std::move(points).error());
  }
  if (options.point) {
    std::erase_if(*points,
                  [&](const PointEvaluation& point) { return point.state.metrics.name != *options.point; });
    if (points->empty()) {
      return fail(Errc::unknown_point, "there is no decision point '" + *options.point + "'");
    }
  }
  if (options.json) {
    Json list = Json::array();
    for (const PointEvaluation& point : *points) {
      list.push_back(as_json(point));
    }
    return Answer{.text = json_line({{"with", options.with ? Json(*options.with) : Json(nullptr)},
                                     {"position", slice->last},
                                     {"points", std::move(list)}})};
  }
  std::string out = "what " +
                    (options.with ? printable(*options.with) : std::string("the store's own configuration")) +
                    " would have learned from " + plural(slice->last, "record") + "\n";
  for (const PointEvaluation& point : *points) {
    out += "\n" + as_text(point);
  }
  return Answer{.text = std::move(out)};
}

}  // namespace attune::tools
