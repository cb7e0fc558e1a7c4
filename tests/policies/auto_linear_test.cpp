// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/auto_linear.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>
#include <attune/policies/progressive_score.hpp>

#include "policies/learner/feature_scale.hpp"
#include "policies/learner/lane_kernels.hpp"
#include "policies/learner/link.hpp"
#include "tests/policies/linear_learner_fixture.hpp"

namespace attune::auto_linear_test {
namespace {

constexpr AutoLinearConfig kLogistic{.loss = Loss::logistic};

AutoLinearLearner make_auto(const AutoLinearConfig& config, std::size_t features, bool sparse = false) {
  return AutoLinearLearner::make(config, {.features = features, .sparse = sparse}).value();
}

double logistic(double score) { return 1.0 / (1.0 + std::exp(-score)); }

/// Log loss over rows of `features` numbers whose labels follow weights / units; feature j is unit_j (x_j +
/// offset).
double stream_loss(AutoLinearLearner learner, const std::vector<double>& weights,
                   const std::vector<double>& units, double offset, int rows, std::uint64_t seed,
                   bool flip = false) {
  ProgressiveScore score;
  Rng rng(seed);
  std::vector<double> row(weights.size());
  for (int t = 0; t < rows; ++t) {
    double sum = 0.0;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double x = sample_normal(rng);
      sum += x * weights[j];
      row[j] = units[j] * (x + offset);
    }
    if (flip && t >= rows / 2) {
      sum = -sum;
    }
    const double label = rng.uniform() < logistic(sum) ? 1.0 : 0.0;
    double before = 0.0;
    const double said = learner.predict({.dense = row});
    EXPECT_EQ(learner.predict_then_fit({.dense = row}, label, 1.0, before), Errc::ok);
    EXPECT_EQ(before, said) << "row " << t;
    EXPECT_EQ(score.add(before, label), Errc::ok);
  }
  return score.log_loss();
}

/// Mean of the log loss of the true probabilities, by integrating over the score ~ N(0, |w|^2).
double least_loss(double deviation) {
  double total = 0.0;
  double mass = 0.0;
  for (double z = -8.0; z <= 8.0; z += 1e-3) {
    const double p = logistic(deviation * z);
    const double density = std::exp(-0.5 * z * z);
    total -= density * (p * std::log(p) + (1.0 - p) * std::log(1.0 - p));
    mass += density;
  }
  return total / mass;
}

// d/2 ln n is what a Bayesian pays for d weights (Clarke, Barron 1990); with n = 4000 and d = 6 that is 25 of
// 4000 rows, 0.006 each. The mixture pays 0.001 more. The loss of the true probabilities itself has a
// standard error of about 0.4 / sqrt(4000) = 0.006; five of them.
TEST(AutoLinear, ComesNearTheTrueProbabilities) {
  const std::vector<double> weights{1.0, -1.0, 0.5, 0.0, 1.0, 0.0};
  const double least = least_loss(std::sqrt(3.25));
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const double loss =
        stream_loss(make_auto(kLogistic, 6), weights, std::vector<double>(6, 1.0), 0.0, 4000, seed);
    EXPECT_LT(loss, least + 0.007 + 0.03);
    EXPECT_GT(loss, least - 0.03);
  }
}

TEST(AutoLinear, NeitherUnitsNorOffsetsMatter) {
  const std::vector<double> weights{1.0, -1.0, 0.5, 2.0};
  const double plain = stream_loss(make_auto(kLogistic, 4), weights, {1.0, 1.0, 1.0, 1.0}, 0.0, 2000, 5);
  const double scaled = stream_loss(make_auto(kLogistic, 4), weights, {1e-6, 1e9, 1.0, 1e3}, 100.0, 2000, 5);
  // The standardised numbers are equal but for rounding, of 1e-14 of a deviation.
  EXPECT_NEAR(scaled, plain, 1e-6);
}

TEST(AutoLinear, RecoversWhenTheWorldTurnsOver) {
  const std::vector<double> weights{2.0, -2.0, 1.0, 1.0};
  const std::vector<double> ones(4, 1.0);
  const double still = stream_loss(make_auto(kLogistic, 4), weights, ones, 0.0, 6000, 6);
  const double flipped = stream_loss(make_auto(kLogistic, 4), weights, ones, 0.0, 6000, 6, true);
  // To be as wrong as it was right for 100 rows would cost about 3 each: 0.05 a row of all.
  EXPECT_LT(flipped, still + 0.05);
}

