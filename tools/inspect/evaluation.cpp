// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/inspect/fold.hpp"
#include "tools/inspect/open_propensities.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;
using OpenPropensities = std::unordered_map<std::uint64_t, FoundPropensity>;

/// One decision whose reward is awaited.
struct Row {
  double weight = 0.0;
  std::uint64_t number = 0;  ///< in order of the decisions at its point
};

/// Counters of a point before a record was folded.
struct Before {
  std::uint64_t learned = 0;
  std::uint64_t lost = 0;
  double reward_sum = 0.0;
};

[[nodiscard]] Before counted(const PointMetrics& point) {
  const CollectorCounters& seen = point.rewards;
  return {.learned = seen.learned + seen.learned_late,
          .lost = seen.silent + seen.censored + seen.overflow_lost + seen.credited_elsewhere,
          .reward_sum = seen.reward_sum};
}

class Evaluator {
 public:
  Evaluator(Replay& replay, const Slice& slice, const OpenPropensities& open)
      : replay_(replay), slice_(slice), open_propensities_(open) {
    const EngineMetrics metrics = replay.metrics();
    points_.resize(metrics.points.size());
    open_.resize(metrics.points.size());
    before_.resize(metrics.points.size());
  }

  /// Ahead of the fold of a record: what would the state choose?
  void look(ByteView bytes) {
    RecordHeader header;
    DecisionRecord record;
    if (read_header(bytes, header) != Errc::ok || header.kind != RecordKind::decision ||
        decode(bytes, record) != Errc::ok || header.point >= points_.size() ||
        header.position < slice_.first || !slice_.holds(header.time)) {
      return;
    }
    PointEvaluation& point = points_[header.point];
    ++point.decisions;
    if (record.arm == kNoArm || !record.values.empty()) {
      ++point.not_one_arm;
      return;
    }
    if (record.rung != Rung::policy) {
      ++point.by_fallback;
      return;
    }
    if (std::isnan(record.propensity)) {
      const auto found = open_propensities_.find(header.position);
      if (found == open_propensities_.end() || found->second.value <= 0.0) {
        ++point.without_propensity;
        return;
      }
      record.propensity = found->second.value;
      ++point.filled;
    }
    const std::optional<double> probability = probability_of(record, bytes, point);
    if (!probability) {
      ++point.refused;
      return;
    }
    point.certain += record.propensity == 1.0 ? 1 : 0;
    open_[header.point].emplace(header.id,
                                Row{.weight = *probability / record.propensity, .number = point.decisions});
  }

  /// Behind the fold of a record: which decisions got their reward?
  void learn(ByteView bytes, std::optional<Fate> fate) {
    RecordHeader header;
    if (read_header(bytes, header) != Errc::ok || header.point >= points_.size()) {
      return;
    }
    const EngineMetrics metrics = replay_.metrics();
    const Before now = counted(metrics.points[header.point]);
    const Before& was = before_[header.point];
    const std::uint64_t learned = now.learned - was.learned;
    const bool by_outcome = fate == Fate::learned || fate == Fate::learned_late;
    auto& open = open_[header.point];
    PointEvaluation& point = points_[header.point];
    if (by_outcome && learned == 1) {
      take(point, open, header.id, now.reward_sum - was.reward_sum);
    } else if (learned > 0) {
      // Windows ended: oldest first, all with the default reward, unless some had come in part.
      point.unattributed += learned;
    }
    before_[header.point] = now;
  }

  [[nodiscard]] std::vector<PointEvaluation> finish(std::vector<PointView> views) {
    for (std::size_t i = 0; i < points_.size(); ++i) {
      points_[i].state = std::move(views[i]);
      points_[i].obstacle = obstacle_of(points_[i]);
    }
    return std::move(points_);
  }

 private:
  using Open = std::unordered_map<Uuid, Row>;

  static void take(PointEvaluation& point, Open& open, const Uuid& id, double reward) {
    const auto row = open.find(id);
    if (row == open.end()) {
      return;
    }
    point.rows.add(row->second.weight, reward);
    point.logged.add(reward);
    open.erase(row);
  }

  /// Probability that the state as it is now takes the logged arm; no value: it takes none.
  [[nodiscard]] std::optional<double> probability_of(const DecisionRecord& record, ByteView bytes,
                                                     PointEvaluation& point) {
    const Result<Derivation> derived = replay_.derive_here(bytes);
    if (!derived || derived->arm == kNoArm) {
      return std::nullopt;
    }
    const auto logged = std::ranges::find(derived->arms, record.arm, &DerivedArm::arm);
    if (logged == derived->arms.end()) {
      return 0.0;
    }
    if (std::isnan(logged->probability)) {
      return std::nullopt;
    }
    point.sampled += derived->method == PropensityMethod::monte_carlo ? 1 : 0;
    const auto likeliest = std::ranges::max_element(derived->arms, {}, &DerivedArm::probability);
    point.agreed += likeliest->arm == record.arm ? 1 : 0;
    return logged->probability;
  }

