// SPDX-License-Identifier: Apache-2.0
// A model behind a breaker, with a plain rule to fall back on and the last good answer behind that.
#include <cstdio>

#include <attune/safety/fallback_chain.hpp>
#include <attune/safety/keyed_limiter.hpp>

using attune::Deadline;
using attune::Result;

int main() {
  attune::ManualClock clock;  // attune::SystemClock in a service
  constexpr attune::Nanos kMillisecond = 1'000'000;

  attune::BreakerConfig model;
  model.slow_call_s = 0.05;
  attune::FallbackConfig config;
  config.members = {{"model", model}, {"rule", {}}};
  config.cache_s = 60.0;
  auto chain = attune::FallbackChain<double>::make(config);
  auto callers = attune::KeyedLimiter::make({.rate = 100.0, .burst = 40.0});
  if (!chain || !callers) {
    return 1;
  }

  int refused = 0;
  int by_rule = 0;
  for (int request = 0; request < 50; ++request) {
    clock.advance(kMillisecond);
    if (!callers->try_acquire("alice", clock.now())) {
      ++refused;  // what try_acquire returns says how long to wait
      continue;
    }
    const auto answer = chain->run(
        clock, Deadline::after(clock.now(), 100 * kMillisecond),
        [&](Deadline /*by*/) -> Result<double> {
          return attune::fail(attune::Errc::io, "the model's server does not answer");
        },
        [] { return Result<double>(0.5); });
    by_rule += answer.from == 1 ? 1 : 0;
    if (request == 0 || request == 5) {
      std::printf("request %d: %s\n", request, chain->explain(answer).c_str());
    }
  }
  std::printf("%d by the rule, %d refused\n", by_rule, refused);

  attune::BreakerEvent event;
  while (chain->breaker(0).take_events({&event, 1}) == 1) {
    std::printf("model: %s -> %s, %s\n", to_string(event.from).data(), to_string(event.to).data(),
                to_string(event.reason).data());
  }
  // Prints:
  //   request 0: model: failed (io); rule: answered
  //   request 5: model: rejected (open); rule: answered
  //   44 by the rule, 6 refused
  //   model: closed -> open, consecutive
  return chain->breaker(0).state() == attune::BreakerState::open && by_rule + refused == 50 ? 0 : 1;
}
