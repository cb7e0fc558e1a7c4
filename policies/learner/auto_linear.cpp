// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/auto_linear.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"
#include "policies/learner/feature_scale.hpp"
#include "policies/learner/lane_kernels.hpp"
#include "policies/learner/linear_state.hpp"
#include "policies/learner/link.hpp"

namespace attune {

using detail::LaneConstants;
using detail::LaneInput;

static_assert(check_online_learner<AutoLinearLearner>());

namespace {

constexpr std::size_t kExperts = ExpertMixer::kExperts;
constexpr std::size_t kChunk = 64;  // features standardised at a time
constexpr double kHeaviest = 1e9;
constexpr double kLargestLaneMean = 1e120;
constexpr double kDenseShare = 0.3;
constexpr double kOne = 1.0;
constexpr LaneInput kConstant{nullptr, &kOne, 1};

constexpr LaneConstants kDiagonal{.prior = {0.03, 0.1, 0.3, 2.0, 0.1, 0.1, 0.3, 1.0},
                                  .drift = {0.0, 0.0, 0.0, 0.0, 2e-6, 1e-5, 4e-5, 1e-4}};
// The drift is the part by which a belief returns to its prior.
constexpr LaneConstants kWhole{.prior = {0.1, 1.0, 10.0, 0.3, 0.3, 0.1, 1.0, 1.0},
                               .drift = {0.0, 0.0, 0.0, 1e-5, 1e-4, 0.0, 0.0, 1e-4}};
constexpr ExpertArray kIsWhole{1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0};

/// The constant's prior variance: a target has any size, a logit has not.
double constant_prior(Loss loss) noexcept { return loss == Loss::logistic ? 1.0 : 1e4; }

bool within(std::span<const double> values, double bound) noexcept {
  return std::ranges::all_of(values, [bound](double value) { return std::abs(value) <= bound; });
}

void write_lanes(Writer& writer, const ExpertArray& values) { writer.raw(values.data(), sizeof values); }

void read_lanes(Reader& reader, ExpertArray& values) {
  for (double& value : values) {
    value = reader.finite();
  }
}

}  // namespace

AutoLinearLearner::AutoLinearLearner(const Config& config, const Shape& shape)
    : config_(config),
      lanes_(kDiagonal),
      constant_(kDiagonal),
      features_(shape.features),
      sparse_(shape.sparse),
      mixer_(config.loss) {
  constant_.prior.fill(constant_prior(config.loss));
  for (std::size_t i = 0; i < kExperts; ++i) {
    lanes_.drift[i] *= config.drift;
    constant_.drift[i] *= config.drift;
    const double back = std::min(1.0, kWhole.drift[i] * config.drift);
    wholes_.prior[i] = kWhole.prior[i];
    wholes_.constant[i] = std::max(constant_prior(config.loss), kWhole.prior[i]);
    wholes_.keep[i] = 1.0 - back;
    wholes_.pull[i] = back > 0.0 ? std::sqrt(1.0 - back) : 1.0;
    wholes_.whole[i] = kIsWhole[i];
  }
  // All that any layout needs is made here and not when the first example comes: learning does not allocate.
  const std::size_t size = features_ + 1;
  z_.resize(size);
  if (sparse_ || dense_layout() == Layout::centred) {
    weights_.resize(size);
    weights_.back().variance = constant_.prior;
  }
  if (sparse_) {
    scales_.resize(features_);
  }
  moments_.resize(features_);
  if (dense_layout() == Layout::whole) {
    means_.resize(size);
    gains_.resize(size);
    covariance_.resize(detail::triangle_size(size));
  }
  settle(sparse_ ? Layout::undecided : dense_layout());
}

Result<AutoLinearLearner> AutoLinearLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (Result<void> verdict = check_curved_loss(kName, config.loss); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.features > kMaxFeatures) {
    return fail(Errc::invalid_config, "auto_linear: features = " + std::to_string(shape.features) +
                                          " is above " + std::to_string(kMaxFeatures));
  }
  return AutoLinearLearner(config, shape);
}

