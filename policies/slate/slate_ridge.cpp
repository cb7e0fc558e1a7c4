// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/slate_ridge.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include <attune/core/sampling.hpp>

#include "policies/bandit/choosing.hpp"
#include "policies/slate/best_assignment.hpp"
#include "policies/slate/slate_list.hpp"

namespace attune {
namespace {

/// Bits that stand for no random number: ties go by a fixed order.
constexpr std::uint64_t kFixedOrder = 0;

/// How many different arms may be chosen.
double different_arms(const ArmSet& arms, const Context& context) noexcept {
  double count = 0.0;
  arms.for_each(context, [&](std::size_t arm) { count += 1.0 / detail::times_offered(context, arm); });
  return std::round(count);
}

/// The probability of each position given those before it, where `uniform` of all lists come from a uniform
/// draw and the others are `best`.
double write_propensities(const SlateOut& out, std::size_t size, std::span<const ArmIndex> best,
                          double uniform, double arms) noexcept {
  double before = 1.0;
  double drawn = uniform;  // probability that the list begins like this and comes from the draw
  bool like_best = true;
  for (std::size_t i = 0; i < size; ++i) {
    drawn /= arms - static_cast<double>(i);
    like_best = like_best && out.arms[i] == best[i];
    const double now = drawn + (like_best ? 1.0 - uniform : 0.0);
    if (!out.propensities.empty()) {
      out.propensities[i] = now / before;
    }
    before = now;
  }
  return before;
}

}  // namespace

static_assert(check_slate_bandit<SlateRidge>());

SlateRidge::SlateRidge(const Config& config, const Shape& shape)
    : config_(config), features_(shape.features), sparse_(shape.sparse), arms_(shape.arms) {
  const std::size_t size = at(shape.arms, 0);
  value_.assign(size, 0.0);
  projection_.assign(size, 0.0);
  direction_.assign(size, 0.0);
  root_.assign(size * size, 0.0);
  for (std::size_t i = 0; i < size; ++i) {
    root_[i * size + i] = 1.0 / std::sqrt(config.ridge);
  }
}

Result<SlateRidge> SlateRidge::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.arms * config.positions > kMaxValues) {
    return fail(Errc::invalid_config, "positions = " + std::to_string(config.positions) + " for " +
                                          std::to_string(shape.arms) + " arms are more than " +
                                          std::to_string(kMaxValues) + " values");
  }
  return SlateRidge(config, shape);
}

void SlateRidge::draw_values(Rng& rng, Values& draw) const noexcept {
  const std::size_t size = value_.size();
  std::ranges::copy(value_, draw.begin());
  for (std::size_t column = 0; config_.alpha > 0.0 && column < size; ++column) {
    const double normal = config_.alpha * sample_normal(rng);
    const double* root = root_.data() + column * size;
    for (std::size_t i = 0; i < size; ++i) {
      draw[i] += normal * root[i];
    }
  }
  for (std::size_t i = 0; i < size; ++i) {
    draw[i] = std::clamp(draw[i], -1e300, 1e300);  // sums and differences of a few stay finite
  }
}

void SlateRidge::find_best(const Context& context, std::size_t length, const Values& draw,
                           List& best) const noexcept {
  std::array<ArmIndex, detail::Assignment::kColumns> columns{};
  std::size_t count = 0;
  const auto score = [&](std::size_t arm, std::size_t position) { return draw[at(arm, position)]; };
  for (std::size_t position = 0; position < length; ++position) {
    detail::SlateList list(length, kFixedOrder);
    arms_.for_each(context, [&](std::size_t arm) { list.offer(arm, score(arm, position)); });
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::span<const ArmIndex> known = std::span(columns).first(count);
      if (std::ranges::find(known, list.arm(i)) == known.end()) {
        columns[count++] = list.arm(i);
      }
    }
  }
  std::array<std::size_t, detail::Assignment::kRows> column_of{};
  detail::best_assignment(
      length, count,
      [&](std::size_t position, std::size_t column) { return score(to_index(columns[column]), position); },
      column_of);
  for (std::size_t position = 0; position < length; ++position) {
    best[position] = columns[column_of[position]];
  }
}

