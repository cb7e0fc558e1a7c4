// SPDX-License-Identifier: Apache-2.0
#include "tests/rewards/collector_model.hpp"

namespace attune::test {

std::optional<double> CollectorModel::aggregate(const Item& item, std::size_t component) const {
  std::vector<double> values;
  for (const Part& part : item.joined) {
    if (part.component == component) {
      values.push_back(part.value);
    }
  }
  if (values.empty()) {
    return std::nullopt;
  }
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  switch (spec_.components[component].aggregate) {
    case Aggregation::last:
      return values.back();
    case Aggregation::sum:
      return sum;
    case Aggregation::mean:
      return sum / static_cast<double>(values.size());
    case Aggregation::max:
      return std::ranges::max(values);
    case Aggregation::first:
      return values.front();
  }
  return std::nullopt;
}

bool CollectorModel::satisfied(const Item& item) const {
  bool required = true;
  for (std::size_t c = 0; c < spec_.components.size(); ++c) {
    required = required && (!spec_.components[c].required || aggregate(item, c).has_value());
  }
  return required && !item.joined.empty();
}

std::optional<double> CollectorModel::form(const Item& item, RewardOrigin& origin) {
  if (!satisfied(item)) {
    if (spec_.silence != Silence::default_value) {
      return std::nullopt;
    }
    std::size_t known = 0;
    bool covered = true;
    for (std::size_t c = 0; c < spec_.components.size(); ++c) {
      const bool has = aggregate(item, c).has_value() || spec_.components[c].has_default;
      known += has ? 1 : 0;
      covered = covered && (has || !spec_.components[c].required);
    }
    if (known == 0 || !covered) {
      origin = RewardOrigin::default_value;
      return spec_.default_reward;
    }
  }
  return weigh(item, origin);
}

double CollectorModel::weigh(const Item& item, RewardOrigin& origin) {
  double sum = 0.0;
  bool breach = false;
  std::size_t came = 0;
  for (std::size_t c = 0; c < spec_.components.size(); ++c) {
    const ComponentSpec& spec = spec_.components[c];
    const std::optional<double> given = aggregate(item, c);
    came += given ? 1 : 0;
    if (!given && !spec.has_default) {
      continue;
    }
    const double value = given.value_or(spec.default_value);
    breach = breach || (spec.has_limit_min && value < spec.limit_min) ||
             (spec.has_limit_max && value > spec.limit_max);
    double scaled = value;
    if (spec.normalise == Normalisation::range) {
      scaled = std::clamp((value - spec.range_min) / (spec.range_max - spec.range_min), 0.0, 1.0);
    } else if (spec.normalise == Normalisation::running) {
      const std::vector<double>& seen = values_[c];
      const auto n = static_cast<double>(seen.size());
      scaled = 0.0;
      if (seen.size() >= 2) {
        const double mean = std::accumulate(seen.begin(), seen.end(), 0.0) / n;
        const double squares = std::accumulate(seen.begin(), seen.end(), 0.0, [mean](double s, double x) {
          return s + (x - mean) * (x - mean);
        });
        const double distance = std::abs(value - mean) < 1e-12 ? 0.0 : value - mean;
        const double deviation = squares < 1e-18 ? 0.0 : std::sqrt(squares / (n - 1.0));
        scaled = distance == 0.0 ? 0.0 : std::clamp(distance / deviation, -4.0, 4.0);
      }
    }
    sum += spec.weight * scaled;
  }
  for (std::size_t c = 0; c < spec_.components.size(); ++c) {
    if (aggregate(item, c) && spec_.components[c].normalise == Normalisation::running) {
      values_[c].push_back(*aggregate(item, c));
    }
  }
  origin = RewardOrigin::observed;
  if (came < spec_.components.size()) {
    origin = came == 0 ? RewardOrigin::default_value : RewardOrigin::partial;
  }
  counters.breaches += breach ? 1 : 0;
  return breach ? spec_.breach_reward : std::clamp(sum, spec_.reward_min, spec_.reward_max);
}

void CollectorModel::resolve(std::size_t at, bool overflow) {
  Item& item = all_[at];
  const std::optional<double> reward = form(item, item.origin);
  if (!reward) {
    const LossReason rule = spec_.silence == Silence::censor ? LossReason::censored : LossReason::silent;
    item.taught_nothing = true;
    lose(at, overflow ? LossReason::overflow : rule);
    return;
  }
  item.reward = *reward;
  item.stage = Stage::rewarded;
  if (item.chain >= 0) {
    return;
  }
  if (spec_.credit != Credit::transition) {
    learn(at, *reward);
  } else if (!item.truncated) {
    experience(at, {}, true, false);
  } else if (!item.next.empty()) {
    experience(at, item.next, false, true);
  } else {
    lose(at, LossReason::no_next_state);
  }
}

}  // namespace attune::test
