// SPDX-License-Identifier: Apache-2.0
// The propensities that were left open when decisions were made.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/derive.hpp"
#include "engine/replay_machine.hpp"

namespace attune {
namespace {

constexpr std::uint64_t kLookAhead = 65'536;  // records; no queue between decide() and the fold is longer
constexpr std::uint64_t kStep = 8'192;        // records that are folded between two looks

/// Decisions that wait for the fold to come to the state that made them.
class OpenDecisions {
 public:
  /// Another configuration may have other points: they are asked for each time.
  using PointOf = std::function<const Point*(std::uint32_t number)>;
  OpenDecisions(PointOf point_of, std::uint64_t seed, const PropensityOptions& options,
                const Replay::PropensityObserver& observer)
      : point_of_(std::move(point_of)), seed_(seed), options_(options), observer_(observer) {}

  /// A record ahead of the fold, which is at `position`.
  void see(ByteView bytes, std::uint64_t position) {
    DecisionRecord record;
    if (decode(bytes, record) != Errc::ok || !std::isnan(record.propensity) || record.arm == kNoArm ||
        !record.values.empty()) {
      return;
    }
    const Point* point = point_of_(record.header.point);
    if (point == nullptr || record.version > point->learned().version) {
      std::vector<std::uint64_t> words(bytes.size() / sizeof(std::uint64_t));
      std::memcpy(words.data(), bytes.data(), bytes.size());
      waiting_[record.header.point].emplace(record.version, std::move(words));
    } else {
      answer(*point, record, position);
    }
  }

  /// The fold came to `position`: who was waited for by somebody?
  void folded(std::uint32_t number, std::uint64_t position) {
    const auto open = waiting_.find(number);
    const Point* point = point_of_(number);
    if (open == waiting_.end() || point == nullptr) {
      return;
    }
    auto& waiting = open->second;
    while (!waiting.empty() && waiting.begin()->first <= point->learned().version) {
      DecisionRecord record;
      static_cast<void>(decode(std::as_bytes(std::span(waiting.begin()->second)), record));  // it was before
      answer(*point, record, position);
      waiting.erase(waiting.begin());
    }
  }

 private:
  void answer(const Point& point, const DecisionRecord& record, std::uint64_t position) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    if (record.version != point.learned().version) {
      observer_(record, kNan, {});
      return;
    }
    const Derivation derived = derive_decision(point, seed_, position, record, options_);
    const auto chosen = std::ranges::find(derived.arms, record.arm, &DerivedArm::arm);
    observer_(record, chosen == derived.arms.end() ? kNan : chosen->probability, derived);
  }

  PointOf point_of_;
  std::unordered_map<std::uint32_t, std::multimap<std::uint64_t, std::vector<std::uint64_t>>> waiting_;
  std::uint64_t seed_;
  PropensityOptions options_;
  const Replay::PropensityObserver& observer_;
};

}  // namespace

Result<void> Replay::fill_propensities(std::uint64_t position, const PropensityObserver& observer) {
  const auto point_of = [this](std::uint32_t number) -> const Point* {
    const auto& points = machine_->engine->points;
    return number < points.size() ? points[number].get() : nullptr;
  };
  OpenDecisions open(point_of, machine_->seed, machine_->options.propensities, observer);
  std::uint64_t seen = machine_->engine->position;
  const auto look = [&](std::uint64_t until) {
    return machine_->source.records(seen + 1, [&](ByteView bytes) {
      RecordHeader header;
      if (read_header(bytes, header) != Errc::ok || header.position > until) {
        return false;
      }
      seen = header.position;
      open.see(bytes, machine_->engine->position);
      return seen < until;
    });
  };
  for (std::uint64_t before = machine_->engine->position; before < position;) {
    const std::uint64_t step = std::min(position, before + kStep);
    const std::uint64_t until = std::min(position, step + kLookAhead);
    if (Result<void> looked = until > seen ? look(until) : Result<void>{}; !looked) {
      return looked;
    }
    Result<void> folded = fold_to(step, [&](ByteView bytes, std::optional<Fate>) {
      RecordHeader header;
      if (read_header(bytes, header) == Errc::ok) {
        open.folded(header.point, header.position);
      }
    });
    if (!folded || machine_->engine->position < step) {
      return folded;  // the journal's end
    }
    before = step;
  }
  return {};
}

}  // namespace attune
