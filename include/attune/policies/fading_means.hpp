// SPDX-License-Identifier: Apache-2.0
/// @file
/// FadingMeans and WindowMeans: ArmMeans that forget, by the time of decisions and not of their rewards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <attune/policies/arm_means.hpp>

namespace attune {

/// ArmMeans of rewards in [0, 1] in which a reward weighs discount^k, k being how many decisions were made
/// since its own, as far as rewards of later ones have come. A reward that comes late (Feedback::sequence
/// says for which decision) is as light as if it had come at once, and rewards may come in any order: only
/// rounding differs.
///
/// Cost: update O(arms). Memory: that of ArmMeans.
class FadingMeans {
 public:
  FadingMeans(const Shape& shape, double discount, double first_mean)
      : discount_(discount), means_(shape, RewardDomain::unit, first_mean) {}

  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  Errc note_pull(ArmIndex arm) noexcept { return means_.note_pull(arm); }
  Errc note_lost(ArmIndex arm) noexcept { return means_.note_lost(arm); }

  [[nodiscard]] std::size_t count() const noexcept { return means_.count(); }
  [[nodiscard]] const ArmSet& arms() const noexcept { return means_.arms(); }
  [[nodiscard]] Result<ArmIndex> add_arm() { return means_.add_arm(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return means_.set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept { return means_.reset_arm(arm); }
  /// Fades as rewards of the latest decision do.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) {
    return means_.warm_start(arm, prior);
  }
  Errc forget(ArmIndex arm, double keep) noexcept { return means_.forget(arm, keep); }
  [[nodiscard]] double expectation(ArmIndex arm) const noexcept { return means_.expectation(arm); }
  [[nodiscard]] Errc check(const Context& context) const noexcept { return means_.check(context); }

  [[nodiscard]] double mean(std::size_t arm) const noexcept { return means_.mean(arm); }
  [[nodiscard]] double weight(std::size_t arm) const noexcept { return means_.weight(arm); }
  [[nodiscard]] double counted(std::size_t arm) const noexcept { return means_.counted(arm); }
  [[nodiscard]] double variance(std::size_t arm) const noexcept { return means_.variance(arm); }
  [[nodiscard]] std::uint32_t pending(std::size_t arm) const noexcept { return means_.pending(arm); }
  [[nodiscard]] double total() const noexcept { return means_.total(); }
  [[nodiscard]] std::uint64_t pending_total() const noexcept { return means_.pending_total(); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return means_.updates(); }

  void save(Writer& writer) const;
  [[nodiscard]] bool load(Reader& reader, const char*& problem);
  bool operator==(const FadingMeans&) const = default;

 private:
  double discount_;
  ArmMeans means_;
  std::uint64_t next_ = 0;  // the decision after the latest that a reward came for
};

/// Means of the rewards in [0, 1] of the last `window` decisions, as far as rewards of later ones have come.
/// A reward that comes late counts while its decision is among them, and not at all after that.
///
/// Cost: update O(1) on average, O(window + arms) at worst. Memory: 32 bytes a decision of the window.
class WindowMeans {
 public:
  WindowMeans(const Shape& shape, std::size_t window, double first_mean);

  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  Errc note_pull(ArmIndex arm) noexcept { return means_.note_pull(arm); }
  Errc note_lost(ArmIndex arm) noexcept { return means_.note_lost(arm); }

  [[nodiscard]] std::size_t count() const noexcept { return means_.count(); }
  [[nodiscard]] const ArmSet& arms() const noexcept { return means_.arms(); }
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return means_.set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Stays until the arm is reset: it is no reward of a decision.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) {
    return means_.warm_start(arm, prior);
  }
  Errc forget(ArmIndex arm, double keep) noexcept;
  [[nodiscard]] double expectation(ArmIndex arm) const noexcept;
  [[nodiscard]] Errc check(const Context& context) const noexcept { return means_.check(context); }

  [[nodiscard]] double mean(std::size_t arm) const noexcept;
  [[nodiscard]] double weight(std::size_t arm) const noexcept { return means_.weight(arm) + weight_[arm]; }
  [[nodiscard]] double counted(std::size_t arm) const noexcept { return means_.counted(arm) + weight_[arm]; }
  [[nodiscard]] double variance(std::size_t arm) const noexcept;
  [[nodiscard]] std::uint32_t pending(std::size_t arm) const noexcept { return means_.pending(arm); }
  [[nodiscard]] double total() const noexcept { return means_.total() + total_; }
  [[nodiscard]] std::uint64_t pending_total() const noexcept { return means_.pending_total(); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return means_.updates(); }

  void save(Writer& writer) const;
  [[nodiscard]] bool load(Reader& reader, const char*& problem);
  bool operator==(const WindowMeans& other) const;

 private:
  struct Entry {
    std::uint64_t sequence = 0;
    double reward = 0.0;
    double weight = 0.0;  ///< 0: the place is empty
    std::uint64_t arm = 0;

    bool operator==(const Entry&) const = default;
  };

  void advance(std::uint64_t sequence) noexcept;
  void drop(Entry& entry) noexcept;
  void recount() noexcept;

  ArmMeans means_;              // arms, pending pulls, warm starts; its update counts and learns nothing
  std::vector<Entry> ring_;     // the decision of number s at s % window
  std::uint64_t next_ = 0;      // the decision after the latest that a reward came for
  std::vector<double> weight_;  // derived, as the next two: sums over the ring
  std::vector<double> sum_;     // of weight * reward
  double total_ = 0.0;
};

}  // namespace attune