TEST(AutoLinear, SparseInputThatIsDenseLearnsAsDenseInput) {
  AutoLinearLearner dense = make_auto(kLogistic, 3);
  AutoLinearLearner sparse = make_auto(kLogistic, 3, true);
  const std::vector<std::uint32_t> index{0, 1, 2};
  Rng rng(9);
  std::vector<double> row(3);
  for (int t = 0; t < 300; ++t) {
    for (double& x : row) {
      x = sample_normal(rng);
    }
    const double label = rng.uniform() < logistic(row[0]) ? 1.0 : 0.0;
    double left = 0.0;
    double right = 0.0;
    ASSERT_EQ(dense.predict_then_fit({.dense = row}, label, 1.0, left), Errc::ok);
    ASSERT_EQ(sparse.predict_then_fit({.sparse = {index, row}}, label, 1.0, right), Errc::ok);
    ASSERT_EQ(left, right);
  }
  EXPECT_TRUE(sparse.centred());
}

TEST(AutoLinear, OneHotRowsOfAWideSpace) {
  constexpr std::size_t kFeatures = std::size_t{1} << 20U;
  AutoLinearLearner learner = make_auto(kLogistic, kFeatures, true);
  Rng rng(10);
  ProgressiveScore late;
  const std::vector<double> ones(2, 1.0);
  double before = 0.0;
  std::size_t allocations = 0;
  for (int t = 0; t < 20'000; ++t) {
    const auto user = static_cast<std::uint32_t>(rng.below(50));
    const std::vector<std::uint32_t> index{user, 500'000 + static_cast<std::uint32_t>(rng.below(400'000))};
    const double label = rng.uniform() < (user % 2 == 0 ? 0.8 : 0.1) ? 1.0 : 0.0;
    const double said = learner.predict({.sparse = {index, ones}});
    const test::AllocationCount count;
    ASSERT_EQ(learner.predict_then_fit({.sparse = {index, ones}}, label, 1.0, before), Errc::ok);
    allocations += count.count();
    ASSERT_EQ(said, before);
    if (t >= 5'000) {
      ASSERT_EQ(late.add(before, label), Errc::ok);
    }
  }
  EXPECT_FALSE(learner.centred());
  EXPECT_EQ(allocations, 0U);
  // The true probabilities have 0.5 (H(0.8) + H(0.1)) = 0.4127, with a standard error of 0.0037 at 15,000
  // rows; nearly every second feature is new, and teaches nothing.
  EXPECT_LT(late.log_loss(), 0.4127 + 0.02 + 5 * 0.0037);
}

TEST(AutoLinear, RegressionFindsAnyScaleOfTheTarget) {
  for (const double unit : {1e-9, 1.0, 1e12}) {
    AutoLinearLearner learner = make_auto({}, 3);
    Rng rng(11);
    double late = 0.0;
    std::vector<double> row(3);
    for (int t = 0; t < 3000; ++t) {
      for (double& x : row) {
        x = 5.0 + sample_normal(rng);
      }
      const double target = unit * (100.0 + row[0] - 2.0 * row[1] + 0.1 * sample_normal(rng));
      const double error = (learner.predict({.dense = row}) - target) / unit;
      ASSERT_EQ(learner.partial_fit({.dense = row}, target, 1.0), Errc::ok);
      late += t >= 2000 ? error * error : 0.0;
    }
    // Noise 0.01, and what four weights and the mixture cost: below a tenth after 2,000 rows. The mean of
    // 1,000 squares has a standard error of 0.01 sqrt(2 / 1000) = 0.00045.
    EXPECT_LT(late / 1000.0, 0.011 + 5 * 0.00045) << unit;
  }
}

TEST(AutoLinear, WeightTwoMovesAboutAsFarAsTheExampleTwice) {
  const std::vector<double> x{1.0, 2.0};
  const std::vector<double> y{-1.0, 0.5};
  for (const double weight : {1.0, 2.0}) {
    AutoLinearLearner heavy = make_auto(kLogistic, 2);
    AutoLinearLearner twice = make_auto(kLogistic, 2);
    for (int t = 0; t < 50; ++t) {
      const auto& row = t % 2 == 0 ? x : y;
      ASSERT_EQ(heavy.partial_fit({.dense = row}, t % 3 == 0 ? 1.0 : 0.0, weight), Errc::ok);
      for (int k = 0; k < static_cast<int>(weight); ++k) {
        ASSERT_EQ(twice.partial_fit({.dense = row}, t % 3 == 0 ? 1.0 : 0.0, 1.0), Errc::ok);
      }
    }
    EXPECT_NEAR(heavy.predict({.dense = x}), twice.predict({.dense = x}), weight == 1.0 ? 0.0 : 0.03);
  }
}

