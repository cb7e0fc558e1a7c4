// SPDX-License-Identifier: Apache-2.0
/// @file
/// PointDrift: the drift watches of one decision point, as a part of its fold.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/engine/engine.hpp>

#include "engine/config.hpp"
#include "engine/policy_ops.hpp"

namespace attune {

/// A drift that was found while folding, for those who are told of it.
struct DriftEvent {
  const DriftWatchConfig* watch = nullptr;
  std::string of;  ///< arm or feature; empty: the point
  std::uint64_t position = 0;
  std::string done;  ///< the actions, in words
};

/// Told of every record of its point, in order, and of every reward before the policy learns it; answers with
/// the ops that make deciders see what follows. Costs nothing at a point without watches.
class PointDrift {
 public:
  /// `config` outlives this. `fresh`: the policy as it is before anything was learned, where a watch resets
  /// it; outlives this too.
  PointDrift(const PointConfig& config, const AnyPolicy* fresh);

  [[nodiscard]] bool active() const noexcept { return !watches_.empty(); }
  [[nodiscard]] bool watches_rewards() const noexcept { return watches_rewards_; }
  [[nodiscard]] bool watches_residuals() const noexcept { return watches_residuals_; }
  [[nodiscard]] bool watches_components() const noexcept { return watches_components_; }

  /// The record that is folded from now on. `frozen`: the policy may not be changed.
  void begin(const RecordHeader& header, bool frozen);

  /// Each returns the ops to be performed now; they live until the next call.
  using Ops = std::span<const PolicyOp>;
  [[nodiscard]] Ops decided(const DecisionRecord& record, const PointState& state);
  /// Of the outcome's components, those whose bit is set in `joined`.
  [[nodiscard]] Ops observed(const OutcomeRecord& record, std::uint32_t joined, const PointState& state);
  /// `arm`: kNoArm when it is another one now. `expected`: what the policy expected; NaN: nothing.
  [[nodiscard]] Ops rewarded(ArmIndex arm, double reward, double expected, const PointState& state);
  /// The slot has another arm now.
  void arm_changed(ArmIndex arm);

  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
  /// When the next alert ends.
  [[nodiscard]] Nanos deadline() const noexcept { return deadline_; }
  /// True once after an alert began or ended.
  [[nodiscard]] bool take_news() noexcept { return std::exchange(news_, false); }
  /// Drifts since the last call.
  [[nodiscard]] std::vector<DriftEvent> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] bool has_events() const noexcept { return !events_.empty(); }

  /// An alert that is on.
  struct Alert {
    std::string watch;
    std::string sentence;
    Nanos since = 0;
  };
  [[nodiscard]] std::vector<Alert> alerts() const;
  [[nodiscard]] std::vector<DriftMetrics> metrics() const;

  void save(Writer& writer) const;
  /// Reads into this and into the view of `state`. Watches are matched by name; those that are new or watch
  /// something else begin anew. Errors: corrupt_state.
  [[nodiscard]] Result<void> load(Reader& reader, PointState& state);

 private:
  struct Cell {
    std::optional<AnyDetector> detector;  ///< none: nothing was watched here yet
    std::uint64_t silent_until = 0;       ///< decisions
  };
  struct Watch {
    std::vector<Cell> cells;  ///< by slot, column or projection; one for a point
    std::uint64_t silent_until = 0;
    std::uint64_t values = 0;
    std::uint64_t skipped = 0;
    std::uint64_t warnings = 0;
    std::uint64_t drifts = 0;
    std::uint64_t silenced = 0;  ///< drifts inside a cool-down
    std::uint64_t withheld = 0;  ///< actions that could not be taken
    std::array<std::uint64_t, kDriftActions> actions{};
    std::uint64_t last_position = 0;
    Nanos last_time = 0;
    std::string last_of;
    Nanos alert_until = 0;  ///< 0: none is on
  };

  [[nodiscard]] const DriftWatchConfig& rules(std::size_t watch) const { return config_.drift[watch]; }
  void feed(std::size_t watch, std::size_t stream, double value, const PointState& state);
  void feed_features(std::size_t watch, Features x, const PointState& state);
  void fire(std::size_t watch, std::size_t stream, const PointState& state);
  /// False: it cannot be done now.
  [[nodiscard]] bool act(DriftAction action, std::size_t watch, std::size_t stream, const PointState& state);
  [[nodiscard]] bool change_policy(DriftAction action, std::size_t watch, std::size_t stream,
                                   const PointState& state);
  void restart(std::size_t watch, std::size_t stream);
  void add_prior(ArmIndex arm, const PointState& state, PolicyOp op);
  [[nodiscard]] std::string name_of_stream(std::size_t watch, std::size_t stream,
                                           const PointState& state) const;
  void settle_deadline() noexcept;
  void draw_signs();
  void save_watch(std::size_t watch, Writer& writer) const;
  void load_watch(Reader& reader);
  [[nodiscard]] bool load_cells(Reader& reader, std::size_t watch, Watch& into) const;

  const PointConfig& config_;
  const AnyPolicy* fresh_;
  std::vector<Watch> watches_;                   ///< as config_.drift
  std::vector<std::vector<std::int8_t>> signs_;  ///< by watch: of projections, row-major streams x columns
  bool watches_rewards_ = false;
  bool watches_residuals_ = false;
  bool watches_components_ = false;
  std::uint64_t decisions_ = 0;
  std::uint64_t boost_left_ = 0;  ///< decisions
  double boost_share_ = 0.0;
  Nanos time_ = 0;
  Nanos deadline_ = kNever;
  bool news_ = false;

  // During a fold.
  std::uint64_t position_ = 0;
  bool frozen_ = false;
  std::vector<PolicyOp> ops_;
  std::vector<DriftEvent> events_;
};

}  // namespace attune
