// SPDX-License-Identifier: Apache-2.0
// One policy over rows from files: steps a CPU second, p50 of select, memory. bench/peers/bandits.py runs it
// beside the peers' loops over the same rows.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/engine/registry.hpp>

#include "bench/ratio/measure.hpp"

namespace attune::bench {
namespace {

std::vector<double> numbers_of(const char* path, std::size_t count) {
  std::ifstream file(path, std::ios::binary);
  std::vector<double> numbers(count);
  file.read(reinterpret_cast<char*>(numbers.data()), static_cast<std::streamsize>(count * sizeof(double)));
  if (!file) {
    std::fprintf(stderr, "%s: fewer than %zu numbers\n", path, count);
    std::exit(2);
  }
  return numbers;
}

/// Not getrusage: a new program begins with the largest size of the one that started it.
double resident_kib() {
  std::ifstream file("/proc/self/statm");
  double all = 0.0;
  double resident = 0.0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024.0;
}

/// Rows of contexts (rows x features) and of the rewards of all arms (rows x arms), again and again.
class Loop {
 public:
  Loop(AnyBandit& bandit, const std::vector<double>& contexts, const std::vector<double>& rewards,
       std::size_t features, std::size_t rows)
      : bandit_(bandit), contexts_(contexts), rewards_(rewards), features_(features), rows_(rows) {}

  void steps(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const Choice choice = decide();
      learn(choice);
    }
  }
  Choice decide() {
    row_ = (row_ + 1) % rows_;
    input_ = {.dense = Features(contexts_).subspan(row_ * features_, features_)};
    Rng rng(1, 0, ++decision_, 0);
    return bandit_.select({.input = input_}, rng);
  }
  void learn(const Choice& choice) {
    const double reward = rewards_[row_ * (rewards_.size() / rows_) + to_index(choice.arm)];
    if (bandit_.update({.arm = choice.arm, .reward = reward, .input = input_}) != Errc::ok) {
      std::fputs("a reward was refused\n", stderr);
      std::exit(2);
    }
  }

 private:
  AnyBandit& bandit_;
  const std::vector<double>& contexts_;
  const std::vector<double>& rewards_;
  std::size_t features_;
  std::size_t rows_;
  std::size_t row_ = 0;
  std::uint64_t decision_ = 0;
  Input input_;
};

int run(char** words) {
  const auto number = [](const char* text) {
    return static_cast<std::size_t>(std::strtoull(text, nullptr, 10));
  };
  const std::size_t arms = number(words[2]);
  const std::size_t features = number(words[3]);
  const std::size_t rows = number(words[4]);
  const double seconds = std::strtod(words[7], nullptr);
  const std::vector<double> contexts = numbers_of(words[5], rows * features);
  const std::vector<double> rewards = numbers_of(words[6], rows * arms);
  const double before = resident_kib();
  const nlohmann::json spec = nlohmann::json::parse(words[1], nullptr, false);
  Result<AnyPolicy> policy = make_policy(spec, {.arms = arms, .features = features});
  if (!policy) {
    std::fprintf(stderr, "%s\n", policy.error().message.c_str());
    return 2;
  }
  AnyBandit* bandit = std::get_if<AnyBandit>(&*policy);
  if (bandit == nullptr) {
    std::fputs("this policy is no bandit\n", stderr);
    return 2;
  }
  Loop loop(*bandit, contexts, rewards, features, rows);
  loop.steps(std::max<std::size_t>(arms * 20, 2000));
  double best = 0.0;
  for (int round = 0; round < 5; ++round) {
    best = std::max(best, rate([&](std::size_t count) { loop.steps(count); }, seconds));
  }
  const auto calls = static_cast<std::size_t>(std::clamp(best, 200.0, 20'000.0));
  const Percentiles decide = latencies([&] { static_cast<void>(loop.decide()); }, calls);
  const nlohmann::json out = {{"steps_per_second", best},
                              {"decide_p50_us", decide.p50 / 1000.0},
                              {"memory_kib", resident_kib() - before}};
  std::puts(out.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace attune::bench

int main(int count, char** words) {
  if (count != 8) {
    std::fputs(
        "usage: bench_peer_steps POLICY_JSON ARMS FEATURES ROWS CONTEXTS REWARDS SECONDS\n"
        "CONTEXTS, REWARDS: files of ROWS x FEATURES and ROWS x ARMS doubles. Prints JSON.\n",
        stderr);
    return 2;
  }
  return attune::bench::run(words);
}
