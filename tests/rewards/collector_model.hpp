// SPDX-License-Identifier: Apache-2.0
/// @file
/// A collector that is slow and plainly right: it keeps everything for ever and searches from the start.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "tests/rewards/reward_fixture.hpp"

namespace attune::test {

/// Mirrors Collector for what the property tests feed it: dense states, components by number.
class CollectorModel {
 public:
  struct Part {
    std::uint32_t component = 0;
    double value = 0.0;
    bool operator==(const Part&) const = default;
  };
  struct Outcome {
    std::uint64_t decision = 0;
    Nanos time = 0;
    std::vector<Part> parts;
    std::uint64_t key = 0;
    bool terminal = false;
    bool truncated = false;
    std::vector<double> next;
  };

  explicit CollectorModel(RewardSpec spec) : spec_(std::move(spec)), values_(spec_.components.size()) {}

  Errc decide(std::uint64_t id, Nanos time, std::uint64_t episode, const std::vector<double>& state);
  Fate outcome(const Outcome& said);
  void wait_until(Nanos time);
  void end(std::uint64_t episode, Nanos time);

  [[nodiscard]] std::size_t pending() const {
    return static_cast<std::size_t>(std::ranges::count_if(all_, [](const Item& i) { return i.held(); }));
  }
  [[nodiscard]] std::optional<Nanos> next_deadline() const {
    for (const Item& item : all_) {
      if (item.held() && !item.past_due) {
        return item.time + window();
      }
    }
    return std::nullopt;
  }

  std::vector<Call> calls;
  CollectorCounters counters;

 private:
  enum class Stage : std::uint8_t { waiting, rewarded, closed, forgotten };
  struct Item {
    std::uint64_t id = 0;
    Nanos time = 0;
    std::uint64_t episode = 0;
    std::vector<double> state;
    Stage stage = Stage::waiting;
    bool past_due = false;
    bool taught_nothing = false;  ///< closed by the end of its wait
    std::vector<Part> joined;
    std::vector<std::pair<std::uint64_t, std::vector<Part>>> keyed;  ///< sorted parts by explicit key
    std::vector<Part> unkeyed;
    double reward = 0.0;
    RewardOrigin origin{};
    bool terminal = false;
    bool truncated = false;
    std::vector<double> next;
    int chain = -1;
    std::uint64_t step = 0;

    [[nodiscard]] bool held() const { return stage == Stage::waiting || stage == Stage::rewarded; }
  };
  struct Chain {
    std::uint64_t episode = 0;
    bool ended = false;
    std::uint64_t steps = 0;
    std::vector<std::size_t> members;  ///< those held, in order
  };

  [[nodiscard]] Nanos window() const { return static_cast<Nanos>(spec_.join_window_s * 1e9); }
  [[nodiscard]] std::optional<std::size_t> find(std::uint64_t id) const;
  void close(std::size_t at);
  void learn(std::size_t at, double reward);
  void lose(std::size_t at, LossReason reason);
  void experience(std::size_t at, std::vector<double> next, bool terminal, bool truncated);
  void resolve(std::size_t at, bool overflow);
  [[nodiscard]] bool satisfied(const Item& item) const;
  [[nodiscard]] std::optional<double> aggregate(const Item& item, std::size_t component) const;
  [[nodiscard]] std::optional<double> form(const Item& item, RewardOrigin& origin);
  [[nodiscard]] double weigh(const Item& item, RewardOrigin& origin);
  void update(int number, bool force_first = false);
  void settle(const std::vector<std::size_t>& members);
  void expire();
  [[nodiscard]] static Fate judge(const Item& item, const Outcome& said, std::vector<Part>& fresh);
  static void join(Item& item, const Outcome& said, const std::vector<Part>& fresh);
  int mark(std::size_t at, const Outcome& said);
  Fate late(std::size_t at, const Outcome& said, const std::vector<Part>& fresh);
  Fate count(Fate fate);

  RewardSpec spec_;
  Nanos now_ = std::numeric_limits<Nanos>::min();
  std::vector<Item> all_;
  std::vector<std::size_t> closing_order_;
  std::vector<Chain> chains_;
  std::vector<std::vector<double>> values_;  ///< by component: what entered the running moments
};

}  // namespace attune::test