  [[nodiscard]] static std::string obstacle_of(const PointEvaluation& point) {
    if (point.decisions == 0) {
      return "there is no decision to judge by";
    }
    if (point.not_one_arm == point.decisions) {
      return "its decisions are no single arms: they show several, or choose numbers, and are not judged "
             "here";
    }
    if (point.without_propensity == point.decisions) {
      return "the journal has no propensity for any decision, and none can be found";
    }
    if (point.rows.rows() == 0 && point.unattributed > 0) {
      return "rewards are formed when windows or episodes end, and cannot be given to single decisions here";
    }
    return point.rows.rows() == 0 ? "no decision that can be weighed has its reward" : "";
  }

  Replay& replay_;
  Slice slice_;
  std::vector<PointEvaluation> points_;
  std::vector<Open> open_;
  std::vector<Before> before_;
  const OpenPropensities& open_propensities_;
};

/// Discarded when it is no JSON, or nested so deeply that copying it would exhaust the stack: nlohmann copies
/// and writes by recursion.
[[nodiscard]] Json parsed(const std::string& text) {
  constexpr int kDeepest = 64;  // as in a configuration
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& /*value*/) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    too_deep = too_deep || (opens && depth >= kDeepest);
    return !too_deep;
  };
  Json value = Json::parse(text, watch, false, true);
  return too_deep ? Json(Json::value_t::discarded) : value;
}

}  // namespace

Result<std::string> laid_over(const std::string& stored, const std::string& given) {
  Json base = parsed(stored);
  const Json over = parsed(given);
  if (!over.is_object() || !base.is_object()) {
    return fail(Errc::invalid_config, "the configuration is no JSON object");
  }
  for (const auto& [key, value] : over.items()) {
    if (key != "points") {
      base[key] = value;
      continue;
    }
    if (!value.is_object() || !base["points"].is_object()) {
      return fail(Errc::invalid_config, "points is no JSON object");
    }
    for (const auto& [name, point] : value.items()) {
      if (!base["points"].contains(name)) {
        return fail(Errc::invalid_config, "points." + name + ": the store has no such decision point");
      }
      if (!point.is_object()) {
        return fail(Errc::invalid_config, "points." + name + " is no JSON object");
      }
      for (const auto& [part, content] : point.items()) {
        base["points"][name][part] = content;
      }
    }
  }
  base.erase("seed");  // the store's, whatever the file says: its decisions depend on it
  base.erase("node");
  return base.dump();
}

Result<std::vector<PointEvaluation>> evaluate(StoreReader& reader, const std::string& config,
                                              const Slice& slice) {
  // Two standard errors of a share that is found by repeated choices are small beside the spread of weights.
  constexpr PropensityOptions kRough{.error = 0.02, .most_draws = 1024};
  const Result<OpenPropensities> open = open_propensities(reader, slice.first, slice.last);
  if (!open) {
    return tl::unexpected(open.error());
  }
  std::optional<Evaluator> evaluator;
  ReplaySource source = replay_source(reader);
  source.records = [&](std::uint64_t first, const std::function<bool(ByteView)>& visit) {
    return reader.walk(first, reader.last(), [&](const StoredRecord& record) {
      if (evaluator) {
        evaluator->look(record.bytes);
      }
      return visit(record.bytes);
    });
  };
  Result<Replay> replay =
      Replay::open(std::move(source), {.config = config, .credit_functions = {}, .propensities = kRough});
  if (!replay) {
    return tl::unexpected(std::move(replay).error());
  }
  if (replay->position() != 0 || reader.first() > 1) {
    return fail(Errc::invalid_argument, "the journal begins at record " + std::to_string(reader.first()) +
                                            ": what another policy would have learned before is not known");
  }
  evaluator.emplace(*replay, slice, *open);
  Result<void> folded = replay->fold_to(
      slice.last, [&](ByteView record, std::optional<Fate> fate) { evaluator->learn(record, fate); });
  Result<std::vector<PointView>> views =
      folded ? views_of(*replay) : tl::unexpected(std::move(folded).error());
  return views ? Result<std::vector<PointEvaluation>>(evaluator->finish(std::move(*views)))
               : tl::unexpected(std::move(views).error());
}

}  // namespace attune::tools
