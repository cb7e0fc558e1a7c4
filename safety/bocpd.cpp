// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/bocpd.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<Bocpd>());

namespace {

constexpr double kPriorWeight = 0.1;  // kappa
constexpr double kPriorShape = 1.0;   // alpha
constexpr double kPriorRate = 1.0;    // beta

}  // namespace

Bocpd::Bocpd(const Config& config) : config_(config), runs_(config.max_run), norm_(config.max_run) {
  for (std::size_t length = 0; length < norm_.size(); ++length) {
    const double shape = kPriorShape + 0.5 * static_cast<double>(length);
    // Gamma(a + 1/2) / (Gamma(a) sqrt(2 pi)), of Student's t with 2a degrees of freedom; by recurrence from
    // a - 1, since lgamma writes a global and differs between libraries.
    if (length < 2) {
      norm_[length] =
          length == 0 ? 0.5 / std::numbers::sqrt2 : 2.0 / (std::numbers::pi * std::numbers::sqrt2);
    } else {
      norm_[length] = norm_[length - 2] * (shape - 0.5) / (shape - 1.0);
    }
  }
  restart();
}

Result<Bocpd> Bocpd::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (config.recent >= config.max_run) {
    return fail(Errc::invalid_config, "recent = " + std::to_string(config.recent) +
                                          " is not below max_run = " + std::to_string(config.max_run));
  }
  return Bocpd(config);
}

void Bocpd::restart() noexcept {
  std::fill(runs_.begin(), runs_.end(), Run{});
  runs_[0] = {.weight = 1.0, .mean = 0.0, .rate = kPriorRate};
  used_ = 1;
  scores_ = 0;
}

void Bocpd::reset() noexcept {
  restart();
  scale_.reset();
}

/// Density of the score under a run: Student's t with 2a degrees of freedom, scale rate (k + 1) / (a k).
double Bocpd::predictive(std::size_t length, const Run& run, double score) const noexcept {
  const double weight = kPriorWeight + static_cast<double>(length);
  const double shape = kPriorShape + 0.5 * static_cast<double>(length);
  const double spread = 2.0 * run.rate * (weight + 1.0) / weight;
  const double step = score - run.mean;
  return norm_[length] * std::sqrt(2.0 / spread) * std::pow(1.0 + step * step / spread, -(shape + 0.5));
}

Signal Bocpd::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  if (!scale_.ready()) {
    (void)scale_.add(value);
    return Signal::none;
  }
  (void)scale_.add(value);
  const double score = scale_.score(value);
  ++scores_;
  double fresh = 0.0;
  double sum = 0.0;
  Run carried;
  const std::size_t last = runs_.size() - 1;
  const std::size_t grown = std::min(used_ + 1, runs_.size());
  for (std::size_t length = 0; length < used_; ++length) {
    Run run = runs_[length];
    const double joint = run.weight * predictive(length, run, score);
    fresh += joint * config_.hazard;
    run.weight = joint * (1.0 - config_.hazard);
    const double prior = kPriorWeight + static_cast<double>(length);
    const double step = score - run.mean;
    run.mean += step / (prior + 1.0);
    run.rate += 0.5 * prior / (prior + 1.0) * step * step;
    runs_[length] = carried;
    carried = run;
    sum += run.weight;
    if (length == last) {
      // The longest run stays the longest: what arrives from below joins it. Its rate is kept to its length.
      carried.rate *= (kPriorShape + 0.5 * static_cast<double>(last)) /
                      (kPriorShape + 0.5 * static_cast<double>(last + 1));
      carried.weight += runs_[last].weight;
      runs_[last] = carried;
    }
  }
  if (used_ < runs_.size()) {
    runs_[used_] = carried;
  }
  used_ = grown;
  sum += fresh;
  if (!(sum > 1e-280)) {
    // No run explains the value: the posterior says nothing any more.
    restart();
    ++count_.drifts;
    return Signal::drift;
  }
  runs_[0] = {.weight = fresh, .mean = 0.0, .rate = kPriorRate};
  double recent = 0.0;
  for (std::size_t length = 0; length < used_; ++length) {
    runs_[length].weight /= sum;
    recent += length <= config_.recent ? runs_[length].weight : 0.0;
  }
  if (scores_ <= 2 * std::uint64_t{config_.recent} || recent <= 0.5 * config_.confidence) {
    return Signal::none;
  }
  if (recent <= config_.confidence) {
    return Signal::warning;
  }
  const bool left = std::fabs(score) >= scale_.limit();
  restart();
  if (left) {
    scale_.reset();
  }
  ++count_.drifts;
  return Signal::drift;
}

void Bocpd::save(Writer& writer) const {
  detail::save_count(writer, count_);
  scale_.save(writer);
  writer.u64(scores_);
  writer.u32(static_cast<std::uint32_t>(used_));
  for (std::size_t length = 0; length < used_; ++length) {
    writer.f64(runs_[length].weight);
    writer.f64(runs_[length].mean);
    writer.f64(runs_[length].rate);
  }
}

Result<void> Bocpd::load(Reader& reader) {
  Bocpd loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.scale_.load(reader);
  loaded.scores_ = reader.u64();
  loaded.used_ = reader.u32();
  if (!reader.ok() || loaded.used_ == 0 || loaded.used_ > loaded.runs_.size()) {
    return detail::corrupt_detector(kName, detail::kCutShort);
  }
  bool sound = loaded.used_ <= loaded.scores_ + 1;
  for (std::size_t length = 0; length < loaded.used_ && reader.ok(); ++length) {
    Run& run = loaded.runs_[length];
    run.weight = reader.finite();
    run.mean = reader.finite();
    run.rate = reader.finite();
    sound = sound && run.weight >= 0.0 && run.weight <= 1.0 + 1e-9 && run.rate > 0.0;
  }
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description Bocpd::describe() const {
  Description text = detail::describe_stream("Bayesian changepoints", count_);
  double expected = 0.0;
  for (std::size_t length = 0; length < used_; ++length) {
    expected += runs_[length].weight * static_cast<double>(length);
  }
  text.values.emplace_back("expected_run", expected);
  return text;
}

}  // namespace attune
