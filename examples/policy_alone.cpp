// SPDX-License-Identifier: Apache-2.0
// Level L0: a policy by itself is a value. No engine, no configuration, no store.
#include <attune/core/sampling.hpp>
#include <attune/policies/lin_ucb.hpp>

#include <array>
#include <cstdio>

int main() {
  using namespace attune;  // an example may
  LinUcb policy = LinUcb::make({.alpha = 0.5}, {.arms = 2, .features = 2}).value();

  Rng world(1);
  int best = 0;
  constexpr int kRounds = 2000;
  for (int t = 0; t < kRounds; ++t) {
    // Arm 0 pays the first feature, arm 1 the second: the context says which is better.
    const std::array<double, 2> x{world.uniform(), world.uniform()};
    const Input input{.dense = x};
    Rng rng(42, 0, static_cast<std::uint64_t>(t));
    const Choice choice = policy.select({.input = input}, rng);
    const double reward = x.at(to_index(choice.arm)) + 0.1 * sample_normal(world);
    if (policy.update({.arm = choice.arm, .reward = reward, .input = input}) != Errc::ok) {
      return 1;
    }
    best += x.at(to_index(choice.arm)) >= x.at(1 - to_index(choice.arm)) ? 1 : 0;
  }
  std::printf("took the better arm in %d of %d rounds\n", best, kRounds);

  // Its state is bytes, and comes back bit for bit.
  LinUcb copy = LinUcb::make({.alpha = 0.5}, {.arms = 2, .features = 2}).value();
  const bool same = load_state(copy, save_state(policy)).has_value() && copy == policy;
  std::printf("restored: %s\n", same ? "equal" : "different");
  return same && best > kRounds * 9 / 10 ? 0 : 1;
}
