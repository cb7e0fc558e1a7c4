// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/oracle_arms.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/kernels.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/learner/link.hpp"

namespace attune {
namespace {

constexpr double kMostOracleReward = 1e50;
constexpr double kMostOracleWeight = 1e9;
constexpr double kMostPrediction = 1e60;
constexpr double kMostRawFeature = 1e20;
constexpr double kMovedEnough = 0.1;
constexpr std::uint64_t kNotedAll = 1024;
constexpr std::uint64_t kNotedStep = 8;
constexpr std::size_t kMostMembers = 64;

}  // namespace

OracleArms::OracleArms(const OracleSetup& setup, const Shape& shape)
    : setup_(setup),
      shape_(shape),
      arms_(shape.arms),
      scaling_(0),
      rewards_(shape.arms, 0.0),
      size_(2.0 / std::sqrt(static_cast<double>(std::max<std::size_t>(shape.features, 1)))) {}

Result<OracleArms> OracleArms::make(const OracleSetup& setup, const Shape& shape) {
  OracleArms made(setup, shape);
  if (Result<void> built = made.build(RewardOracle::chosen(setup.oracle, shape), shape.arms); !built) {
    return tl::unexpected(std::move(built).error());
  }
  return made;
}

// Oracles of `kind` for as many arms, and a scale that knows nothing.
Result<void> OracleArms::build(OracleKind kind, std::size_t arms) {
  Shape shape = shape_;
  shape.arms = arms;
  Result<RewardOracle> first = RewardOracle::make(setup_.policy, kind, setup_.loss, shape, setup_.neural);
  if (!first) {
    return tl::unexpected(std::move(first).error());
  }
  members_.assign(std::clamp<std::size_t>(setup_.members, 1, kMostMembers), *first);
  const std::size_t scaled_features = scaled() ? shape_.features : 0;
  scaling_ = ContextScaling(scaled_features);
  stretch_.assign(scaled_features, 0.0);
  shift_.assign(scaled_features, 0.0);
  derive();
  return {};
}

OracleInput OracleArms::prepared(const Input& input, Buffer& buffer) const noexcept {
  if (!scaled()) {
    return {.raw = input, .scaled = {}};
  }
  const std::size_t features = shape_.features;
  scaling_.apply(input.dense, size_, buffer.data());
  buffer[features] = 1.0;
  const std::size_t padded = detail::padded_size(features + 1);
  std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(features + 1),
            buffer.begin() + static_cast<std::ptrdiff_t>(padded), 0.0);
  return {.raw = input, .scaled = std::span(buffer).first(padded)};
}

Errc OracleArms::check(const Context& context) const noexcept {
  return detail::check_context(context, shape_.features, shape_.sparse);
}

double OracleArms::linked(double score) const noexcept {
  return setup_.loss == Loss::logistic ? detail::logistic_of(score) : score;
}

Errc OracleArms::check(const Feedback& feedback) const noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  if (const Errc verdict = check_input(feedback.input, shape_.features, shape_.sparse); verdict != Errc::ok) {
    return verdict;
  }
  if (setup_.loss == Loss::logistic && (feedback.reward < 0.0 || feedback.reward > 1.0)) {
    return Errc::invalid_argument;
  }
  if (std::abs(feedback.reward) > kMostOracleReward || feedback.weight > kMostOracleWeight) {
    return Errc::non_finite;
  }
  if (scaled()) {
    return notes_next() && !scaling_.can_note(feedback.input.dense) ? Errc::non_finite : Errc::ok;
  }
  const auto small = [](double x) { return std::abs(x) <= kMostRawFeature; };
  const bool usable = std::ranges::all_of(feedback.input.dense, small) &&
                      std::ranges::all_of(feedback.input.sparse.value, small);
  return usable ? Errc::ok : Errc::non_finite;
}

bool OracleArms::begin(const Feedback& feedback) noexcept {
  ++updates_;
  if (feedback.weight < detail::kLeastWeight) {
    return false;
  }
  rewards_[to_index(feedback.arm)] += feedback.weight;
  least_ = std::min(least_, feedback.reward);
  most_ = std::max(most_, feedback.reward);
  return true;
}

