// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/lin_ucb_hybrid.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/kernels.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/bandit/linear_scores.hpp"

namespace attune {

static_assert(check_bandit<LinUcbHybrid>() && ExplicitBandit<LinUcbHybrid>);

namespace {

using detail::StripVector;

// Context with its intercept; empty when there is neither.
std::size_t context_length(const LinUcbHybridConfig& config, const Shape& shape) noexcept {
  return shape.features + (config.intercept ? 1 : 0);
}

std::size_t shared_length(const LinUcbHybridConfig& config, const Shape& shape) noexcept {
  const std::size_t context = context_length(config, shape);
  const bool outer = config.shared == SharedFeatures::outer && context > 0;
  return shape.action_features * (outer ? context : 1);
}

StripVector whole(std::span<const double> padded) noexcept { return {padded, false, 0.0}; }

}  // namespace

Result<LinUcbHybrid> LinUcbHybrid::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.sparse) {
    return fail(Errc::unsupported, "lin_ucb_hybrid keeps dense matrices and needs a dense context");
  }
  if (shape.action_features == 0) {
    return fail(Errc::invalid_config,
                "lin_ucb_hybrid needs action features; lin_ucb is the policy without them");
  }
  const std::size_t own_length = config.disjoint ? context_length(config, shape) : 0;
  if (shape.features > RidgeBank::kMaxDimension || shape.action_features > RidgeBank::kMaxDimension) {
    return fail(Errc::invalid_config, "lin_ucb_hybrid takes at most " +
                                          std::to_string(RidgeBank::kMaxDimension) +
                                          " context and as many action features");
  }
  Result<RidgeBank> own = RidgeBank::make(shape.arms, own_length, config.ridge, 1.0);
  if (!own) {
    return tl::unexpected(std::move(own).error());
  }
  Result<RidgeBank> shared = RidgeBank::make(1, shared_length(config, shape), config.ridge, 1.0);
  if (!shared) {
    Error error = std::move(shared).error();
    error.message += " (shared model: action features times context; shared = \"action\" is smaller)";
    return tl::unexpected(std::move(error));
  }
  const std::size_t cross = std::max<std::size_t>(1, own_length * detail::padded_size(shared->dimension()));
  if (shape.arms > RidgeBank::kMaxNumbers / cross) {
    return fail(Errc::invalid_config,
                "lin_ucb_hybrid: too many numbers for " + std::to_string(shape.arms) + " arms");
  }
  return LinUcbHybrid(config, shape, *std::move(own), *std::move(shared));
}

LinUcbHybrid::LinUcbHybrid(const Config& config, const Shape& shape, RidgeBank own, RidgeBank shared)
    : config_(config),
      features_(shape.features),
      action_features_(shape.action_features),
      length_(detail::padded_size(shared.dimension())),
      arms_(shape.arms),
      own_(std::move(own)),
      shared_(std::move(shared)),
      cross_(shape.arms * own_.dimension() * length_),
      scratch_(length_) {}

Errc LinUcbHybrid::check(const Context& context) const noexcept {
  if (const Errc verdict = check_input(context.input, features_, false); verdict != Errc::ok) {
    return verdict;
  }
  if (context.actions.dimension != action_features_ ||
      context.actions.rows.size() < arm_count() * action_features_) {
    return Errc::dimension_mismatch;
  }
  bool finite = true;
  arms_.for_each(context,
                 [&](std::size_t arm) { finite = finite && all_finite(context.actions.row(to_arm(arm))); });
  return finite ? Errc::ok : Errc::non_finite;
}

// z of an arm, padded with zeros to `out`.
void LinUcbHybrid::shared_features(Features context, Features action, std::span<double> out) const noexcept {
  std::size_t at = 0;
  if (config_.shared == SharedFeatures::outer && (features_ > 0 || config_.intercept)) {
    for (const double a : action) {
      for (const double x : context) {
        out[at++] = a * x;
      }
      if (config_.intercept) {
        out[at++] = a;
      }
    }
  } else {
    std::ranges::copy(action, out.begin());
    at = action.size();
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(at), out.end(), 0.0);
}

// out -= C_a' x: what remains of z once the arm's own model has explained its part.
void LinUcbHybrid::subtract_explained(std::size_t arm, const StripVector& x,
                                      std::span<double> out) const noexcept {
  const std::size_t rows = own_.dimension();
  const double* row = cross_.data() + (arm * rows * length_);
  for (std::size_t i = 0; i < rows; ++i) {
    detail::kernels().axpy(out.data(), -x[i], row, length_);
    row += length_;
  }
}