TEST(AutoLinear, OneOutlierDoesNotSpoilAFeature) {
  AutoLinearLearner clean = make_auto(kLogistic, 1);
  AutoLinearLearner spoilt = make_auto(kLogistic, 1);
  Rng rng(12);
  double difference = 0.0;
  for (int t = 0; t < 2000; ++t) {
    const std::vector<double> row{sample_normal(rng)};
    const double label = rng.uniform() < logistic(2.0 * row[0]) ? 1.0 : 0.0;
    const std::vector<double> wild{t == 500 ? 1e12 : row[0]};
    difference = std::abs(clean.predict({.dense = row}) - spoilt.predict({.dense = row}));
    ASSERT_EQ(clean.partial_fit({.dense = row}, label, 1.0), Errc::ok);
    ASSERT_EQ(spoilt.partial_fit({.dense = wild}, label, 1.0), Errc::ok);
  }
  EXPECT_LT(difference, 0.05);
}

TEST(AutoLinear, HasTheMannersOfALearner) { test::expect_learner_manners<AutoLinearLearner>({}); }

TEST(AutoLinear, RefusesOptionsOutOfRange) {
  EXPECT_EQ(AutoLinearLearner::make({.drift = -1.0}, {.features = 1}).error().code, Errc::invalid_config);
  EXPECT_EQ(AutoLinearLearner::make({.covariance_features = 1000}, {.features = 1}).error().code,
            Errc::invalid_config);
  EXPECT_EQ(AutoLinearLearner::make({}, {.features = (std::size_t{1} << 24U) + 1}).error().code,
            Errc::invalid_config);
}

// ------------------------------------------------------------------------------------------------ kernels

TEST(LaneKernels, GiveTheSameBitsOnEveryInstructionSet) {
  constexpr std::size_t kSize = 7;
  Rng rng(20);
  const auto numbers = [&](double scale) {
    ExpertArray values{};
    for (double& value : values) {
      value = scale * sample_normal(rng);
    }
    return values;
  };
  const detail::LaneKernels& reference = *detail::all_lane_kernels().front();
  for (int round = 0; round < 200; ++round) {
    const ExpertArray scores = numbers(round < 100 ? 3.0 : 300.0);
    ExpertArray spreads = numbers(2.0);
    ExpertArray probabilities{};
    reference.probabilities(scores, probabilities);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      spreads[i] = std::abs(spreads[i]);
      EXPECT_NEAR(probabilities[i], logistic(scores[i]), 4e-16 * probabilities[i] + 1e-300);
    }
    std::vector<double> z(kSize);
    std::ranges::generate(z, [&] { return sample_normal(rng); });
    detail::CovarianceConstants constants;
    constants.prior.fill(1.0);
    constants.constant.fill(2.0);
    constants.keep.fill(0.999);
    constants.pull.fill(0.9995);
    constants.whole = {1, 1, 1, 1, 0, 0, 1, 1};
    std::vector<detail::LaneNumbers> covariance(detail::triangle_size(kSize));
    detail::reset_covariance(covariance.data(), kSize, constants, 8);
    std::vector<detail::LaneNumbers> means(kSize);
    struct Answer {
      ExpertArray probabilities, steps, shrinks, scores, spreads, least;
      std::vector<detail::LaneNumbers> gains, covariance, means;
      bool operator==(const Answer&) const = default;
    };
    const auto run = [&](const detail::LaneKernels& kernels) {
      Answer answer{{}, {}, {}, {}, {}, {}, std::vector<detail::LaneNumbers>(kSize), covariance, means};
      kernels.probabilities(scores, answer.probabilities);
      kernels.moves(scores, answer.probabilities, spreads, 1.0, 1.5, answer.steps, answer.shrinks);
      for (int t = 0; t < 3; ++t) {
        kernels.covariance_gains(answer.covariance.data(), answer.means.data(), kSize, z.data(),
                                 answer.gains.data(), answer.scores, answer.spreads);
        kernels.learn_covariance(answer.covariance.data(), answer.means.data(), kSize, answer.gains.data(),
                                 answer.steps, answer.shrinks, constants, answer.least);
      }
      return answer;
    };
    const Answer expected = run(reference);
    for (const detail::LaneKernels* kernels : detail::all_lane_kernels()) {
      ASSERT_EQ(run(*kernels), expected);
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const detail::Move move =
          detail::newton_logistic_move(scores[i], expected.probabilities[i], spreads[i], 1.0, 1.5,
                                       [](double score) { return logistic(score); });
      EXPECT_NEAR(expected.steps[i], move.step, 1e-12);
      EXPECT_NEAR(expected.shrinks[i], move.shrink, 1e-12);
    }
  }
}

