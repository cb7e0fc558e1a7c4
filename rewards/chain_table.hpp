// SPDX-License-Identifier: Apache-2.0
/// @file
/// ChainTable: the episodes whose decisions are held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/id_index.hpp"

namespace attune::detail {

/// A run of decisions of one episode. Members are linked through DecisionSlab, in order.
struct Chain {
  std::uint64_t episode = 0;
  std::uint64_t next_step = 0;
  std::uint32_t first = kNone;
  std::uint32_t last = kNone;
  std::uint32_t count = 0;
  std::uint32_t unresolved = 0;  ///< members without a reward of their own yet
  bool ended = false;            ///< no decision will join; several ended chains may be of one episode
  std::uint32_t next_free = kNone;
};

/// Chains in reused places; at most one open chain an episode.
class ChainTable {
 public:
  explicit ChainTable(std::uint64_t seed) noexcept : seed_(seed) {}

  [[nodiscard]] Chain& operator[](std::uint32_t at) noexcept { return chains_[at]; }
  [[nodiscard]] const Chain& operator[](std::uint32_t at) const noexcept { return chains_[at]; }
  /// Places in use or free.
  [[nodiscard]] std::size_t places() const noexcept { return chains_.size(); }

  /// The open chain of an episode, or kNone.
  [[nodiscard]] std::uint32_t find_open(std::uint64_t episode) const noexcept {
    return open_.find(hash(episode), [&](std::uint32_t at) { return chains_[at].episode == episode; });
  }
  /// An empty chain; an open one must be the only one of its episode.
  std::uint32_t add(std::uint64_t episode, bool ended) {
    std::uint32_t at = free_;
    if (at == kNone) {
      at = static_cast<std::uint32_t>(chains_.size());
      chains_.emplace_back();
    } else {
      free_ = chains_[at].next_free;
    }
    chains_[at] = Chain{.episode = episode, .ended = ended};
    if (!ended) {
      open_.insert(hash(episode), at);
    }
    return at;
  }
  void end(std::uint32_t at) noexcept {
    if (!chains_[at].ended) {
      chains_[at].ended = true;
      open_.erase(hash(chains_[at].episode), at);
    }
  }
  /// Ends `at`; returns an empty chain of the same episode, open if `at` was.
  std::uint32_t split(std::uint32_t at) {
    const std::uint64_t episode = chains_[at].episode;
    const bool ended = chains_[at].ended;
    end(at);
    const std::uint32_t rest = add(episode, ended);
    chains_[rest].next_step = chains_[at].next_step;
    return rest;
  }
  void remove(std::uint32_t at) noexcept {
    end(at);
    chains_[at].next_free = free_;
    free_ = at;
  }

  void reserve(std::size_t count) {
    chains_.reserve(count);
    open_.reserve(count);
  }

 private:
  [[nodiscard]] std::uint32_t hash(std::uint64_t episode) const noexcept {
    return mix(episode, ~episode, seed_);
  }

  std::uint64_t seed_;
  std::vector<Chain> chains_;
  IdIndex open_;
  std::uint32_t free_ = kNone;
};

}  // namespace attune::detail