// Whether the context of the next reward counts for the scale.
bool OracleArms::notes_next() const noexcept {
  return scaled() && (learned_ < kNotedAll || (learned_ + 1) % kNotedStep == 0);
}

void OracleArms::finish(const Feedback& feedback, double score) noexcept {
  const double error = std::clamp(feedback.reward - score, -kMostPrediction, kMostPrediction);
  if (setup_.loss == Loss::squared && !std::isnan(error)) {
    errors_ += feedback.weight * error * error;
    weights_ += feedback.weight;
  }
  const bool noted = notes_next();
  ++learned_;
  derive();
  if (noted) {
    scaling_.note(feedback.input.dense);
  }
  if (learned_ < next_ || !scaled()) {
    return;
  }
  next_ = learned_ + std::max<std::uint64_t>(1, learned_ / 2);
  if (scaling_.moved(kMovedEnough)) {
    scaling_.adopt(stretch_, shift_);
    // The features carry a factor, and with them what is added to them.
    for (double& shift : shift_) {
      shift *= size_;
    }
    for (RewardOracle& member : members_) {
      member.restate(stretch_, shift_);
    }
  }
}

void OracleArms::derive() noexcept {
  range_ = most_ > least_ ? std::max(most_ - least_, 1e-100) : 1.0;
  deviation_ =
      setup_.loss == Loss::squared ? std::sqrt((errors_ + (0.25 * range_ * range_)) / (weights_ + 1.0)) : 1.0;
}

Result<ArmIndex> OracleArms::add() {
  if (arms_.count() >= ArmSet::kMaxArms) {
    return arms_.add();  // says why not
  }
  detail::make_room(rewards_, arms_.count() + 1);
  for (RewardOracle& member : members_) {
    // Members are alike: what one has room for the others have.
    if (Result<void> added = member.add(); !added) {
      return tl::unexpected(std::move(added).error());
    }
  }
  rewards_.push_back(0.0);
  return arms_.add();
}

Errc OracleArms::reset(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  rewards_[to_index(arm)] = 0.0;
  for (RewardOracle& member : members_) {
    member.reset(to_index(arm));
  }
  return Errc::ok;
}

Errc OracleArms::forget(ArmIndex arm, double keep) noexcept {
  Errc verdict = Errc::ok;
  if (!scaled() && keep > 0.0 && keep < 1.0) {
    verdict = Errc::unsupported;
  }
  const Errc known = detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    if (verdict == Errc::ok) {
      rewards_[slot] *= keep;
      for (RewardOracle& member : members_) {
        static_cast<void>(member.forget(slot, keep));
      }
    }
  });
  return known == Errc::ok ? verdict : known;
}

Result<void> OracleArms::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (std::abs(prior.mean) > kMostOracleReward || prior.weight > kMostOracleWeight) {
    return fail(Errc::non_finite, "a prior of mean " + number_text(prior.mean) + " and weight " +
                                      number_text(prior.weight) + " is beyond what can be learned");
  }
  if (setup_.loss == Loss::logistic && (prior.mean < 0.0 || prior.mean > 1.0)) {
    return fail(Errc::invalid_argument, "prior mean = " + number_text(prior.mean) + " is outside [0, 1]");
  }
  if (prior.weight >= detail::kLeastWeight) {
    for (RewardOracle& member : members_) {
      member.learn_constant(to_index(arm), prior.mean, prior.weight);
    }
  }
  return {};
}

