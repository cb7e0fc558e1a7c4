// SPDX-License-Identifier: Apache-2.0
/// @file
/// ArmSet: which arm slots exist and are enabled; the part that all bandits share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune {

/// The arm slots of a policy with their enabled flags. A policy holds one and keeps its own per-arm numbers
/// in vectors of the same length.
class ArmSet {
 public:
  explicit ArmSet(std::size_t arms) : enabled_(arms, 1), enabled_count_(arms) {}

  [[nodiscard]] std::size_t count() const noexcept { return enabled_.size(); }
  [[nodiscard]] std::size_t enabled_count() const noexcept { return enabled_count_; }
  [[nodiscard]] bool all_enabled() const noexcept { return enabled_count_ == enabled_.size(); }
  [[nodiscard]] bool contains(ArmIndex arm) const noexcept { return to_index(arm) < enabled_.size(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept {
    return contains(arm) && enabled_[to_index(arm)] != 0;
  }

  /// Errors: full, at kMaxArms.
  [[nodiscard]] Result<ArmIndex> add();
  Errc set_enabled(ArmIndex arm, bool on) noexcept;

  void save(Writer& writer) const { writer.numbers(enabled_); }
  /// On a malformed input the reader fails and this is unchanged.
  void load(Reader& reader);

  bool operator==(const ArmSet&) const = default;

  /// Calls `visit(index)` for every arm that may be chosen in `context`: those offered (in that order, each
  /// at most as often as it is listed), or all, less the disabled ones.
  template <class Visitor>
  void for_each(const Context& context, Visitor&& visit) const {
    if (!context.offered.empty()) {
      for (const ArmIndex arm : context.offered) {
        if (enabled(arm)) {
          visit(to_index(arm));
        }
      }
    } else if (all_enabled()) {
      for (std::size_t arm = 0; arm < enabled_.size(); ++arm) {
        visit(arm);
      }
    } else {
      for (std::size_t arm = 0; arm < enabled_.size(); ++arm) {
        if (enabled_[arm] != 0) {
          visit(arm);
        }
      }
    }
  }
  /// How many arms may be chosen in `context`.
  [[nodiscard]] std::size_t eligible(const Context& context) const noexcept;

  static constexpr std::size_t kMaxArms = std::size_t{1} << 24;

 private:
  std::vector<std::uint8_t> enabled_;
  std::size_t enabled_count_;
};

}  // namespace attune
