// SPDX-License-Identifier: Apache-2.0
/// @file
/// PointScreen: what one decision point lets in of its contexts, outcomes and rewards, as a part of its fold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/engine/engine.hpp>
#include <attune/rewards/collector.hpp>

#include "engine/config.hpp"
#include "engine/policy_ops.hpp"

namespace attune {

/// Share of marked values among the newest: two half-windows, so that what counts is between 100 and 200.
class NewestShare {
 public:
  void add(bool marked) noexcept;
  /// NaN until half of the window has been seen.
  [[nodiscard]] double share() const noexcept;
  [[nodiscard]] bool above(double limit) const noexcept { return share() > limit; }
  void save(Writer& writer) const;
  /// Fails the reader on what cannot be.
  void load(Reader& reader) noexcept;

 private:
  static constexpr std::uint64_t kHalf = 100;
  std::uint64_t values_ = 0;
  std::uint64_t marked_ = 0;
  std::uint64_t values_before_ = 0;
  std::uint64_t marked_before_ = 0;
};

/// Told of decided contexts and asked about outcomes and rewards, in the order of the fold. What is usual of
/// contexts is in the published state, where deciders read it; the rest is here. Costs nothing at a point
/// without "screening".
class PointScreen {
 public:
  /// `config` outlives this.
  explicit PointScreen(const PointConfig& config);

  [[nodiscard]] bool active() const noexcept { return active_; }
  [[nodiscard]] bool watches_contexts() const noexcept { return watches_contexts_; }
  [[nodiscard]] bool screens_rewards() const noexcept { return screens_rewards_; }

  /// The verdict on a decided context, by what was usual before it.
  void decided(const VectorAnomaly& verdict) noexcept;
  /// As RewardSink::screen. `arm`: kNoArm when it is another one now, or there is none.
  [[nodiscard]] Fate outcome(const OutcomeRecord& record, ArmIndex arm, std::uint32_t fresh,
                             std::span<double> values);
  /// What is to be learned of a reward; no value: nothing.
  [[nodiscard]] std::optional<double> reward(ArmIndex arm, double reward);
  /// The slot has another arm now.
  void arm_changed(ArmIndex arm);
  /// True once after an alarm began or ended.
  [[nodiscard]] bool take_news() noexcept { return std::exchange(news_, false); }

  /// An alarm that is on.
  struct Alarm {
    std::string key;
    std::string sentence;
  };
  [[nodiscard]] std::vector<Alarm> alarms() const;
  [[nodiscard]] ScreeningMetrics metrics(const PointState& state) const;

  /// `state`: it has the watch of contexts.
  void save(const PointState& state, Writer& writer) const;
  /// Reads into this and into `state`, whose watch of contexts is as it is at the beginning. Parts that are
  /// new or watch something else begin anew. Errors: corrupt_state; this is unchanged then.
  [[nodiscard]] Result<void> load(Reader& reader, PointState& state);

 private:
  struct Screen {
    std::vector<std::optional<AnyAnomalyDetector>> cells;  ///< by slot; one for a point
    std::uint64_t values = 0;
    std::uint64_t anomalies = 0;
    std::uint64_t clipped = 0;
    std::uint64_t rejected = 0;
    NewestShare newest;
    bool alarm = false;
  };
  /// What can be read and be wrong.
  struct State {
    std::uint64_t familiar = 0;
    std::uint64_t unfamiliar = 0;
    NewestShare contexts;
    bool context_alarm = false;
    std::optional<SourceCap> sources;
    std::uint64_t capped = 0;
    std::uint64_t admitted = 0;
    std::vector<Screen> screens;  ///< as config_.screening.screens
  };

  [[nodiscard]] State fresh() const;
  [[nodiscard]] const ScreenConfig& rules(std::size_t screen) const {
    return config_.screening.screens[screen];
  }
  /// False: the value is not to be learned.
  [[nodiscard]] bool pass(std::size_t screen, ArmIndex arm, double& value);
  void save_screen(std::size_t screen, Writer& writer) const;
  void load_screen(Reader& reader, State& into) const;
  [[nodiscard]] bool load_cells(Reader& reader, std::size_t screen, Screen& into) const;

  const PointConfig& config_;
  // Asked with every record.
  bool active_ = false;
  bool watches_contexts_ = false;
  bool screens_rewards_ = false;
  State state_;
  bool news_ = false;
};

}  // namespace attune