TEST(LaneKernels, StandardiseSparseFeaturesAsOneAtATime) {
  constexpr std::size_t kFeatures = 40;
  const detail::LaneConstants constants{.prior = {1, 2, 3, 4, 5, 6, 7, 8}, .drift = {0, 0, 0, 0, 1, 2, 3, 4}};
  for (const detail::LaneKernels* kernels : detail::all_lane_kernels()) {
    Rng rng(22);
    std::vector<detail::LaneWeights> weights(kFeatures + 1);
    std::vector<detail::FeatureScale> scales(kFeatures);
    scales[0].count = 0xFFFFFFFFU;  // does not go around
    scales[0].squares = 4e9;
    std::vector<detail::FeatureScale> expected = scales;
    for (std::uint32_t now = 0; now < 200; ++now) {
      std::vector<std::uint32_t> index;
      std::vector<double> value;
      for (std::uint32_t i = 0; i < kFeatures; ++i) {
        if (rng.uniform() < 0.3) {
          index.push_back(i);
          const double outlier = rng.uniform() < 0.02 ? 1e90 : 1.0;
          // Constants, zeros of both signs, numbers whose squares vanish, and ordinary ones.
          const std::array<double, 5> kinds{-1.0, -0.0, 1e-170, 3.0 * sample_normal(rng), sample_normal(rng)};
          value.push_back(outlier * kinds.at(i % 5));
        }
      }
      std::vector<double> z(index.size());
      ExpertArray scores{};
      ExpertArray spreads{};
      kernels->prepare_sparse({weights.data(), scales.data(), kFeatures, &constants, &constants},
                              {index, value}, now, z.data(), scores, spreads);
      for (std::size_t k = 0; k < index.size(); ++k) {
        ASSERT_EQ(z[k], detail::standardised(expected[index[k]], value[k])) << now << ' ' << k;
        expected[index[k]].last = now;
      }
      ASSERT_EQ(scales, expected);
    }
  }
}

TEST(LaneKernels, MixToTheSameBitsOnEveryInstructionSet) {
  for (const Loss loss : {Loss::logistic, Loss::squared}) {
    detail::MixerState start;
    start.shares.fill(1.0 / 8);
    start.correction_shares.fill(1.0 / 9);
    start.average_share = 1.0 / 9;
    for (detail::LaneWeights& coefficient : start.corrections) {
      coefficient.variance = detail::kCorrections.prior;
    }
    const auto run = [&](const detail::LaneKernels& kernels) {
      Rng rng(23);
      detail::MixerState state = start;
      std::vector<double> predictions;
      for (int t = 0; t < 300; ++t) {
        ExpertArray scores{};
        for (double& score : scores) {
          score = (t % 10 == 0 ? 300.0 : 2.0) * sample_normal(rng);
        }
        ExpertMixer::Blend blend;
        kernels.blend(state, loss, scores, blend);
        predictions.push_back(blend.prediction);
        const double target = t % 3 == 0 ? rng.uniform() : static_cast<double>(t % 2);
        kernels.reweigh(state, loss, blend, target, t % 5 == 0 ? 2.5 : 1.0);
      }
      return std::pair(predictions, state);
    };
    const auto expected = run(*detail::all_lane_kernels().front());
    for (const detail::LaneKernels* kernels : detail::all_lane_kernels()) {
      ASSERT_EQ(run(*kernels), expected);
    }
  }
}

TEST(ExpertMixer, LosesLittleAgainstTheBestExpert) {
  ExpertMixer mixer(Loss::logistic);
  Rng rng(21);
  double mine = 0.0;
  std::array<double, 8> theirs{};
  constexpr int kRows = 3000;
  for (int t = 0; t < kRows; ++t) {
    const double score = sample_normal(rng);
    const double label = rng.uniform() < logistic(score) ? 1.0 : 0.0;
    ExpertArray scores{};
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = i == 3 ? score : sample_normal(rng);
    }
    const ExpertMixer::Blend blend = mixer.blend(scores);
    mine -= std::log(label == 1.0 ? blend.prediction : 1.0 - blend.prediction);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      theirs.at(i) -= std::log(label == 1.0 ? logistic(scores[i]) : 1.0 - logistic(scores[i]));
    }
    mixer.learn(blend, label, 1.0);
  }
  // The bound of the page.
  EXPECT_LT(mine, *std::ranges::min_element(theirs) + std::log(8.0) + std::log(9.0) + 2.1e-4 * kRows);
  EXPECT_GT(mixer.shares()[3], 0.99);
}

}  // namespace
}  // namespace attune::auto_linear_test
