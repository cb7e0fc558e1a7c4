// SPDX-License-Identifier: Apache-2.0
/// @file
/// AutoLinearLearner: linear or logistic regression without settings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/expert_mixer.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Options of AutoLinearLearner. There is nothing to tune; these bound cost and say what is known.
struct AutoLinearConfig {
  Loss loss = Loss::squared;
  double drift = 1.0;
  std::uint32_t covariance_features = 64;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "squared error, or logistic loss for targets in [0, 1]");
    visit("drift", self.drift, Bounds{0, 1e3},
          "how fast the experts that expect change expect it, as a multiple; 0: nothing changes");
    visit("covariance_features", self.covariance_features, Bounds{0, 512},
          "up to so many features, dense ones get experts with a whole covariance; cost grows as its square");
  }
  bool operator==(const AutoLinearConfig&) const = default;
};

namespace detail {

/// A number of each of eight models.
struct alignas(64) LaneNumbers {
  ExpertArray lane{};

  bool operator==(const LaneNumbers&) const = default;
};

/// What has been seen of one feature.
struct FeatureScale {
  double squares = 0.0;     ///< sum of squares
  std::uint32_t count = 0;  ///< examples that had it
  std::uint32_t last = 0;   ///< number of the last one, modulo 2^32

  bool operator==(const FeatureScale&) const = default;
};

/// Of one feature that is centred.
struct FeatureMoments {
  double mean = 0.0;
  double squares = 0.0;  ///< sum of squares about the mean

  bool operator==(const FeatureMoments&) const = default;
};

/// What the eight believe before the first example, and how it returns.
struct CovarianceConstants {
  ExpertArray prior{};     ///< variance of a weight
  ExpertArray constant{};  ///< of the last weight, the constant's
  ExpertArray keep{};      ///< part of a belief that stays each example; the rest is the prior
  ExpertArray pull{};      ///< factor of the means, all but the constant's
  ExpertArray whole{};     ///< 1: covariances are learned; 0: variances alone
};

}  // namespace detail

/// Learns from standardised features with eight Bayesian experts and mixes them.
///
/// Each expert believes w ~ N(m, P) and takes the extended Kalman step of the loss, solved implicitly:
///
///     r = y - p(m.z + tau r),   m <- m + P z r,   P <- P - v / (1 + v tau) P z z' P,   tau = z'P z,
///
/// v = p (1 - p) at the solution (squared loss: p is the identity, v = 1), and then lets P return towards its
/// prior at a rate of its own. Experts differ in prior variance (0.03 ... 10), in that rate (0 ... 1e-4 an
/// example), and in whether P is diagonal or whole. An ExpertMixer makes one prediction of theirs.
///
/// Layout: dense input, and sparse input whose first example has at least 30 % of the features, is centred
/// and divided by its running deviation; five of the experts then have a whole covariance, if there are at
/// most `covariance_features` features. Other sparse input is divided by the root mean square of what each
/// feature was when present, zeros stay zeros, and all experts are diagonal. Values beyond ten deviations are
/// cut.
///
/// Sources: Fahrmeir (1992), "Posterior mode estimation by extended Kalman filtering for multivariate dynamic
/// generalized linear models", JASA 87; Kulis, Bartlett (2010), "Implicit online learning", ICML; of the
/// mixture see ExpertMixer. The priors and rates were chosen on the streams that
/// docs/algorithms/auto_linear.md names, not on those that its figures are stated for.
///
/// Cost: O(non-zero features) to learn, about 10 ns each and 0.2 us an example; with whole covariances
/// O(features^2), at 16 features about 0.3 us of 0.5. None allocates. Memory: 160 bytes a feature. Limits: a
/// linear model: products of features must be made by the caller. `sgd`, `adagrad` and `ftrl` take a fifth of
/// its time, and ftrl leaves weights at exactly zero.
class AutoLinearLearner {
 public:
  using Config = AutoLinearConfig;

  static constexpr std::string_view kName = "auto_linear";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kMaxFeatures = std::size_t{1} << 24;
  /// Features, targets up to here, and weights up to 1e9, are taken; others are refused as non_finite.
  static constexpr double kLargestNumber = 1e100;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<AutoLinearLearner> make(const Config& config, const Shape& shape);

  /// Errors: dimension_mismatch, non_finite (also features or a target beyond 1e100, a weight beyond 1e9),
  /// invalid_argument (weight < 0, or a logistic target outside [0, 1]).
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept {
    double before = 0.0;
    return predict_then_fit(input, target, weight, before);
  }
  /// The score, or the probability with logistic loss.
  [[nodiscard]] double predict(const Input& input) const noexcept;
  /// partial_fit, and what predict said before it; cheaper than both.
  [[nodiscard]] Errc predict_then_fit(const Input& input, double target, double weight,
                                      double& before) noexcept;

  /// Brings the weights of a sparse input near that comes soon; changes nothing. Indices may be anything.
  void prefetch(const Input& input) const noexcept;

  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }
  /// How much each expert counts in the average.
  [[nodiscard]] const ExpertArray& shares() const noexcept { return mixer_.shares(); }
  /// Whether features are centred (see above).
  [[nodiscard]] bool centred() const noexcept { return layout_ >= Layout::centred; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const AutoLinearLearner& other) const;

 private:
  enum class Layout : std::uint8_t { undecided, sparse, centred, whole };

  AutoLinearLearner(const Config& config, const Shape& shape);
  void settle(Layout layout) noexcept;
  [[nodiscard]] Layout dense_layout() const noexcept {
    return features_ <= config_.covariance_features ? Layout::whole : Layout::centred;
  }
  [[nodiscard]] Errc check(const Input& input, double target, double weight) const noexcept;
  [[nodiscard]] ExpertArray scores_of(const Input& input) const noexcept;
  void standardise_dense(const Input& input) noexcept;
  [[nodiscard]] bool read_models(Reader& reader);

  Config config_;
  // Of the layout, with the drift of the configuration.
  detail::LaneConstants lanes_;
  detail::LaneConstants constant_;
  detail::CovarianceConstants wholes_;
  std::size_t features_ = 0;
  bool sparse_ = false;
  Layout layout_ = Layout::undecided;
  // Layouts sparse and centred: features, then the constant.
  std::vector<detail::LaneWeights> weights_;
  std::vector<detail::FeatureScale> scales_;
  // Layouts centred and whole.
  std::vector<detail::FeatureMoments> moments_;
  // Layout whole: features, then the constant.
  std::vector<detail::LaneNumbers> means_;
  std::vector<detail::LaneNumbers> covariance_;  // lower triangle by rows
  ExpertMixer mixer_;
  std::uint64_t steps_ = 0;  // examples of weight > 0
  std::uint64_t updates_ = 0;
  // Of the example being learned; no part of the state.
  std::vector<double> z_;
  std::vector<detail::LaneNumbers> gains_;
};

}  // namespace attune
