// SPDX-License-Identifier: Apache-2.0
// AutoBandit: how it is made, its arms, saving and describing.
#include <attune/policies/auto_bandit.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"

namespace attune {
namespace {

constexpr std::size_t kMaxKeptNumbers = std::size_t{1} << 22;
constexpr std::size_t kLeastCentres = 16;
constexpr double kMebibyte = 1024.0 * 1024.0;

bool all_nonnegative(std::span<const double> values) noexcept {
  return std::ranges::all_of(values, [](double value) { return value >= 0.0 && std::isfinite(value); });
}

}  // namespace

bool AutoBandit::Moments::sound() const noexcept {
  return weight >= 0.0 && std::isfinite(weight) && std::isfinite(mean) && squares >= 0.0 &&
         std::isfinite(squares);
}

// The linear model gets half of the memory, what is left goes to the products and then to the centres.
AutoBandit::Sizes AutoBandit::affordable(const Config& config, const Shape& shape) {
  if (shape.features == 0) {
    return {};
  }
  const std::size_t arms = std::max<std::size_t>(1, shape.arms);
  const auto bytes = [&](ModelKind kind, std::size_t inputs, std::size_t centres) {
    return RewardModel::bytes(arms, RewardModel::length(kind, inputs, centres));
  };
  double left = config.memory_mb * kMebibyte;
  Sizes sizes{.inputs = std::min(shape.features, RewardModel::kMaxInputs)};
  while (sizes.inputs > 1 && bytes(ModelKind::linear, sizes.inputs, 0) > left / 2.0) {
    --sizes.inputs;
  }
  left -= bytes(ModelKind::linear, sizes.inputs, 0);
  if (sizes.inputs <= RewardModel::kMaxProductInputs &&
      bytes(ModelKind::products, sizes.inputs, 0) <= left / 2.0) {
    sizes.products = true;
    left -= bytes(ModelKind::products, sizes.inputs, 0);
  }
  sizes.centres = config.centres;
  while (sizes.centres > 0 && bytes(ModelKind::centres, sizes.inputs, sizes.centres) > left) {
    --sizes.centres;
  }
  sizes.centres = sizes.centres < std::min<std::size_t>(kLeastCentres, config.centres) ? 0 : sizes.centres;
  return sizes;
}

AutoBandit::AutoBandit(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      arms_(shape.arms),
      scaling_(shape.features),
      rewards_(shape.arms),
      priors_(shape.arms),
      errors_(shape.arms),
      counts_(shape.arms) {
  if (features_ > 0) {
    const std::size_t room = std::max<std::size_t>(kFirstReplay, kMaxKeptNumbers / features_);
    kept_.resize(std::min<std::size_t>(config.replay, room));
    contexts_.resize(kept_.size() * features_);
  }
}

Result<void> AutoBandit::build(const Sizes& sizes) {
  sizes_ = sizes;
  models_.clear();
  const auto append = [&](ModelKind kind) -> Result<void> {
    Result<RewardModel> model = RewardModel::make(kind, arms_.count(), sizes.inputs, sizes.centres);
    if (!model) {
      return tl::unexpected(std::move(model).error());
    }
    models_.push_back(*std::move(model));
    return {};
  };
  Result<void> verdict = features_ > 0 ? append(ModelKind::linear) : Result<void>{};
  if (verdict && sizes.products) {
    verdict = append(ModelKind::products);
  }
  if (verdict && sizes.centres > 0) {
    verdict = append(ModelKind::centres);
  }
  weights_.assign(models_.size() + 1, 0.0);
  z_.assign(sizes.inputs, 0.0);
  weigh();
  return verdict;
}

Result<AutoBandit> AutoBandit::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.sparse) {
    return fail(Errc::unsupported,
                "auto needs a dense context; declare one, or hash the features to a few hundred");
  }
  AutoBandit policy(config, shape);
  if (Result<void> built = policy.build(affordable(config, shape)); !built) {
    return tl::unexpected(std::move(built).error());
  }
  return policy;
}

Result<ArmIndex> AutoBandit::add_arm() {
  if (arms_.count() >= ArmSet::kMaxArms) {
    return arms_.add();  // says why not
  }
  const std::size_t count = arms_.count() + 1;
  detail::make_room(rewards_, count);
  detail::make_room(priors_, count);
  detail::make_room(errors_, count);
  detail::make_room(counts_, count);
  for (std::size_t c = 0; c < models_.size(); ++c) {
    if (Result<void> added = models_[c].add(); !added) {
      return tl::unexpected(std::move(added).error());
    }
  }
  rewards_.emplace_back();
  priors_.emplace_back();
  errors_.push_back(0.0);
  counts_.push_back(0.0);
  return arms_.add();
}

Errc AutoBandit::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  for (RewardModel& model : models_) {
    model.reset(slot);
  }
  rewards_[slot] = {};
  priors_[slot] = {};
  errors_[slot] = 0.0;
  counts_[slot] = 0.0;
  for (std::size_t i = 0; i < kept_count_; ++i) {
    kept_[i].weight = kept_[i].arm == slot ? 0.0 : kept_[i].weight;
  }
  weigh();
  return Errc::ok;
}