SlateChoice SlateRidge::select_slate(const Context& context, Rng& rng, const SlateOut& out) const noexcept {
  if (const Errc verdict = detail::start_slate(out); verdict != Errc::ok) {
    return SlateChoice::refused(verdict);
  }
  if (out.arms.size() > config_.positions) {
    return SlateChoice::refused(Errc::invalid_argument);
  }
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return SlateChoice::refused(verdict);
  }
  const double arms = different_arms(arms_, context);
  if (arms == 0.0) {
    return SlateChoice::refused(Errc::no_arm);
  }
  const std::size_t size = std::min(out.arms.size(), static_cast<std::size_t>(arms));
  Values draw;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by the call
  draw_values(rng, draw);
  List best{};
  find_best(context, size, draw, best);
  if (config_.epsilon > 0.0 && rng.uniform() < config_.epsilon) {
    detail::SlateList drawn(size, rng());
    arms_.for_each(context, [&](std::size_t arm) { drawn.offer(arm, 0.0); });
    for (std::size_t i = 0; i < size; ++i) {
      out.arms[i] = drawn.arm(i);
    }
  } else {
    std::copy_n(best.begin(), size, out.arms.begin());
  }
  const bool known = config_.alpha == 0.0 || arms == 1.0;
  SlateChoice choice{
      .size = size, .propensity = std::numeric_limits<double>::quiet_NaN(), .status = Errc::ok};
  if (known) {
    choice.propensity = write_propensities(out, size, best, config_.epsilon, arms);
  } else if (!out.propensities.empty()) {
    std::ranges::fill(out.propensities.first(size), choice.propensity);
  }
  return choice;
}

Errc SlateRidge::update(const SlateFeedback& feedback) noexcept {
  if (!takes(feedback.signal)) {
    return Errc::unsupported;
  }
  if (const Errc verdict = check_slate_feedback(feedback, arm_count()); verdict != Errc::ok) {
    return verdict;
  }
  if (feedback.shown.size() > config_.positions) {
    return Errc::invalid_argument;
  }
  if (const Errc verdict = detail::check_context({.input = feedback.input}, features_, sparse_);
      verdict != Errc::ok) {
    return verdict;
  }
  if (feedback.weight == 0.0) {
    ++updates_;
    return Errc::ok;
  }
  // Potter's update: with f = S'x, S <- S - (S f) f' / ((f'f + r) (1 + sqrt(r / (f'f + r)))), r = 1 / weight.
  const std::size_t size = value_.size();
  double expected = 0.0;
  for (std::size_t j = 0; j < feedback.shown.size(); ++j) {
    expected += value_[at(to_index(feedback.shown[j]), j)];
  }
  double variance = 0.0;
  std::ranges::fill(direction_, 0.0);
  for (std::size_t column = 0; column < size; ++column) {
    const double* root = root_.data() + column * size;
    double sum = 0.0;
    for (std::size_t j = 0; j < feedback.shown.size(); ++j) {
      sum += root[at(to_index(feedback.shown[j]), j)];
    }
    projection_[column] = sum;
    variance += sum * sum;
    for (std::size_t i = 0; i < size; ++i) {
      direction_[i] += sum * root[i];
    }
  }
  const double noise = 1.0 / feedback.weight;
  const double gain = 1.0 / (variance + noise);
  const double step = gain * (feedback.reward - expected);
  for (std::size_t i = 0; i < size; ++i) {
    if (!std::isfinite(value_[i] + step * direction_[i])) {
      return Errc::non_finite;
    }
  }
  const double shrink = gain / (1.0 + std::sqrt(std::min(noise * gain, 1.0)));
  for (std::size_t column = 0; column < size; ++column) {
    const double factor = shrink * projection_[column];
    double* root = root_.data() + column * size;
    for (std::size_t i = 0; i < size; ++i) {
      root[i] -= factor * direction_[i];
    }
  }
  for (std::size_t i = 0; i < size; ++i) {
    value_[i] += step * direction_[i];
  }
  ++updates_;
  return Errc::ok;
}

double SlateRidge::deviation(ArmIndex arm, std::size_t position) const noexcept {
  const std::size_t size = value_.size();
  double variance = 0.0;
  for (std::size_t entry = at(to_index(arm), position); entry < root_.size(); entry += size) {
    variance += root_[entry] * root_[entry];
  }
  return std::sqrt(variance);
}

Result<ArmIndex> SlateRidge::add_arm() {
  const std::size_t before = value_.size();
  const std::size_t size = before + config_.positions;
  if (size > kMaxValues) {
    return fail(Errc::full,
                "slate_ridge keeps at most " + std::to_string(kMaxValues) + " values, arms times positions");
  }
  std::vector<double> root(size * size, 0.0);
  for (std::size_t column = 0; column < before; ++column) {
    std::copy_n(root_.data() + column * before, before, root.data() + column * size);
  }
  for (std::size_t i = before; i < size; ++i) {
    root[i * size + i] = 1.0 / std::sqrt(config_.ridge);
  }
  for (std::vector<double>* numbers : {&value_, &projection_, &direction_}) {
    detail::make_room(*numbers, size);
  }
  Result<ArmIndex> added = arms_.add();
  if (added) {
    for (std::vector<double>* numbers : {&value_, &projection_, &direction_}) {
      numbers->resize(size, 0.0);
    }
    root_ = std::move(root);
  }
  return added;
}

