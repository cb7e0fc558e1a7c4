// SPDX-License-Identifier: Apache-2.0
/// @file
/// What a Replay is made of.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <attune/engine/replay.hpp>

#include "engine/config_history.hpp"
#include "engine/engine_impl.hpp"

namespace attune {

/// The fold, with the configuration that holds at its position.
struct Replay::Machine {
  ReplaySource source;
  ReplayOptions options;
  ConfigHistory history;
  std::uint64_t seed = 0;
  std::string node;
  std::unique_ptr<Engine::Impl> engine;
  std::uint64_t part_last =
      ConfigHistory::kEnd;  ///< last position of the part that `engine` is configured for

  [[nodiscard]] Result<void> read_identity();
  [[nodiscard]] Result<std::unique_ptr<Engine::Impl>> make(std::string_view digest) const;
  /// Sets up the engine that folds the record after `position`.
  [[nodiscard]] Result<void> enter(ByteView state, std::uint64_t position);
  [[nodiscard]] Result<void> load(std::uint64_t number);
  [[nodiscard]] Result<std::vector<CheckpointInfo>> checkpoints() const;
  [[nodiscard]] Result<void> restart_before(std::uint64_t position);
  [[nodiscard]] Result<void> fold(std::uint64_t last, const Observer& observer,
                                  const std::function<bool(ByteView)>& stop);
  [[nodiscard]] Result<bool> fold_part(std::uint64_t last, const Observer& observer,
                                       const std::function<bool(ByteView)>& stop);
  [[nodiscard]] Result<Bytes> record_at(std::uint64_t position) const;
};

}  // namespace attune