Errc AutoBandit::forget(ArmIndex arm, double keep) noexcept {
  const bool everything = arm == kNoArm && keep == 0.0;
  base_ = everything ? 0.0 : base_;
  const Errc verdict = detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    for (RewardModel& model : models_) {
      model.forget(slot, keep);
      if (everything && slot == 0) {
        model.clear();  // the centres too
      }
      if (priors_[slot].weight > 0.0) {
        model.learn_prior(slot, priors_[slot].mean - base_, priors_[slot].weight * (1.0 - keep));
      }
    }
    Moments& own = rewards_[slot];
    // The prior stays: what is left is its pseudo-rewards and `keep` of the others.
    Moments left = priors_[slot];
    const double rest = std::max(0.0, own.weight - left.weight) * keep;
    if (rest > detail::kLeastWeight) {
      const double mean = ((own.mean * own.weight) - (left.mean * left.weight)) / (own.weight - left.weight);
      left.add(mean, rest);
      left.squares = std::max(left.squares, own.squares * keep);
    }
    own = left;
    errors_[slot] *= keep;
    counts_[slot] *= keep;
    for (std::size_t i = 0; i < kept_count_; ++i) {
      kept_[i].weight *= kept_[i].arm == slot ? keep : 1.0;
    }
  });
  if (verdict != Errc::ok) {
    return verdict;
  }
  if (arm == kNoArm) {
    all_.weight *= keep;
    all_.squares *= keep;
    if (everything) {
      all_ = {};
      kept_count_ = 0;
      next_ = kFirstReplay;
      scaling_.reset();
    }
  }
  weigh();
  return Errc::ok;
}

Result<void> AutoBandit::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (prior.weight < detail::kLeastWeight) {
    return {};
  }
  if (std::abs(prior.mean) > RewardModel::kMaxError || prior.weight > RewardModel::kMaxError) {
    return fail(Errc::non_finite, "a prior of mean " + number_text(prior.mean) + " and weight " +
                                      number_text(prior.weight) + " is beyond what can be learned");
  }
  const std::size_t slot = to_index(arm);
  for (RewardModel& model : models_) {
    model.learn_prior(slot, prior.mean - base_, prior.weight);
  }
  rewards_[slot].add(prior.mean, prior.weight);
  priors_[slot].add(prior.mean, prior.weight);
  binary_ = binary_ && prior.mean >= 0.0 && prior.mean <= 1.0;
  return {};
}

void AutoBandit::save(Writer& writer) const {
  writer.u64(sizes_.inputs);
  writer.u64(sizes_.centres);
  writer.boolean(sizes_.products);
  writer.u64(updates_);
  arms_.save(writer);
  const auto moments = [&](const Moments& of) {
    writer.f64(of.weight);
    writer.f64(of.mean);
    writer.f64(of.squares);
  };
  std::ranges::for_each(rewards_, moments);
  std::ranges::for_each(priors_, moments);
  moments(all_);
  writer.numbers(errors_);
  writer.numbers(counts_);
  writer.boolean(binary_);
  writer.f64(base_);
  if (features_ > 0) {
    scaling_.save(writer);
    for (const RewardModel& model : models_) {
      model.save(writer);
    }
    save_kept(writer);
  }
}

void AutoBandit::save_kept(Writer& writer) const {
  writer.u64(kept_count_);
  writer.u64(next_);
  for (std::size_t i = 0; i < kept_count_; ++i) {
    writer.u32(kept_[i].arm);
    writer.f64(kept_[i].reward);
    writer.f64(kept_[i].weight);
  }
  writer.numbers(std::span(contexts_).first(kept_count_ * features_));
}

bool AutoBandit::load_sizes(Reader& reader) {
  Sizes sizes;
  sizes.inputs = static_cast<std::size_t>(reader.u64());
  sizes.centres = static_cast<std::size_t>(reader.u64());
  sizes.products = reader.boolean();
  const bool possible = features_ == 0
                            ? sizes == Sizes{}
                            : sizes.inputs >= 1 && sizes.inputs <= features_ &&
                                  sizes.inputs <= RewardModel::kMaxInputs &&
                                  sizes.centres <= RewardModel::kMaxCentres &&
                                  (!sizes.products || sizes.inputs <= RewardModel::kMaxProductInputs);
  return reader.ok() && possible && build(sizes).has_value();
}

bool AutoBandit::load_arms(Reader& reader) {
  updates_ = reader.u64();
  arms_.load(reader);
  const std::size_t count = arms_.count();
  if (!reader.ok() || count > reader.left() / sizeof(double)) {
    return false;
  }
  bool sound = true;
  const auto moments = [&](Moments& of) {
    of.weight = reader.f64();
    of.mean = reader.f64();
    of.squares = reader.f64();
    sound = sound && of.sound();
  };
  rewards_.resize(count);
  priors_.resize(count);
  std::ranges::for_each(rewards_, moments);
  std::ranges::for_each(priors_, moments);
  moments(all_);
  errors_ = reader.numbers<double>(count);
  counts_ = reader.numbers<double>(count);
  binary_ = reader.boolean();
  base_ = reader.finite();
  return reader.ok() && sound && errors_.size() == count && counts_.size() == count &&
         all_nonnegative(errors_) && all_nonnegative(counts_);
}

