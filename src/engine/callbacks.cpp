// SPDX-License-Identifier: Apache-2.0
#include "engine/callbacks.hpp"

#include <algorithm>
#include <utility>

namespace attune {

bool DurableCallbacks::add(std::uint64_t ticket, DurableCallback callback) {
  const std::scoped_lock lock(mutex_);
  if (heap_.size() >= limit_) {
    return false;
  }
  heap_.push_back({.ticket = ticket, .number = next_number_++, .callback = std::move(callback)});
  std::ranges::push_heap(heap_, later);
  // In this order: once one is due there is one, or the journal thread would neither rest nor call it.
  size_.fetch_add(1, std::memory_order_seq_cst);
  first_.store(heap_.front().ticket, std::memory_order_release);
  return true;
}

std::size_t DurableCallbacks::run(std::uint64_t ticket, const Result<void>& verdict) {
  due_.clear();
  {
    const std::scoped_lock lock(mutex_);
    while (!heap_.empty() && heap_.front().ticket <= ticket) {
      std::ranges::pop_heap(heap_, later);
      due_.push_back(std::move(heap_.back().callback));
      heap_.pop_back();
    }
    first_.store(heap_.empty() ? std::numeric_limits<std::uint64_t>::max() : heap_.front().ticket,
                 std::memory_order_release);
    size_.store(heap_.size(), std::memory_order_seq_cst);
  }
  std::size_t thrown = 0;
  for (const DurableCallback& callback : due_) {
    try {
      callback(verdict);
    } catch (...) {
      ++thrown;
    }
  }
  due_.clear();
  return thrown;
}

}  // namespace attune
