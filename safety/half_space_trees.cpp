// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/half_space_trees.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <attune/core/rng.hpp>
#include "safety/detector_state.hpp"

namespace attune {

static_assert(VectorAnomalyDetector<HalfSpaceTrees>);

namespace {

/// Threshold until the first window is full.
constexpr double kStart = 1.0;

}  // namespace

HalfSpaceTrees::HalfSpaceTrees(const Config& config)
    : config_(config),
      inner_((std::size_t{1} << config.height) - 1),
      watch_(AnomalyRules{}),
      tracker_(kStart, config.level, config.step),
      splits_(config.trees * inner_),
      first_(std::size_t{config.window} * config.dimension, 0.0),
      low_(config.dimension, 0.0),
      inverse_(config.dimension, 0.0),
      latest_(config.trees * (2 * inner_ + 1), 0),
      reference_(latest_) {
  plant();
}

Result<HalfSpaceTrees> HalfSpaceTrees::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  constexpr std::size_t kMost = std::size_t{1} << 24U;
  if (config.trees * (std::size_t{1} << (config.height + 1U)) > kMost) {
    return fail(Errc::invalid_config, "trees = " + std::to_string(config.trees) + " of height = " +
                                          std::to_string(config.height) + " have more than 2^24 nodes");
  }
  if (std::size_t{config.window} * config.dimension > kMost) {
    return fail(Errc::invalid_config, "window = " + std::to_string(config.window) + " of dimension = " +
                                          std::to_string(config.dimension) + " has more than 2^24 numbers");
  }
  return HalfSpaceTrees(config);
}

/// Draws the trees in unit ranges, which the first window says the meaning of.
void HalfSpaceTrees::plant() {
  Rng rng(config_.seed, name_stream("half_space_trees"));
  std::vector<std::pair<double, double>> range(config_.dimension);
  for (std::size_t tree = 0; tree < config_.trees; ++tree) {
    for (auto& [low, high] : range) {
      const double s = rng.uniform();
      const double reach = 2.0 * std::max(s, 1.0 - s);
      low = s - reach;
      high = s + reach;
    }
    const auto grow = [&](const auto& self, std::size_t node) -> void {
      if (node >= inner_) {
        return;
      }
      Split& split = splits_[tree * inner_ + node];
      split.feature = static_cast<std::uint32_t>(rng.below(config_.dimension));
      auto& [low, high] = range[split.feature];
      const auto before = std::pair(low, high);
      split.cut = 0.5 * (low + high);
      high = split.cut;
      self(self, 2 * node + 1);
      low = split.cut;
      high = before.second;
      self(self, 2 * node + 2);
      range[split.feature] = before;
    };
    grow(grow, 0);
  }
}

double HalfSpaceTrees::unit(Features features, std::uint32_t feature) const noexcept {
  const double distance = features[feature] - low_[feature];
  if (inverse_[feature] == 0.0) [[unlikely]] {
    // Constant so far: in the middle of the unit range, everything else beyond any of it.
    return distance == 0.0 ? 0.5 : std::copysign(1e3, distance);
  }
  return distance * inverse_[feature];
}

VectorAnomaly HalfSpaceTrees::score(Features features) const noexcept {
  VectorAnomaly verdict;
  verdict.status = check_features(features, config_.dimension);
  if (verdict.status != Errc::ok || !ready()) {
    return verdict;
  }
  const double limit = 0.1 * config_.window;
  double density = 0.0;
  for (std::size_t tree = 0; tree < config_.trees; ++tree) {
    std::size_t node = 0;
    double share = 1.0;  // 2^depth
    while (node < inner_ && mass(tree, node) > limit) {
      const Split& at = split(tree, node);
      node = 2 * node + (unit(features, at.feature) < at.cut ? 1 : 2);
      share *= 2.0;
    }
    density += mass(tree, node) * share;
  }
  density /= static_cast<double>(config_.trees) * config_.window;
  verdict.score = 1.0 / (1.0 + density);
  verdict.threshold = tracker_.threshold();
  verdict.is_anomaly = verdict.score > verdict.threshold;
  return verdict;
}

VectorAnomaly HalfSpaceTrees::update(Features features) noexcept {
  const VectorAnomaly verdict = score(features);
  if (verdict.status != Errc::ok) [[unlikely]] {
    watch_.skip();
    return verdict;
  }
  if (ready()) {
    tracker_.add(verdict.score);
  }
  (void)watch_.note(verdict.is_anomaly);  // counts; a window holds what came in it
  learn(features);
  return verdict;
}

void HalfSpaceTrees::add_mass(Features features) noexcept {
  for (std::size_t tree = 0; tree < config_.trees; ++tree) {
    std::uint32_t* const masses = latest_.data() + tree * (2 * inner_ + 1);
    std::size_t node = 0;
    ++masses[0];
    while (node < inner_) {
      const Split& at = split(tree, node);
      node = 2 * node + (unit(features, at.feature) < at.cut ? 1 : 2);
      ++masses[node];
    }
  }
}

void HalfSpaceTrees::learn(Features features) noexcept {
  if (ranged_) {
    add_mass(features);
  } else {
    std::copy(features.begin(), features.end(),
              first_.begin() + static_cast<std::ptrdiff_t>(filled_ * config_.dimension));
  }
  if (++filled_ < config_.window) {
    return;
  }
  const bool first = !ranged_;
  if (first) {
    take_ranges();
    for (std::size_t i = 0; i < config_.window; ++i) {
      add_mass(Features(first_).subspan(i * config_.dimension, config_.dimension));
    }
  }
  turn_window();
  if (first) {
    take_threshold();
    std::fill(first_.begin(), first_.end(), 0.0);
  }
}

