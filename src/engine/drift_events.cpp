// SPDX-License-Identifier: Apache-2.0
// Who is told of a drift: the log, and the callback of EngineOptions::retrain.
#include <string>
#include <utility>
#include <vector>

#include "engine/engine_impl.hpp"

namespace attune {

void Engine::Impl::tell_drifts(Point& point) {
  const std::vector<DriftEvent> events = point.drift().take_events();
  if (!log.active()) {
    return;  // a replay: they were told when they were found
  }
  for (const DriftEvent& event : events) {
    const DriftWatchConfig& watch = *event.watch;
    say(watch.does(DriftAction::alert) ? 2 : 1,
        "drift: point=" + point.config().name + " watch=" + watch.name +
            (event.of.empty() ? "" : " of=" + event.of) + " detector=" + std::string(watch.detector->name()) +
            " position=" + std::to_string(event.position) +
            " done=" + (event.done.empty() ? "nothing" : event.done));
    if (watch.does(DriftAction::retrain) && options.retrain) {
      const std::scoped_lock lock(retrain_mutex);
      retrains.push_back({.point = point.config().name, .watch = watch.name, .position = event.position});
    }
  }
}

void Engine::Impl::run_retrains() {
  std::vector<Retrain> due;
  {
    const std::scoped_lock lock(retrain_mutex);
    due = std::exchange(retrains, {});
  }
  for (const Retrain& one : due) {
    try {
      options.retrain(one.point, one.watch, one.position);
    } catch (...) {  // a caller's exception must not end the learner's thread
      say(3, "the retrain callback threw: point=" + one.point + " watch=" + one.watch);
    }
  }
}

}  // namespace attune