template <class Visitor>
void LinUcbHybrid::for_each_score(const Context& context, Visitor&& visit) const noexcept {
  alignas(64) std::array<double, RidgeBank::kMaxDimension> buffer;  // NOLINT: written before it is read
  const std::span<double> remaining(buffer.data(), length_);
  const StripVector own_x =
      own_.dimension() > 0 ? StripVector(context.input.dense, config_.intercept, 1.0) : StripVector();
  detail::for_each_linear_score(
      arms_, own_, context, own_x, [&](std::size_t arm, double mean, double variance) {
        constexpr std::array<std::uint32_t, 1> kOnly{0};
        shared_features(context.input.dense, context.actions.row(to_arm(arm)), remaining);
        subtract_explained(arm, own_x, remaining);
        double shared_mean = 0.0;
        double shared_variance = 0.0;
        shared_.scores(whole(remaining), kOnly, &shared_mean, &shared_variance);
        visit(arm, mean + shared_mean, variance + shared_variance);
      });
}

Choice LinUcbHybrid::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = check(context); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  detail::LinearArgMax best(rng);
  std::size_t place = 0;
  for_each_score(context, [&](std::size_t arm, double mean, double variance) {
    best.offer(place++, arm, mean + (config_.alpha * std::sqrt(variance)), mean);
  });
  return detail::with_times_offered(best.choice(), context);
}

Errc LinUcbHybrid::probabilities(const Context& context, std::span<double> out) const noexcept {
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = check(context); verdict != Errc::ok) {
    return verdict;
  }
  return detail::tie_probabilities(out, [&](const auto& visit) {
    for_each_score(context, [&](std::size_t arm, double mean, double variance) {
      visit(arm, detail::comparable(mean + (config_.alpha * std::sqrt(variance))));
    });
  });
}

Errc LinUcbHybrid::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  if (const Errc verdict = check_input(feedback.input, features_, false); verdict != Errc::ok) {
    return verdict;
  }
  if (feedback.action.size() != action_features_) {
    return Errc::dimension_mismatch;
  }
  if (!all_finite(feedback.action)) {
    return Errc::non_finite;
  }
  const StripVector x =
      own_.dimension() > 0 ? StripVector(feedback.input.dense, config_.intercept, 1.0) : StripVector();
  shared_features(feedback.input.dense, feedback.action, scratch_);
  const Errc verdict = learn(to_index(feedback.arm), x, feedback.reward, feedback.weight);
  if (verdict == Errc::ok) {
    ++updates_;
  }
  return verdict;
}

// One observation whose z is in scratch_. Nothing is changed before both models have agreed.
Errc LinUcbHybrid::learn(std::size_t arm, const StripVector& x, double reward, double weight) noexcept {
  subtract_explained(arm, x, scratch_);
  RidgeBank::Step own;
  if (const Errc verdict = own_.prepare(arm, x, reward, weight, own); verdict != Errc::ok) {
    return verdict;
  }
  const double left = 1.0 / (1.0 + (weight * own.variance));
  RidgeBank::Step shared;
  if (const Errc verdict = shared_.prepare(0, whole(scratch_), own.residual, weight * left, shared);
      verdict != Errc::ok) {
    return verdict;
  }
  // C_a is a ridge regression of z on x too: C += gain P x p'.
  const std::span<const double> direction = own_.prepared_direction();
  double* const cross = cross_.data() + (arm * own_.dimension() * length_);
  double probe = 0.0;
  for (std::size_t i = 0; i < own_.dimension(); ++i) {
    const double gain = weight * left * direction[i];
    for (std::size_t j = 0; j < length_; ++j) {
      probe += (cross[(i * length_) + j] + (gain * scratch_[j])) * 0.0;
    }
  }
  if (probe != 0.0) {
    return Errc::non_finite;
  }
  for (std::size_t i = 0; i < own_.dimension(); ++i) {
    detail::kernels().axpy(cross + (i * length_), weight * left * direction[i], scratch_.data(), length_);
  }
  own_.commit(own);
  shared_.commit(shared);
  return Errc::ok;
}

