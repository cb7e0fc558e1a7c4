// SPDX-License-Identifier: Apache-2.0
/// @file
/// Counts calls of operator new, for tests that promise that there are none.
#pragma once

#include <cstddef>

namespace attune::test {

/// Allocations by operator new on this thread since the program began. Using this links the counting operator
/// new into the test program.
[[nodiscard]] std::size_t allocations() noexcept;

/// On this thread request number `number` from now, counted from 1, fails with std::bad_alloc; with
/// `for_ever` all later ones too. 0: none fails any more.
void refuse_allocation(std::size_t number, bool for_ever) noexcept;

/// Counts from its construction on; no gtest macro may run in between, they allocate.
class AllocationCount {
 public:
  AllocationCount() noexcept : start_(allocations()) {}
  [[nodiscard]] std::size_t count() const noexcept { return allocations() - start_; }

 private:
  std::size_t start_;
};

}  // namespace attune::test
