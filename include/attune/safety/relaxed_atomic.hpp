// SPDX-License-Identifier: Apache-2.0
/// @file
/// RelaxedAtomic: an atomic number that can be copied, for values with counters that many threads change.
#pragma once

#include <atomic>

namespace attune::detail {

/// All accesses are relaxed: it orders nothing but itself. A copy is of the value at that moment.
template <class T>
// Moving is copying: atomics stay where they are.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions)
class RelaxedAtomic {
 public:
  RelaxedAtomic() = default;
  explicit RelaxedAtomic(T value) noexcept : value_(value) {}
  RelaxedAtomic(const RelaxedAtomic& other) noexcept : value_(other.load()) {}
  RelaxedAtomic& operator=(const RelaxedAtomic& other) noexcept {
    store(other.load());
    return *this;
  }
  ~RelaxedAtomic() = default;

  [[nodiscard]] T load() const noexcept { return value_.load(std::memory_order_relaxed); }
  void store(T value) noexcept { value_.store(value, std::memory_order_relaxed); }
  T add(T by) noexcept { return value_.fetch_add(by, std::memory_order_relaxed); }
  /// False, and `expected` the value found, where it was another; may fail without reason.
  bool replace(T& expected, T by) noexcept {
    return value_.compare_exchange_weak(expected, by, std::memory_order_relaxed);
  }
  [[nodiscard]] bool operator==(const RelaxedAtomic& other) const noexcept { return load() == other.load(); }

 private:
  std::atomic<T> value_{};
};

}  // namespace attune::detail
