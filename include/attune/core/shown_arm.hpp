// SPDX-License-Identifier: Apache-2.0
/// @file
/// ShownArm: one of several arms that a decision showed, as records have it.
#pragma once

#include <cmath>
#include <cstdint>

#include <attune/core/vocabulary.hpp>

namespace attune {

/// An arm at its place in DecisionRecord::values: slot + 2^32 * generation, which a double holds exactly.
struct ShownArm {
  ArmIndex arm = kNoArm;
  std::uint16_t generation = 0;  ///< as DecisionRecord::arm_generation

  [[nodiscard]] double value() const noexcept {
    return static_cast<double>(static_cast<std::uint32_t>(arm)) + generation * kGeneration;
  }
  /// kNoArm for a number that is none.
  [[nodiscard]] static ShownArm of(double value) noexcept {
    constexpr double kMost = 65'536.0 * kGeneration;
    if (!(value >= 0.0 && value < kMost) || value != std::floor(value)) {
      return {};
    }
    const auto bits = static_cast<std::uint64_t>(value);
    return {.arm = static_cast<ArmIndex>(static_cast<std::uint32_t>(bits)),
            .generation = static_cast<std::uint16_t>(bits >> 32U)};
  }

 private:
  static constexpr double kGeneration = 4294967296.0;
};

}  // namespace attune
