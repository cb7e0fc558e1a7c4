// SPDX-License-Identifier: Apache-2.0
/// @file
/// LeftRight: two copies of a value, so that readers never wait for the writer.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace attune {

/// Readers use the published copy; the writer changes the other, publishes it, waits until the last reader
/// has left the first, and makes the same changes there. Nothing is copied but the changes.
///
/// Source: Ramalhete, Correia (2013), "Left-Right: A Concurrency Control Technique with Wait-Free Population
/// Oblivious Reads". Reading costs two atomic additions on a cache line that few threads share. With
/// `shared = false` there is one copy, no atomic and no second thread: the pump mode of the engine.
template <class T>
class LeftRight {
 public:
  LeftRight(T value, bool shared) : shared_(shared) {
    copies_.reserve(2);
    if (shared) {
      copies_.push_back(value);
    }
    copies_.push_back(std::move(value));
  }

  /// Calls `use(const T&)` on the published copy. Wait-free.
  template <class Use>
  decltype(auto) read(Use&& use) const noexcept {
    if (!shared_) {
      return std::forward<Use>(use)(copies_[0]);
    }
    const ReadGuard guard(*this);
    return std::forward<Use>(use)(copies_[published_.load(std::memory_order_seq_cst)]);
  }

  /// The copy to change now. One writer at a time.
  [[nodiscard]] T& back() noexcept { return copies_[back_index()]; }
  [[nodiscard]] const T& back() const noexcept { return copies_[back_index()]; }
  [[nodiscard]] bool shared() const noexcept { return shared_; }

  /// Publishes back() and returns when no reader is left on the other copy, which is now back() and must be
  /// brought up to date with the same changes.
  void publish() noexcept {
    if (!shared_) {
      return;
    }
    const std::uint32_t fresh = 1 - published_.load(std::memory_order_relaxed);
    published_.store(fresh, std::memory_order_seq_cst);
    const std::uint32_t old = epoch_.load(std::memory_order_relaxed);
    // Toggle the epoch between two waits, so that readers that keep coming cannot hold the writer for ever.
    wait_until_empty(1 - old);
    epoch_.store(1 - old, std::memory_order_seq_cst);
    wait_until_empty(old);
  }

 private:
  static constexpr std::size_t kStripes = 16;
  static constexpr std::size_t kLine = 64;
  struct alignas(kLine) Stripe {
    std::atomic<std::uint64_t> readers{0};
  };
  using Indicator = std::array<Stripe, kStripes>;

  class ReadGuard {
   public:
    explicit ReadGuard(const LeftRight& owner) noexcept
        : stripe_(owner.indicators_[owner.epoch_.load(std::memory_order_seq_cst)][my_stripe()]) {
      stripe_.readers.fetch_add(1, std::memory_order_seq_cst);
    }
    ~ReadGuard() { stripe_.readers.fetch_sub(1, std::memory_order_release); }
    ReadGuard(const ReadGuard&) = delete;
    ReadGuard& operator=(const ReadGuard&) = delete;
    ReadGuard(ReadGuard&&) = delete;
    ReadGuard& operator=(ReadGuard&&) = delete;

   private:
    Stripe& stripe_;
  };

  static std::size_t my_stripe() noexcept {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t kMine = next.fetch_add(1, std::memory_order_relaxed) % kStripes;
    return kMine;
  }
  [[nodiscard]] std::size_t back_index() const noexcept {
    return shared_ ? 1 - published_.load(std::memory_order_relaxed) : 0;
  }
  void wait_until_empty(std::uint32_t epoch) const noexcept {
    for (const Stripe& stripe : indicators_[epoch]) {
      // Sequentially consistent, as the store of published_ before it and the reader's two steps: with less,
      // the model allows that the reader sees the old copy published and this load no reader.
      while (stripe.readers.load(std::memory_order_seq_cst) != 0) {
        std::this_thread::yield();
      }
    }
  }

  bool shared_;
  std::vector<T> copies_;  // two when shared, else one
  std::atomic<std::uint32_t> published_{0};
  std::atomic<std::uint32_t> epoch_{0};
  mutable std::array<Indicator, 2> indicators_{};
};

}  // namespace attune