bool AutoBandit::load_kept(Reader& reader) {
  kept_count_ = reader.u64();
  next_ = reader.u64();
  // The state may come from a configuration that kept more.
  constexpr std::size_t kLeastBytes = 20;  // of one kept reward
  if (!reader.ok() || kept_count_ > reader.left() / kLeastBytes || next_ < kFirstReplay) {
    return false;
  }
  if (kept_count_ > kept_.size()) {
    kept_.resize(kept_count_);
    contexts_.resize(kept_count_ * features_);
  }
  bool sound = true;
  for (std::size_t i = 0; i < kept_count_; ++i) {
    Kept& kept = kept_[i];
    kept.arm = reader.u32();
    kept.reward = reader.f64();
    kept.weight = reader.f64();
    sound = sound && kept.arm < arms_.count() && std::abs(kept.reward) <= RewardModel::kMaxError &&
            kept.weight >= 0.0 && kept.weight <= RewardModel::kMaxError;
  }
  const std::vector<double> contexts = reader.numbers<double>(kept_count_ * features_);
  if (!reader.ok() || !sound || contexts.size() != kept_count_ * features_ || !all_finite(contexts)) {
    return false;
  }
  std::ranges::copy(contexts, contexts_.begin());
  return true;
}

Result<void> AutoBandit::load(Reader& reader) {
  AutoBandit next(config_, {.features = features_});
  if (!next.load_sizes(reader)) {
    return detail::corrupt(kName, "the sizes of the models are damaged or fit another context");
  }
  if (!next.load_arms(reader)) {
    return detail::corrupt(kName, "what is known of the arms is cut short or damaged");
  }
  if (features_ > 0) {
    bool sound = next.scaling_.load(reader);
    for (RewardModel& model : next.models_) {
      sound = sound && model.load(reader, next.arms_.count());
    }
    if (!sound || !next.load_kept(reader)) {
      return detail::corrupt(kName, "the models are damaged, or belong to another context");
    }
  }
  next.weigh();
  *this = std::move(next);
  return {};
}

Description AutoBandit::describe() const {
  const std::string of_arms =
      std::to_string(arm_count()) + " arms after " + std::to_string(updates_) + " rewards";
  Description text;
  text.values = {{"alpha", config_.alpha},
                 {"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(features_)},
                 {"deviation", deviation_}};
  std::size_t leader = 0;
  for (std::size_t c = 0; c < weights_.size(); ++c) {
    leader = weights_[c] > weights_[leader] ? c : leader;
  }
  const auto name = [&](std::size_t c) {
    return c == 0 ? std::string("means")
                  : std::string(kEnumNames<ModelKind>[static_cast<std::size_t>(models_[c - 1].kind())]);
  };
  const double rewards = detail::sum_of(counts_);
  for (std::size_t c = 0; features_ > 0 && c < weights_.size(); ++c) {
    double error = 0.0;
    for (std::size_t arm = 0; arm < arm_count(); ++arm) {
      error += c == 0 ? errors_[arm] : models_[c - 1].error(arm);
    }
    text.values.emplace_back("weight_" + name(c), weights_[c]);
    text.values.emplace_back("mean_squared_error_" + name(c), rewards > 0.0 ? error / rewards : 0.0);
  }
  if (features_ == 0) {
    text.summary = std::string(binary_ ? "Beta" : "normal") + " Thompson sampling over " + of_arms;
  } else if (rewards == 0.0) {
    text.summary = "auto over " + of_arms + ": no model leads yet";
  } else {
    text.summary = "auto over " + of_arms + ": " + name(leader) + " predicts best and has " +
                   number_text(std::round(100.0 * weights_[leader])) + " % of the say";
  }
  text.columns = {"enabled", "rewards", "mean"};
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, rewards_[arm].weight, rewards_[arm].mean});
  }
  return text;
}

bool AutoBandit::operator==(const AutoBandit& other) const noexcept {
  const auto same_kept = [&] {
    const auto kept = static_cast<std::ptrdiff_t>(kept_count_);
    const auto numbers = static_cast<std::ptrdiff_t>(kept_count_ * features_);
    return std::equal(kept_.begin(), kept_.begin() + kept, other.kept_.begin()) &&
           std::equal(contexts_.begin(), contexts_.begin() + numbers, other.contexts_.begin());
  };
  return config_ == other.config_ && features_ == other.features_ && arms_ == other.arms_ &&
         sizes_ == other.sizes_ && scaling_ == other.scaling_ && models_ == other.models_ &&
         rewards_ == other.rewards_ && priors_ == other.priors_ && errors_ == other.errors_ &&
         counts_ == other.counts_ && all_ == other.all_ && binary_ == other.binary_ && base_ == other.base_ &&
         kept_count_ == other.kept_count_ && next_ == other.next_ && updates_ == other.updates_ &&
         same_kept();
}

}  // namespace attune
