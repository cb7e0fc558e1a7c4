// SPDX-License-Identifier: Apache-2.0
#include "policies/learner/lane_kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/portable_math.hpp"
#include "policies/learner/feature_scale.hpp"

// NOLINTBEGIN(cppcoreguidelines-macro-usage): the body is compiled for several targets, and they are
// attributes; see core/kernels.cpp for why it is not target_clones.

namespace attune::detail {
namespace {

namespace lanes_portable {
#define ATTUNE_KERNEL_TARGET
#define ATTUNE_KERNEL_WIDTH 2
#include "policies/learner/lane_kernels_body.inc"
#include "policies/learner/lane_kernels_covariance.inc"
#include "policies/learner/lane_kernels_mixer.inc"
#undef ATTUNE_KERNEL_TARGET
#undef ATTUNE_KERNEL_WIDTH
}  // namespace lanes_portable

#if defined(__x86_64__) && defined(__GNUC__)

namespace lanes_avx2 {
#define ATTUNE_KERNEL_TARGET __attribute__((target("avx2")))
#define ATTUNE_KERNEL_WIDTH 4
#include "policies/learner/lane_kernels_body.inc"
#include "policies/learner/lane_kernels_covariance.inc"
#include "policies/learner/lane_kernels_mixer.inc"
#undef ATTUNE_KERNEL_TARGET
#undef ATTUNE_KERNEL_WIDTH
}  // namespace lanes_avx2

namespace lanes_avx512 {
#define ATTUNE_KERNEL_TARGET __attribute__((target("avx512f")))
#define ATTUNE_KERNEL_WIDTH 8
#include "policies/learner/lane_kernels_body.inc"
#include "policies/learner/lane_kernels_covariance.inc"
#include "policies/learner/lane_kernels_mixer.inc"
#undef ATTUNE_KERNEL_TARGET
#undef ATTUNE_KERNEL_WIDTH
}  // namespace lanes_avx512

#endif
// NOLINTEND(cppcoreguidelines-macro-usage)

// GCC's __builtin_cpu_supports gives an int, Clang's a bool.
template <class Answer>
bool runs(Answer answer) noexcept {
  return answer != Answer{};
}

struct LaneTables {
  std::array<const LaneKernels*, 3> table{&lanes_portable::kTable, nullptr, nullptr};
  std::size_t count = 1;

  LaneTables() noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
    if (runs(__builtin_cpu_supports("avx2"))) {
      table[count++] = &lanes_avx2::kTable;
    }
    if (runs(__builtin_cpu_supports("avx512f"))) {
      table[count++] = &lanes_avx512::kTable;
    }
#endif
  }
};

const LaneTables& lane_tables() noexcept {
  static const LaneTables kTables;
  return kTables;
}

const ExpertArray& prior_of(const CovarianceConstants& constants, std::size_t row,
                            std::size_t size) noexcept {
  return row + 1 == size ? constants.constant : constants.prior;
}

}  // namespace

const LaneKernels& lane_kernels() noexcept {
  static const LaneKernels* const kBest = lane_tables().table[lane_tables().count - 1];
  return *kBest;
}

std::span<const LaneKernels* const> all_lane_kernels() noexcept {
  return std::span(lane_tables().table).first(lane_tables().count);
}

void reset_covariance(LaneNumbers* covariance, std::size_t size, const CovarianceConstants& constants,
                      std::size_t lane) noexcept {
  for (std::size_t row = 0; row < size; ++row) {
    for (std::size_t column = 0; column <= row; ++column, ++covariance) {
      for (std::size_t k = 0; k < ExpertMixer::kExperts; ++k) {
        if (lane == ExpertMixer::kExperts || lane == k) {
          covariance->lane[k] = row == column ? prior_of(constants, row, size)[k] : 0.0;
        }
      }
    }
  }
}

bool sound_covariance(const LaneNumbers* covariance, std::size_t size,
                      const CovarianceConstants& constants) noexcept {
  bool good = true;
  for (std::size_t row = 0; row < size; ++row) {
    const LaneNumbers* const own = covariance + triangle_size(row);
    for (std::size_t k = 0; k < ExpertMixer::kExperts; ++k) {
      const double variance = own[row].lane[k];
      good = good && variance > 0.0 && variance < 2.0 * prior_of(constants, row, size)[k];
      for (std::size_t column = 0; column < row; ++column) {
        const double entry = own[column].lane[k];
        const double product = variance * covariance[triangle_size(column) + column].lane[k];
        good = good && entry * entry <= 1.0001 * product && (constants.whole[k] != 0.0 || entry == 0.0);
      }
    }
  }
  return good;
}

}  // namespace attune::detail
