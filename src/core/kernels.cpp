// SPDX-License-Identifier: Apache-2.0
#include "core/kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

// NOLINTBEGIN(cppcoreguidelines-macro-usage): the body is compiled for several targets, and they are
// attributes. Own dispatch rather than target_clones: GCC splits wide vectors for the narrowest set before it
// clones, and the resolvers of clones run too early for sanitizers.

namespace attune::detail {
namespace {

// The registers of x86-64 without options, and of ARM.
namespace portable {
#define ATTUNE_KERNEL_TARGET
#define ATTUNE_KERNEL_WIDTH 2
#define ATTUNE_KERNEL_NAME "portable"
#include "core/kernels_body.inc"
#undef ATTUNE_KERNEL_TARGET
#undef ATTUNE_KERNEL_WIDTH
#undef ATTUNE_KERNEL_NAME
}  // namespace portable

#if defined(__x86_64__) && defined(__GNUC__)

namespace avx2 {
#define ATTUNE_KERNEL_TARGET __attribute__((target("avx2")))
#define ATTUNE_KERNEL_WIDTH 4
#define ATTUNE_KERNEL_NAME "avx2"
#include "core/kernels_body.inc"
#undef ATTUNE_KERNEL_TARGET
#undef ATTUNE_KERNEL_WIDTH
#undef ATTUNE_KERNEL_NAME
}  // namespace avx2

namespace avx512 {
#define ATTUNE_KERNEL_TARGET __attribute__((target("avx512f")))
#define ATTUNE_KERNEL_WIDTH 8
#define ATTUNE_KERNEL_NAME "avx512"
#include "core/kernels_body.inc"
#undef ATTUNE_KERNEL_TARGET
#undef ATTUNE_KERNEL_WIDTH
#undef ATTUNE_KERNEL_NAME
}  // namespace avx512

#endif
// NOLINTEND(cppcoreguidelines-macro-usage)

// GCC's __builtin_cpu_supports gives an int, Clang's a bool.
template <class Answer>
bool has(Answer answer) noexcept {
  return answer != Answer{};
}

struct Available {
  std::array<const Kernels*, 3> table{&portable::kTable, nullptr, nullptr};
  std::size_t count = 1;

  Available() noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
    if (has(__builtin_cpu_supports("avx2"))) {
      table[count++] = &avx2::kTable;
    }
    if (has(__builtin_cpu_supports("avx512f"))) {
      table[count++] = &avx512::kTable;
    }
#endif
  }
};

const Available& available() noexcept {
  static const Available kAvailable;
  return kAvailable;
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): as much of `values` as is used is written
CoarseVector::CoarseVector(const StripVector& x) noexcept : strips(x.strips) {
  const std::size_t size = x.strips * kLanes;
  for (std::size_t i = 0; i < size; ++i) {
    largest = std::max(largest, std::abs(x[i]));
  }
  const double divisor = largest > 0.0 ? largest : 1.0;
  for (std::size_t i = 0; i < size; ++i) {
    const double scaled = x[i] / divisor;
    sum += std::abs(scaled);
    squares += scaled * scaled;
    values[i] = static_cast<float>(scaled);
  }
}

const Kernels& kernels() noexcept {
  static const Kernels* const kBest = available().table[available().count - 1];
  return *kBest;
}

std::span<const Kernels* const> all_kernels() noexcept {
  return std::span(available().table).first(available().count);
}

}  // namespace attune::detail