Result<ArmIndex> LinUcbHybrid::add_arm() {
  if (arms_.count() >= ArmSet::kMaxArms) {
    return arms_.add();  // says why not
  }
  const std::size_t extra = own_.dimension() * length_;
  if (cross_.size() + extra > RidgeBank::kMaxNumbers) {
    return fail(Errc::full, "lin_ucb_hybrid is at its bound of numbers");
  }
  if (cross_.capacity() < cross_.size() + extra) {
    cross_.reserve(std::max(cross_.size() + extra, 2 * cross_.capacity()));
  }
  if (Result<void> added = own_.add(); !added) {
    return tl::unexpected(std::move(added).error());
  }
  cross_.resize(cross_.size() + extra);
  return arms_.add();
}

Errc LinUcbHybrid::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  own_.reset(to_index(arm));
  const std::size_t size = own_.dimension() * length_;
  std::fill_n(cross_.data() + (to_index(arm) * size), size, 0.0);
  return Errc::ok;
}

Result<void> LinUcbHybrid::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (own_.dimension() == 0) {
    return fail(Errc::unsupported,
                "lin_ucb_hybrid: an arm without a model of its own has no place for a prior");
  }
  if (prior.weight == 0.0) {
    return {};
  }
  LinUcbHybrid next = *this;
  std::vector<double> unit(own_.dimension());
  for (std::size_t i = config_.intercept ? features_ : 0; i < unit.size(); ++i) {
    std::ranges::fill(unit, 0.0);
    unit[i] = 1.0;
    std::ranges::fill(next.scratch_, 0.0);
    if (next.learn(to_index(arm), StripVector(unit, false, 0.0), prior.mean, prior.weight) != Errc::ok) {
      return fail(Errc::non_finite, "a prior of mean " + number_text(prior.mean) + " and weight " +
                                        number_text(prior.weight) + " is beyond what can be learned");
    }
  }
  *this = std::move(next);
  return {};
}

void LinUcbHybrid::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  own_.save(writer);
  shared_.save(writer);
  writer.numbers(std::span<const double>(cross_));
}

Result<void> LinUcbHybrid::load(Reader& reader) {
  const std::uint64_t updates = reader.u64();
  ArmSet arms(0);
  arms.load(reader);
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its list of arms is damaged");
  }
  RidgeBank own = own_;
  RidgeBank shared = shared_;
  own.load(reader);
  shared.load(reader);
  if (!reader.ok() || own.count() != arms.count() || shared.count() != 1) {
    return detail::corrupt(kName,
                           "the matrices are damaged, or belong to another number of features or arms");
  }
  const std::vector<double> cross = reader.numbers<double>(own.count() * own.dimension() * length_);
  if (!reader.ok() || cross.size() != own.count() * own.dimension() * length_ || !all_finite(cross)) {
    return detail::corrupt(kName, "the matrices between the shared and the arms' own models are damaged");
  }
  for (std::size_t i = 0; i < cross.size(); ++i) {
    if (i % length_ >= shared.dimension() && cross[i] != 0.0) {
      return detail::corrupt(kName, "padding that is not zero");
    }
  }
  updates_ = updates;
  arms_ = std::move(arms);
  own_ = std::move(own);
  shared_ = std::move(shared);
  cross_.assign(cross.begin(), cross.end());
  return {};
}

Description LinUcbHybrid::describe() const {
  constexpr std::size_t kShown = 16;
  Description text;
  text.summary = "hybrid LinUCB over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(updates_) + " rewards";
  text.values = {{"alpha", config_.alpha},
                 {"ridge", config_.ridge},
                 {"updates", static_cast<double>(updates_)},
                 {"context_features", static_cast<double>(features_)},
                 {"action_features", static_cast<double>(action_features_)},
                 {"shared_features", static_cast<double>(shared_.dimension())}};
  const std::span<const double> beta = shared_.coefficients(0);
  for (std::size_t i = 0; i < std::min(beta.size(), kShown); ++i) {
    text.values.emplace_back("beta_" + std::to_string(i), beta[i]);
  }
  text.columns = {"enabled", "rewards", "own_norm"};
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    double norm = 0.0;
    for (const double value : own_.coefficients(arm)) {
      norm = std::hypot(norm, value);
    }
    text.rows.push_back(
        {arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, static_cast<double>(own_.learned(arm)), norm});
  }
  return text;
}

bool LinUcbHybrid::operator==(const LinUcbHybrid& other) const noexcept {
  return config_ == other.config_ && features_ == other.features_ &&
         action_features_ == other.action_features_ && updates_ == other.updates_ && arms_ == other.arms_ &&
         own_ == other.own_ && shared_ == other.shared_ && cross_ == other.cross_;
}

}  // namespace attune