double OracleArms::expectation(ArmIndex arm, const Input& input) const noexcept {
  if (!arms_.contains(arm) || check_input(input, shape_.features, shape_.sparse) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  Buffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written as far as it is read
  const OracleInput form = prepared(input, buffer);
  const std::array<std::uint32_t, 1> which{static_cast<std::uint32_t>(to_index(arm))};
  double sum = 0.0;
  for (const RewardOracle& member : members_) {
    double mean = 0.0;
    double spread = 0.0;
    member.scores(form, which, &mean, &spread);
    sum += linked(mean);
  }
  return sum / static_cast<double>(members_.size());
}

void OracleArms::save(Writer& writer) const {
  writer.u8(static_cast<std::uint8_t>(kind()));
  writer.u64(updates_);
  writer.u64(learned_);
  writer.u64(next_);
  arms_.save(writer);
  writer.numbers(rewards_);
  for (const double number : {least_, most_, errors_, weights_}) {
    writer.f64(number);
  }
  scaling_.save(writer);
  for (const RewardOracle& member : members_) {
    member.save(writer);
  }
}

Result<void> OracleArms::load(Reader& reader) {
  OracleArms next(setup_, Shape{.features = shape_.features, .sparse = shape_.sparse});
  const auto kind = static_cast<OracleKind>(reader.u8());
  const bool known =
      kind != OracleKind::automatic && static_cast<std::size_t>(kind) < kEnumNames<OracleKind>.size();
  const bool wanted = setup_.oracle == OracleKind::automatic || setup_.oracle == kind;
  if (!reader.ok() || !known || !wanted || !next.build(kind, 0)) {
    return detail::corrupt(setup_.policy, "the state is of another kind of oracle than the options ask for");
  }
  next.updates_ = reader.u64();
  next.learned_ = reader.u64();
  next.next_ = reader.u64();
  next.arms_.load(reader);
  const std::size_t count = next.arms_.count();
  next.rewards_ = reader.exactly<double>(std::min(count, reader.left()));
  next.least_ = reader.f64();
  next.most_ = reader.f64();
  next.errors_ = reader.finite();
  next.weights_ = reader.finite();
  if (!reader.ok() || next.rewards_.size() != count || !next.scaling_.load(reader)) {
    return detail::corrupt(setup_.policy, "the state is cut short or its lengths disagree");
  }
  for (RewardOracle& member : next.members_) {
    if (!member.load(reader, count)) {
      return detail::corrupt(setup_.policy, "a regression is cut short or its numbers cannot be one's");
    }
  }
  // Before the first reward the least is above the most.
  const bool some = next.least_ <= next.most_ && std::abs(next.least_) <= kMostOracleReward &&
                    std::abs(next.most_) <= kMostOracleReward;
  const bool none = next.least_ == detail::kInfinity && next.most_ == -detail::kInfinity;
  if (!(some || none) || next.errors_ < 0.0 || next.weights_ < 0.0 || !detail::all_weights(next.rewards_) ||
      next.learned_ > next.updates_ || (next.scaled() && next.next_ <= next.learned_)) {
    return detail::corrupt(setup_.policy, "a number is out of range");
  }
  next.shape_ = shape_;
  next.derive();
  *this = std::move(next);
  return {};
}

Description OracleArms::describe(std::string summary) const {
  Description text;
  text.summary = std::move(summary) + " over " + std::to_string(arms_.count()) + " arms by " +
                 std::string(kEnumNames<OracleKind>.at(static_cast<std::size_t>(kind()))) + " after " +
                 std::to_string(updates_) + " rewards";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(shape_.features)},
                 {"regressions", static_cast<double>(members_.size())},
                 {"error", weights_ > 0.0 ? std::sqrt(errors_ / weights_) : 0.0}};
  text.columns = {"enabled", "rewards", "mean", "deviation"};
  text.rows.reserve(arms_.count());
  const std::vector<double> zeros(detail::padded_size(shape_.features + 1), 0.0);
  std::vector<double> centre = zeros;
  centre[shape_.features] = 1.0;
  const Input input{.dense = shape_.sparse ? Features() : Features(zeros).first(shape_.features)};
  for (std::size_t arm = 0; arm < arms_.count(); ++arm) {
    const std::array<std::uint32_t, 1> which{static_cast<std::uint32_t>(arm)};
    double mean = 0.0;
    double spread = 0.0;
    members_.front().scores({.raw = input, .scaled = centre}, which, &mean, &spread);
    text.rows.push_back({arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, rewards_[arm], linked(mean), spread});
  }
  return text;
}

bool OracleArms::operator==(const OracleArms& other) const {
  return arms_ == other.arms_ && members_ == other.members_ && scaling_ == other.scaling_ &&
         rewards_ == other.rewards_ && least_ == other.least_ && most_ == other.most_ &&
         errors_ == other.errors_ && weights_ == other.weights_ && learned_ == other.learned_ &&
         next_ == other.next_ && updates_ == other.updates_;
}

}  // namespace attune
