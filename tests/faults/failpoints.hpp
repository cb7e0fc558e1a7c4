// SPDX-License-Identifier: Apache-2.0
/// @file
/// Scenes that pass every named point of the durable path (F03), to be cut short at each of them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/failpoint.hpp"
#include "tests/faults/sim_disk.hpp"

namespace attune::test {

using detail::Failpoint;
using detail::kFailpoints;

[[nodiscard]] const char* name_of(Failpoint point) noexcept;

/// How often each point was passed.
using Visits = std::array<std::uint64_t, kFailpoints>;

/// While it lives, points are counted, and the process on `disk` ends at visit number `visit` (from 1; 0:
/// never) of `at`.
class Watch {
 public:
  explicit Watch(SimDisk& disk, Failpoint at = Failpoint::count_, std::uint64_t visit = 0);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  Watch(Watch&&) = delete;
  Watch& operator=(Watch&&) = delete;
  [[nodiscard]] static const Visits& visits() noexcept;
};

/// Something that is done with a store, and what must hold when it was cut short.
class Scene {
 public:
  Scene() = default;
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  Scene(Scene&&) = delete;
  Scene& operator=(Scene&&) = delete;
  virtual ~Scene() = default;
  /// What was there before.
  virtual void prepare(SimDisk& disk) = 0;
  /// Until its end, or until the disk is dead. Throws Violation.
  virtual void play(SimDisk& disk) = 0;
  /// The next process, twice. Throws Violation.
  virtual void judge(SimDisk& disk) = 0;
};

using SceneMaker = std::function<std::unique_ptr<Scene>()>;

/// An engine's life on an empty disk: creation, decisions, outcomes, arms, checkpoints, a failed flush, its
/// end, and once more.
[[nodiscard]] std::unique_ptr<Scene> engine_scene();
/// Retention, deletion, rollback and import.
[[nodiscard]] std::unique_ptr<Scene> acts_scene();
/// A store of format 1 (its name in tests/compat/stores) is opened for writing.
[[nodiscard]] std::unique_ptr<Scene> migration_scene(const std::string& store);

}  // namespace attune::test
