// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include <attune/core/assert.hpp>
#include <attune/engine/engine.hpp>

#include "tests/fuzz/seeds.hpp"
#include "tests/fuzz/targets.hpp"

namespace attune::fuzz {
namespace {

Result<Engine> loaded(ByteView state) {
  std::unique_ptr<Journal> journal = make_memory_journal();
  const Result<CheckpointInfo> kept = journal->append({}, state, 0, "", 1);
  ATTUNE_ASSERT(kept.has_value(), "a journal in memory keeps any state");
  return Engine::open(kStateConfig, {.clock = std::make_shared<ManualClock>(),
                                     .journal = std::move(journal),
                                     .credit_functions = {},
                                     .log = {}});
}

}  // namespace

void state(Input input) {
  const Result<Engine> engine = loaded(std::as_bytes(input));
  if (!engine) {
    ATTUNE_ASSERT(!engine.error().message.empty(), "a refusal says why");
    return;
  }
  const Bytes saved = engine->state();
  const Result<Engine> again = loaded(saved);
  ATTUNE_ASSERT(again.has_value(), "what an engine saves, an engine takes");
  ATTUNE_ASSERT(again->state() == saved, "and it is the same state");
  for (const PointMetrics& point : engine->metrics().points) {
    ATTUNE_ASSERT(point.arms.size() <= 1'000'000, "no unbounded memory");
  }
}

}  // namespace attune::fuzz
