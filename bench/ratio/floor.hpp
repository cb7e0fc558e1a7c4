// SPDX-License-Identifier: Apache-2.0
/// @file
/// Floor loops: what the same decisions cost in plain C++ with no library around them, single precision,
/// dense arrays. A yardstick, not a policy: no arms that come and go, no propensity, no delay, no state to
/// save.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace attune::bench {

enum class FloorKind { ucb1, thompson_beta, epsilon_greedy, lin_ucb, squarecb };

class Floor {
 public:
  Floor() = default;
  Floor(const Floor&) = delete;
  Floor& operator=(const Floor&) = delete;
  Floor(Floor&&) = delete;
  Floor& operator=(Floor&&) = delete;
  virtual ~Floor() = default;
  /// Runs `count` times decide, then update, over `rows` of `features` numbers; returns a checksum.
  virtual double steps(std::size_t count) = 0;
  virtual double decisions(std::size_t count) = 0;
};

// floor.cpp is compiled twice: `-O3 -march=native`, and the same with -ffast-math. The faster one is the
// floor.
std::unique_ptr<Floor> make_floor_exact(FloorKind kind, std::size_t arms, std::size_t features,
                                        std::span<const float> rows);
std::unique_ptr<Floor> make_floor_fast(FloorKind kind, std::size_t arms, std::size_t features,
                                       std::span<const float> rows);

/// The world in every loop of this benchmark: an arm pays 1 with a probability of its own, else 0.
class Rewards {
 public:
  double draw(std::size_t arm) noexcept {
    state_ ^= state_ << 7U;
    state_ ^= state_ >> 9U;
    const double uniform = static_cast<double>((state_ * 0x2545F4914F6CDD1DULL) >> 11U) * 0x1.0p-53;
    return uniform < mean(arm) ? 1.0 : 0.0;
  }
  static double mean(std::size_t arm) noexcept {
    return static_cast<double>((static_cast<unsigned>(arm) * 2654435761U >> 16U) & 1023U) / 1024.0;
  }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15ULL;
};

}  // namespace attune::bench
