// SPDX-License-Identifier: Apache-2.0
/// @file
/// SignalPool: which signals each decision has had already, for idempotency.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/id_index.hpp"

namespace attune::detail {

/// One signal that was joined. Explicit keys: source 0, `key` the caller's, `digest` of all its values.
/// Without a key: source is the component's number + 1, `key` 0, `digest` the value's bits.
struct Signal {
  std::uint64_t key = 0;
  std::uint64_t digest = 0;
  std::uint32_t source = 0;
  std::uint32_t next = kNone;
};

/// A decision's signals, newest first.
struct SignalList {
  std::uint32_t head = kNone;
  std::uint32_t count = 0;
};

/// Short linked lists in one vector with a free list: entries go from decision to decision without
/// allocation.
class SignalPool {
 public:
  [[nodiscard]] const Signal* find(const SignalList& list, std::uint32_t source,
                                   std::uint64_t key) const noexcept {
    for (std::uint32_t at = list.head; at != kNone; at = signals_[at].next) {
      if (signals_[at].source == source && signals_[at].key == key) {
        return &signals_[at];
      }
    }
    return nullptr;
  }

  void add(SignalList& list, Signal signal) {
    const std::uint32_t at = take();
    signal.next = list.head;
    signals_[at] = signal;
    list.head = at;
    ++list.count;
  }

  void release(SignalList& list) noexcept {
    if (list.head == kNone) {
      return;
    }
    std::uint32_t tail = list.head;
    while (signals_[tail].next != kNone) {
      tail = signals_[tail].next;
    }
    signals_[tail].next = free_;
    free_ = list.head;
    list = {};
  }

  template <class Visitor>
  void for_each(const SignalList& list, Visitor&& visit) const {
    for (std::uint32_t at = list.head; at != kNone; at = signals_[at].next) {
      visit(signals_[at]);
    }
  }

  void reserve(std::size_t count) { signals_.reserve(count); }

 private:
  [[nodiscard]] std::uint32_t take() {
    if (free_ == kNone) {
      signals_.emplace_back();
      return static_cast<std::uint32_t>(signals_.size() - 1);
    }
    const std::uint32_t at = free_;
    free_ = signals_[at].next;
    return at;
  }

  std::vector<Signal> signals_;
  std::uint32_t free_ = kNone;
};

}  // namespace attune::detail