void AutoLinearLearner::settle(Layout layout) noexcept {
  layout_ = layout;
  if (layout == Layout::whole) {
    detail::reset_covariance(covariance_.data(), features_ + 1, wholes_, kExperts);
    return;
  }
  for (std::size_t i = 0; i < features_; ++i) {
    weights_[i].variance = lanes_.prior;
  }
}

Errc AutoLinearLearner::check(const Input& input, double target, double weight) const noexcept {
  if (const Errc verdict = check_input(input, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  // Written so that NaN is refused.
  if (!(std::abs(target) <= kLargestNumber) || !(std::abs(weight) <= kHeaviest)) {
    return Errc::non_finite;
  }
  if (weight < 0.0 || (config_.loss == Loss::logistic && (target < 0.0 || target > 1.0))) {
    return Errc::invalid_argument;
  }
  double largest = 0.0;
  for (const double x : sparse_ ? Features(input.sparse.value) : input.dense) {
    largest = std::max(largest, std::abs(x));
  }
  return largest <= kLargestNumber ? Errc::ok : Errc::non_finite;
}

ExpertArray AutoLinearLearner::scores_of(const Input& input) const noexcept {
  const detail::LaneKernels& kernels = detail::lane_kernels();
  ExpertArray scores{};
  std::array<double, kChunk> z;  // NOLINT: written as far as it is read
  if (layout_ < Layout::centred) {
    const SparseFeatures& x = input.sparse;
    for (std::size_t from = 0; from < x.index.size(); from += kChunk) {
      const std::size_t count = std::min(kChunk, x.index.size() - from);
      for (std::size_t k = 0; k < count; ++k) {
        detail::FeatureScale scale = scales_[x.index[from + k]];
        z[k] = detail::standardised(scale, std::clamp(x.value[from + k], -kLargestNumber, kLargestNumber));
      }
      kernels.add_scores(weights_.data(), {x.index.data() + from, z.data(), count}, scores);
    }
  } else {
    detail::DenseReader reader(input, sparse_);
    for (std::size_t from = 0; from < features_; from += kChunk) {
      const std::size_t count = std::min(kChunk, features_ - from);
      std::array<double, kChunk> x;  // NOLINT: written as far as it is read
      reader.next(std::span(x).first(count), kLargestNumber);
      detail::centred(std::span(moments_).subspan(from, count), std::span<const double>(x).first(count),
                      steps_, z.data());
      if (layout_ == Layout::whole) {
        kernels.add_mean_scores(means_.data() + from, count, z.data(), scores);
      } else {
        kernels.add_scores(weights_.data() + from, {nullptr, z.data(), count}, scores);
      }
    }
  }
  if (layout_ == Layout::whole) {
    kernels.add_mean_scores(means_.data() + features_, 1, &kOne, scores);
  } else {
    kernels.add_scores(weights_.data() + features_, kConstant, scores);
  }
  return scores;
}

double AutoLinearLearner::predict(const Input& input) const noexcept {
  if (check_input(input, features_, sparse_) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return mixer_.blend(scores_of(input)).prediction;
}

void AutoLinearLearner::prefetch(const Input& input) const noexcept {
  if (layout_ != Layout::sparse) {
    return;
  }
  for (const std::uint32_t i : input.sparse.index) {
    if (i < features_) {
      __builtin_prefetch(&scales_[i], 1);
      __builtin_prefetch(&weights_[i].mean, 1);
      __builtin_prefetch(&weights_[i].variance, 1);
    }
  }
}

void AutoLinearLearner::standardise_dense(const Input& input) noexcept {
  z_[features_] = 1.0;
  // What has all features is dense; partial_fit has checked how large they are.
  if (const Features row = sparse_ ? input.sparse.value : input.dense; row.size() == features_) {
    detail::absorb(moments_, row, steps_, z_.data());
    return;
  }
  detail::DenseReader reader(input, sparse_);
  std::array<double, kChunk> x;  // NOLINT: written as far as it is read
  for (std::size_t from = 0; from < features_; from += kChunk) {
    const std::size_t count = std::min(kChunk, features_ - from);
    reader.next(std::span(x).first(count), kLargestNumber);
    detail::absorb(std::span(moments_).subspan(from, count), std::span<const double>(x).first(count), steps_,
                   z_.data() + from);
  }
}

Errc AutoLinearLearner::predict_then_fit(const Input& input, double target, double weight,
                                         double& before) noexcept {
  const detail::LaneKernels& kernels = detail::lane_kernels();
  if (const Errc verdict = check(input, target, weight); verdict != Errc::ok) {
    return verdict;
  }
  ++updates_;
  if (weight == 0.0) {
    before = predict(input);
    return Errc::ok;
  }
  if (layout_ == Layout::undecided && !input.sparse.empty()) {
    const auto present = static_cast<double>(input.sparse.index.size());
    settle(present >= kDenseShare * static_cast<double>(features_) ? dense_layout() : Layout::sparse);
  }
  // Written and read as whole registers: see lane_kernels_mixer.inc.
  alignas(64) ExpertArray scores;   // NOLINT: written before it is read
  alignas(64) ExpertArray spreads;  // NOLINT: written before it is read
  LaneInput lanes{nullptr, z_.data(), features_};
  if (layout_ == Layout::whole) {
    standardise_dense(input);
    kernels.covariance_gains(covariance_.data(), means_.data(), features_ + 1, z_.data(), gains_.data(),
                             scores, spreads);
  } else if (layout_ == Layout::centred) {
    standardise_dense(input);
    kernels.prepare(weights_.data(), features_, z_.data(), lanes_, constant_, scores, spreads);
  } else {
    lanes = {input.sparse.index.data(), z_.data(), input.sparse.index.size()};
    kernels.prepare_sparse({weights_.data(), scales_.data(), features_, &lanes_, &constant_}, input.sparse,
                           static_cast<std::uint32_t>(steps_), z_.data(), scores, spreads);
  }
  ++steps_;
  const ExpertMixer::Blend blend = mixer_.blend(scores);
  before = blend.prediction;
  alignas(64) ExpertArray steps;    // NOLINT: written before it is read
  alignas(64) ExpertArray shrinks;  // NOLINT: written before it is read
  if (config_.loss == Loss::logistic) {
    kernels.moves(blend.scores, blend.experts, spreads, target, weight, steps, shrinks);
  } else {
    kernels.squared_moves(blend.scores, spreads, target, weight, steps, shrinks);
  }
  mixer_.learn(blend, target, weight);
  if (layout_ == Layout::whole) {
    ExpertArray least;  // NOLINT: written before it is read
    kernels.learn_covariance(covariance_.data(), means_.data(), features_ + 1, gains_.data(), steps, shrinks,
                             wholes_, least);
    for (std::size_t i = 0; i < kExperts; ++i) {
      if (!(least[i] > 0.0)) {  // rounding has spoilt a variance
        detail::reset_covariance(covariance_.data(), features_ + 1, wholes_, i);
      }
    }
  } else {
    kernels.learn(weights_.data(), lanes, steps, shrinks);
    kernels.learn(weights_.data() + features_, kConstant, steps, shrinks);
  }
  return Errc::ok;
}

void AutoLinearLearner::save(Writer& writer) const {
  writer.u64(updates_);
  writer.u64(steps_);
  writer.u8(static_cast<std::uint8_t>(layout_));
  // What another layout would need is not written.
  if (layout_ >= Layout::centred) {
    for (const detail::FeatureMoments& moments : moments_) {
      writer.f64(moments.mean);
      writer.f64(moments.squares);
    }
  }
  if (layout_ < Layout::centred) {
    for (const detail::FeatureScale& scale : scales_) {
      writer.f64(scale.squares);
      writer.u32(scale.count);
      writer.u32(scale.last);
    }
  }
  if (layout_ != Layout::whole) {
    for (const detail::LaneWeights& own : weights_) {
      write_lanes(writer, own.mean);
      write_lanes(writer, own.variance);
    }
  } else {
    for (const detail::LaneNumbers& mean : means_) {
      write_lanes(writer, mean.lane);
    }
    for (const detail::LaneNumbers& entry : covariance_) {
      write_lanes(writer, entry.lane);
    }
  }
  mixer_.save(writer);
}

bool AutoLinearLearner::read_models(Reader& reader) {
  bool good = true;
  if (layout_ >= Layout::centred) {
    for (detail::FeatureMoments& moments : moments_) {
      moments.mean = reader.finite();
      moments.squares = reader.finite();
      good = good && std::abs(moments.mean) <= 1e101 && moments.squares >= 0.0 && moments.squares <= 1e230;
    }
  } else {
    for (detail::FeatureScale& scale : scales_) {
      scale.squares = reader.finite();
      scale.count = reader.u32();
      scale.last = reader.u32();
      good = good && scale.squares >= 0.0 && scale.squares <= 1e230;
    }
  }
  if (layout_ == Layout::whole) {
    for (detail::LaneNumbers& mean : means_) {
      read_lanes(reader, mean.lane);
      good = good && within(mean.lane, kLargestLaneMean);
    }
    for (detail::LaneNumbers& entry : covariance_) {
      read_lanes(reader, entry.lane);
    }
    return good && reader.ok() && detail::sound_covariance(covariance_.data(), features_ + 1, wholes_);
  }
  for (std::size_t i = 0; i < weights_.size() && reader.ok(); ++i) {
    detail::LaneWeights& own = weights_[i];
    const ExpertArray& prior = i < features_ ? lanes_.prior : constant_.prior;
    read_lanes(reader, own.mean);
    read_lanes(reader, own.variance);
    good = good && within(own.mean, kLargestLaneMean);
    for (std::size_t lane = 0; lane < kExperts; ++lane) {
      good = good && own.variance[lane] >= 0.0 && own.variance[lane] <= prior[lane];
    }
  }
  return good;
}

Result<void> AutoLinearLearner::load(Reader& reader) {
  AutoLinearLearner read(config_, {.features = features_, .sparse = sparse_});
  read.updates_ = reader.u64();
  read.steps_ = reader.u64();
  const std::uint8_t layout = reader.u8();
  const bool fits = layout >= static_cast<std::uint8_t>(Layout::centred)
                        ? layout == static_cast<std::uint8_t>(dense_layout())
                        : sparse_;
  if (!reader.ok() || !fits || read.steps_ > read.updates_) {
    return detail::corrupt(kName, "the state is cut short, or its layout or counts are out of range");
  }
  read.layout_ = static_cast<Layout>(layout);
  const bool good = read.read_models(reader);
  read.mixer_.load(reader);
  if (!reader.ok() || !good) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or holds numbers out of range");
  }
  *this = std::move(read);
  return {};
}

bool AutoLinearLearner::operator==(const AutoLinearLearner& other) const {
  return config_ == other.config_ && features_ == other.features_ && sparse_ == other.sparse_ &&
         layout_ == other.layout_ && weights_ == other.weights_ && scales_ == other.scales_ &&
         moments_ == other.moments_ && means_ == other.means_ && covariance_ == other.covariance_ &&
         mixer_ == other.mixer_ && steps_ == other.steps_ && updates_ == other.updates_;
}

Description AutoLinearLearner::describe() const {
  Description text;
  text.summary = "mixture of eight linear models after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(features_)},
                 {"centred", centred() ? 1.0 : 0.0}};
  const bool whole = layout_ == Layout::whole;
  const LaneConstants& constants = whole ? kWhole : kDiagonal;
  text.columns = {"prior_variance", "drift", "whole_covariance", "share"};
  for (std::size_t i = 0; i < kExperts; ++i) {
    text.rows.push_back({constants.prior[i], constants.drift[i] * config_.drift, whole ? kIsWhole[i] : 0.0,
                         mixer_.shares()[i]});
  }
  return text;
}

}  // namespace attune
