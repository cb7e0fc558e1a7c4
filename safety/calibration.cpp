// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/calibration.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_persistent<CalibrationMonitor>());

namespace {

[[nodiscard]] bool in_unit(double x) noexcept { return x >= 0.0 && x <= 1.0; }

/// Of (i / bins, (i + 1) / bins], the first one with 0.
[[nodiscard]] std::size_t bin_of(double probability, std::size_t bins) noexcept {
  const double place = std::ceil(probability * static_cast<double>(bins)) - 1.0;
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)));
}

/// From sums to means.
void divide(std::vector<ReliabilityBin>& bins) noexcept {
  for (ReliabilityBin& bin : bins) {
    if (bin.count > 0.0) {
      bin.confidence /= bin.count;
      bin.accuracy /= bin.count;
    }
  }
}

[[nodiscard]] std::vector<ReliabilityBin> make_bins(std::span<const double> probabilities,
                                                    std::span<const double> outcomes, std::size_t bins,
                                                    Binning binning) {
  std::vector<ReliabilityBin> made(bins);
  const auto add = [&](std::size_t bin, std::size_t i) {
    made[bin].count += 1.0;
    made[bin].confidence += probabilities[i];
    made[bin].accuracy += outcomes[i];
  };
  if (binning == Binning::equal_width) {
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      add(bin_of(probabilities[i], bins), i);
    }
  } else {
    std::vector<std::size_t> order(probabilities.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(probabilities[i], i); });
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      add(rank * bins / order.size(), order[rank]);
    }
  }
  divide(made);
  return made;
}

}  // namespace

Result<std::vector<ReliabilityBin>> reliability_bins(std::span<const double> probabilities,
                                                     std::span<const double> outcomes, std::size_t bins,
                                                     Binning binning) {
  if (probabilities.size() != outcomes.size()) {
    return fail(Errc::dimension_mismatch, std::to_string(probabilities.size()) + " probabilities have " +
                                              std::to_string(outcomes.size()) + " outcomes");
  }
  if (bins == 0 || bins > 1'000'000) {
    return fail(Errc::invalid_argument, "bins = " + std::to_string(bins) + " is outside [1, 1000000]");
  }
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    for (const auto& [name, value] : {std::pair{"probability", probabilities[i]}, {"outcome", outcomes[i]}}) {
      if (!in_unit(value)) {
        return fail(
            std::isfinite(value) ? Errc::invalid_argument : Errc::non_finite,
            std::string(name) + " " + std::to_string(i) + " = " + number_text(value) + " is outside [0, 1]");
      }
    }
  }
  return make_bins(probabilities, outcomes, bins, binning);
}

double expected_calibration_error(std::span<const ReliabilityBin> bins) noexcept {
  double total = 0.0;
  double error = 0.0;
  for (const ReliabilityBin& bin : bins) {
    total += bin.count;
    error += bin.count * std::fabs(bin.accuracy - bin.confidence);
  }
  return total > 0.0 ? error / total : 0.0;
}

double maximum_calibration_error(std::span<const ReliabilityBin> bins) noexcept {
  double largest = 0.0;
  for (const ReliabilityBin& bin : bins) {
    largest = std::max(largest, bin.count > 0.0 ? std::fabs(bin.accuracy - bin.confidence) : 0.0);
  }
  return largest;
}

CalibrationMonitor::CalibrationMonitor(const Config& config)
    : config_(config), sums_(config.bins), probability_(config.window, 0.0), outcome_(config.window, 0.0) {}

Result<CalibrationMonitor> CalibrationMonitor::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return CalibrationMonitor(config);
}

Errc CalibrationMonitor::update(double probability, double outcome) noexcept {
  if (!in_unit(probability) || !in_unit(outcome)) {
    ++refused_;
    return std::isfinite(probability) && std::isfinite(outcome) ? Errc::invalid_argument : Errc::non_finite;
  }
  Sums& sums = sums_[bin_of(probability, sums_.size())];
  ++sums.count;
  sums.probability += probability;
  sums.outcome += outcome;
  const std::size_t place = predictions_ % config_.window;
  probability_[place] = probability;
  outcome_[place] = outcome;
  squares_ += (probability - outcome) * (probability - outcome);
  ++predictions_;
  return Errc::ok;
}

void CalibrationMonitor::reset() noexcept {
  std::fill(sums_.begin(), sums_.end(), Sums{});
  std::fill(probability_.begin(), probability_.end(), 0.0);
  std::fill(outcome_.begin(), outcome_.end(), 0.0);
  predictions_ = 0;
  squares_ = 0.0;
}

std::vector<ReliabilityBin> CalibrationMonitor::bins() const {
  std::vector<ReliabilityBin> made;
  made.reserve(sums_.size());
  for (const Sums& sums : sums_) {
    made.push_back({static_cast<double>(sums.count), sums.probability, sums.outcome});
  }
  divide(made);
  return made;
}

std::vector<ReliabilityBin> CalibrationMonitor::recent_bins(Binning binning) const {
  const auto held = static_cast<std::size_t>(std::min<std::uint64_t>(predictions_, config_.window));
  return make_bins(std::span(probability_).first(held), std::span(outcome_).first(held), config_.bins,
                   binning);
}

double CalibrationMonitor::brier() const noexcept {
  return predictions_ == 0 ? 0.0 : squares_ / static_cast<double>(predictions_);
}

void CalibrationMonitor::save(Writer& writer) const {
  writer.u64(predictions_);
  writer.u64(refused_);
  writer.f64(squares_);
  for (const Sums& sums : sums_) {
    writer.u64(sums.count);
    writer.f64(sums.probability);
    writer.f64(sums.outcome);
  }
  writer.numbers(probability_);
  writer.numbers(outcome_);
}

Result<void> CalibrationMonitor::load(Reader& reader) {
  CalibrationMonitor loaded(config_);
  loaded.predictions_ = reader.u64();
  loaded.refused_ = reader.u64();
  loaded.squares_ = reader.finite();
  std::uint64_t total = 0;
  bool sound = loaded.squares_ >= 0.0;
  for (Sums& sums : loaded.sums_) {
    sums = {reader.u64(), reader.finite(), reader.finite()};
    total += sums.count;
    const auto most = static_cast<double>(sums.count) * (1.0 + 1e-9);
    sound = sound && sums.count <= loaded.predictions_ && sums.probability >= 0.0 &&
            sums.probability <= most && sums.outcome >= 0.0 && sums.outcome <= most;
  }
  loaded.probability_ = reader.exactly<double>(config_.window);
  loaded.outcome_ = reader.exactly<double>(config_.window);
  sound = sound && total == loaded.predictions_ && std::ranges::all_of(loaded.probability_, in_unit) &&
          std::ranges::all_of(loaded.outcome_, in_unit);
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description CalibrationMonitor::describe() const {
  Description text;
  const double error = expected_calibration_error(bins());
  text.summary =
      "calibration: ECE " + number_text(error) + " of " + std::to_string(predictions_) + " predictions";
  text.values = {{"predictions", static_cast<double>(predictions_)},
                 {"refused", static_cast<double>(refused_)},
                 {"ece", error},
                 {"recent_ece", expected_calibration_error(recent_bins(Binning::equal_width))},
                 {"recent_ece_equal_mass", expected_calibration_error(recent_bins(Binning::equal_mass))},
                 {"brier", brier()}};
  return text;
}

}  // namespace attune