/// P, row-major.
std::vector<double> SlateRidge::covariance() const {
  const std::size_t size = value_.size();
  std::vector<double> product(size * size, 0.0);
  for (std::size_t column = 0; column < size; ++column) {
    const double* root = root_.data() + column * size;
    for (std::size_t row = 0; row < size; ++row) {
      for (std::size_t other = 0; other <= row; ++other) {
        product[row * size + other] += root[row] * root[other];
      }
    }
  }
  return product;
}

Errc SlateRidge::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  // What is known of the others stays as it is: their marginal distribution. Their part of P is factored
  // anew.
  const std::size_t size = value_.size();
  const std::size_t first = at(to_index(arm), 0);
  const std::size_t end = first + config_.positions;
  std::vector<double> factor;  // row-major
  try {
    factor = covariance();
  } catch (const std::bad_alloc&) {
    return Errc::full;
  }
  const auto fresh = [=](std::size_t i) { return i >= first && i < end; };
  for (std::size_t row = 0; row < size; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      double& entry = factor[row * size + column];
      if (fresh(row) || fresh(column)) {
        entry = row == column ? 1.0 / std::sqrt(config_.ridge) : 0.0;
        continue;
      }
      for (std::size_t k = 0; k < column; ++k) {
        entry -= factor[row * size + k] * factor[column * size + k];
      }
      // What rounding has left of a variance may be nothing.
      const double pivot = factor[column * size + column];
      entry = row == column ? std::sqrt(std::max(entry, 0.0)) : (pivot > 0.0 ? entry / pivot : 0.0);
    }
  }
  for (std::size_t column = 0; column < size; ++column) {
    for (std::size_t row = 0; row < size; ++row) {
      root_[column * size + row] = row < column ? 0.0 : factor[row * size + column];
    }
  }
  std::fill(value_.begin() + static_cast<std::ptrdiff_t>(first),
            value_.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
  return Errc::ok;
}

void SlateRidge::save(Writer& writer) const {
  writer.u64(updates_);
  writer.u32(config_.positions);
  arms_.save(writer);
  writer.numbers(value_);
  writer.numbers(root_);
}

Result<void> SlateRidge::load(Reader& reader) {
  const std::uint64_t updates = reader.u64();
  const std::uint32_t positions = reader.u32();
  ArmSet arms(0);
  arms.load(reader);
  if (!reader.ok() || positions != config_.positions || arms.count() * positions > kMaxValues) {
    return detail::corrupt(kName, "the state is cut short, or of another number of positions");
  }
  const std::size_t size = arms.count() * positions;
  std::vector<double> value = reader.exactly<double>(size);
  std::vector<double> root = reader.exactly<double>(reader.ok() ? size * size : 0);
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its lengths disagree");
  }
  SlateRidge loaded(config_, {.arms = 0, .features = features_, .sparse = sparse_});
  loaded.updates_ = updates;
  loaded.arms_ = std::move(arms);
  loaded.value_ = std::move(value);
  loaded.root_ = std::move(root);
  bool sound = all_finite(loaded.value_) && all_finite(loaded.root_);
  for (std::size_t i = 0; sound && i < size; ++i) {
    // Learning only takes away from what is not known.
    const double most = (1.0 + 1e-9) / std::sqrt(config_.ridge);
    sound = loaded.deviation(to_arm(i / positions), i % positions) <= most;
  }
  if (!sound) {
    return detail::corrupt(kName, "a value is not finite, or more uncertain than before the first reward");
  }
  loaded.projection_.assign(size, 0.0);
  loaded.direction_.assign(size, 0.0);
  *this = std::move(loaded);
  return {};
}

Description SlateRidge::describe() const {
  Description text;
  text.summary = "Additive slates over " + std::to_string(arm_count()) + " arms at " +
                 std::to_string(config_.positions) + " positions after " + std::to_string(updates_) +
                 " slates";
  text.values = {{"positions", static_cast<double>(config_.positions)},
                 {"alpha", config_.alpha},
                 {"ridge", config_.ridge},
                 {"epsilon", config_.epsilon},
                 {"slates", static_cast<double>(updates_)}};
  text.columns = {"enabled"};
  for (std::size_t position = 0; position < config_.positions; ++position) {
    text.columns.push_back("value_" + std::to_string(position));
    text.columns.push_back("deviation_" + std::to_string(position));
  }
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({enabled(to_arm(arm)) ? 1.0 : 0.0});
    for (std::size_t position = 0; position < config_.positions; ++position) {
      text.rows.back().push_back(value(to_arm(arm), position));
      text.rows.back().push_back(deviation(to_arm(arm), position));
    }
  }
  return text;
}

}  // namespace attune