void HalfSpaceTrees::take_threshold() noexcept {
  // Score i goes where vectors are that have had theirs: i <= i dimension.
  for (std::size_t i = 0; i < config_.window; ++i) {
    first_[i] = score(Features(first_).subspan(i * config_.dimension, config_.dimension)).score;
  }
  const auto rank = static_cast<std::ptrdiff_t>((1.0 - config_.level) * (config_.window - 1.0));
  std::nth_element(first_.begin(), first_.begin() + rank, first_.begin() + config_.window);
  tracker_.restore(first_[static_cast<std::size_t>(rank)]);
}

void HalfSpaceTrees::take_ranges() noexcept {
  for (std::size_t feature = 0; feature < config_.dimension; ++feature) {
    double low = first_[feature];
    double high = low;
    for (std::size_t i = 1; i < config_.window; ++i) {
      const double value = first_[i * config_.dimension + feature];
      low = std::min(low, value);
      high = std::max(high, value);
    }
    low_[feature] = low;
    // The range of huge values of both signs is infinite; the largest double will do.
    const double range = std::min(high - low, 1e308);
    inverse_[feature] = range > 0.0 ? 1.0 / std::max(range, 1e-300) : 0.0;
  }
  ranged_ = true;
}

void HalfSpaceTrees::turn_window() noexcept {
  reference_.swap(latest_);
  std::fill(latest_.begin(), latest_.end(), 0);
  filled_ = 0;
}

void HalfSpaceTrees::reset() noexcept {
  watch_.reset();
  tracker_.restore(kStart);
  for (std::vector<double>* numbers : {&first_, &low_, &inverse_}) {
    std::fill(numbers->begin(), numbers->end(), 0.0);
  }
  std::fill(reference_.begin(), reference_.end(), 0);
  std::fill(latest_.begin(), latest_.end(), 0);
  filled_ = 0;
  ranged_ = false;
}

void HalfSpaceTrees::save(Writer& writer) const {
  watch_.save(writer);
  writer.f64(tracker_.threshold());
  writer.u64(filled_);
  writer.boolean(ranged_);
  if (ranged_) {
    writer.numbers(low_);
    writer.numbers(inverse_);
    writer.numbers(latest_);
    writer.numbers(reference_);
  } else {
    writer.numbers(std::span(first_).first(filled_ * config_.dimension));
  }
}

Result<void> HalfSpaceTrees::load(Reader& reader) {
  HalfSpaceTrees loaded(*this);
  loaded.reset();
  loaded.watch_.load(reader);
  loaded.tracker_.restore(reader.finite());
  loaded.filled_ = reader.u64();
  loaded.ranged_ = reader.boolean();
  const double threshold = loaded.tracker_.threshold();
  // A threshold follows scores in [0, 1] by steps of at most 1.
  if (!reader.ok() || loaded.filled_ >= config_.window || threshold < -1.0 || threshold > 2.0) {
    return detail::corrupt_detector(kName, detail::kCutShort);
  }
  const auto finite = [](double x) { return std::isfinite(x); };
  // Every node holds what its children hold, and the root what the window does.
  const auto adds_up = [this](const std::vector<std::uint32_t>& masses, std::uint64_t total) {
    const std::size_t size = 2 * inner_ + 1;
    for (std::size_t tree = 0; tree < config_.trees; ++tree) {
      const std::span<const std::uint32_t> of = std::span(masses).subspan(tree * size, size);
      if (of[0] != total) {
        return false;
      }
      for (std::size_t node = 0; node < inner_; ++node) {
        if (std::uint64_t{of[2 * node + 1]} + of[2 * node + 2] != of[node]) {
          return false;
        }
      }
    }
    return true;
  };
  bool sound = true;
  if (loaded.ranged_) {
    loaded.low_ = reader.exactly<double>(low_.size());
    loaded.inverse_ = reader.exactly<double>(inverse_.size());
    loaded.latest_ = reader.exactly<std::uint32_t>(latest_.size());
    loaded.reference_ = reader.exactly<std::uint32_t>(reference_.size());
    sound = std::ranges::all_of(loaded.low_, finite) &&
            std::ranges::all_of(loaded.inverse_, [](double x) { return std::isfinite(x) && x >= 0.0; }) &&
            adds_up(loaded.latest_, loaded.filled_) && adds_up(loaded.reference_, config_.window);
  } else {
    const std::vector<double> held = reader.exactly<double>(loaded.filled_ * config_.dimension);
    std::ranges::copy(held, loaded.first_.begin());
    sound = std::ranges::all_of(held, finite);
  }
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

bool HalfSpaceTrees::operator==(const HalfSpaceTrees& other) const noexcept {
  return config_ == other.config_ && watch_ == other.watch_ && tracker_ == other.tracker_ &&
         first_ == other.first_ && low_ == other.low_ && inverse_ == other.inverse_ &&
         latest_ == other.latest_ && reference_ == other.reference_ && filled_ == other.filled_ &&
         ranged_ == other.ranged_;
}

Description HalfSpaceTrees::describe() const {
  Description text = watch_.describe("half-space trees");
  text.values.emplace_back("threshold", tracker_.threshold());
  text.values.emplace_back("filled", static_cast<double>(filled_));
  return text;
}

}  // namespace attune
