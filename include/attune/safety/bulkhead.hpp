// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bulkhead: how many may be inside at once, and how many may wait at the door.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <attune/core/clock.hpp>
#include <attune/core/config.hpp>

namespace attune {

/// Options of Bulkhead.
struct BulkheadConfig {
  std::uint32_t limit = 25;
  std::uint32_t queue = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("limit", self.limit, Bounds{1, 1e9}, "calls that may run at once");
    visit("queue", self.queue, Bounds{0, 1e9}, "callers that may wait; 0: nobody waits");
  }
  bool operator==(const BulkheadConfig&) const = default;
};

/// Numbers of a bulkhead, for metrics.
struct BulkheadStatus {
  std::uint32_t running = 0;
  std::uint32_t waiting = 0;
  std::uint64_t refused_full = 0;   ///< try_enter: no place was free
  std::uint64_t refused_queue = 0;  ///< enter: no place to wait was free
  std::uint64_t timed_out = 0;      ///< waited for nothing
};

/// Limits how many calls of one kind run at once, so that a callee that stalls takes only its share of
/// threads.
///
///     if (const Bulkhead::Place place = bulkhead.try_enter()) { ... }   // left at the end of the scope
///
/// try_enter never waits; enter waits, in no set order, as one of at most `queue`. Who does not wait gets no
/// place before those who do.
/// Cost: one compare-and-swap to enter and one to leave while nobody waits; nothing is allocated.
/// Threads: all members may be called at once. Places may outlive the bulkhead and leave on another thread.
class Bulkhead {
  struct Room;

 public:
  using Config = BulkheadConfig;

  /// A place inside, or none. Leaves when it is destroyed.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : room_(std::move(other.room_)) {}
    Place& operator=(Place&& other) noexcept;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }

    [[nodiscard]] explicit operator bool() const noexcept { return room_ != nullptr; }
    void leave() noexcept;

   private:
    friend class Bulkhead;
    explicit Place(std::shared_ptr<Room> room) noexcept : room_(std::move(room)) {}

    std::shared_ptr<Room> room_;
  };

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Bulkhead> make(const Config& config);

  [[nodiscard]] Place try_enter() noexcept;
  /// Waits for at most `patience` of real time: not for a path that must not wait.
  [[nodiscard]] Place enter(Nanos patience);
  [[nodiscard]] BulkheadStatus status() const noexcept;

 private:
  explicit Bulkhead(std::shared_ptr<Room> room) noexcept : room_(std::move(room)) {}

  std::shared_ptr<Room> room_;
};

}  // namespace attune
