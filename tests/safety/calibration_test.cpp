// SPDX-License-Identifier: Apache-2.0
// Calibration errors by hand, Platt's fit by its equations, isotonic regression by the min-max formula.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/calibration.hpp>
#include <attune/safety/recalibration.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::calibration_test {
namespace {

// (0, 0.5] holds 0.2, 0.4, 0.5 with outcomes 0, 1, 0: confidence 1.1 / 3, accuracy 1 / 3. (0.5, 1] holds 0.9
// with 1. ECE = 3/4 * 0.1 / 3 + 1/4 * 0.1 = 0.05; of equal mass: (0.2, 0.4) with 0.5 - 0.3, (0.5, 0.9) with
// 0.5 - 0.7: 1/2 * 0.2 + 1/2 * 0.2 = 0.2.
TEST(Calibration, ErrorsByHand) {
  const std::vector<double> probabilities{0.9, 0.2, 0.5, 0.4};
  const std::vector<double> outcomes{1.0, 0.0, 0.0, 1.0};
  const auto width = reliability_bins(probabilities, outcomes, 2, Binning::equal_width).value();
  ASSERT_EQ(width.size(), 2U);
  EXPECT_EQ(width[0].count, 3.0);
  EXPECT_NEAR(width[0].confidence, 1.1 / 3.0, 1e-15);
  EXPECT_NEAR(width[0].accuracy, 1.0 / 3.0, 1e-15);
  EXPECT_NEAR(expected_calibration_error(width), 0.05, 1e-15);
  EXPECT_NEAR(maximum_calibration_error(width), 0.1, 1e-15);
  const auto mass = reliability_bins(probabilities, outcomes, 2, Binning::equal_mass).value();
  EXPECT_NEAR(expected_calibration_error(mass), 0.2, 1e-15);
}

TEST(Calibration, BinsHoldTheirUpperEdge) {
  const std::vector<double> probabilities{0.0, 0.25, 0.5, 0.75, 1.0};
  const std::vector<double> outcomes(5, 1.0);
  const auto bins = reliability_bins(probabilities, outcomes, 4, Binning::equal_width).value();
  EXPECT_EQ(bins[0].count, 2.0) << "0 and 0.25";
  EXPECT_EQ(bins[1].count, 1.0);
  EXPECT_EQ(bins[3].count, 1.0);
  EXPECT_EQ(expected_calibration_error({}), 0.0);
}

TEST(Calibration, RefusesWhatIsNoProbability) {
  const auto refusal = [](std::vector<double> p, std::vector<double> y, std::size_t bins = 5) {
    const auto made = reliability_bins(p, y, bins, Binning::equal_mass);
    EXPECT_FALSE(made);
    return made ? Error{} : made.error();
  };
  EXPECT_EQ(refusal({0.5}, {}).code, Errc::dimension_mismatch);
  EXPECT_EQ(refusal({0.5}, {1.0}, 0).code, Errc::invalid_argument);
  EXPECT_EQ(refusal({0.5, 1.5}, {1.0, 1.0}).message, "probability 1 = 1.5 is outside [0, 1]");
  EXPECT_EQ(refusal({0.5}, {-1.0}).message, "outcome 0 = -1 is outside [0, 1]");
  EXPECT_EQ(refusal({std::nan("")}, {1.0}).code, Errc::non_finite);
}

CalibrationMonitor watched(std::uint64_t seed, int count) {
  CalibrationMonitor monitor = CalibrationMonitor::make({.bins = 6, .window = 40}).value();
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    const double p = rng.uniform();
    (void)monitor.update(p, rng.uniform() < p * p ? 1.0 : 0.0);
  }
  return monitor;
}

TEST(CalibrationMonitor, AgreesWithTheBinsOfAllAndOfTheNewest) {
  CalibrationMonitor monitor = CalibrationMonitor::make({.bins = 7, .window = 100}).value();
  std::vector<double> p;
  std::vector<double> y;
  Rng rng(1);
  double brier = 0.0;
  for (int i = 0; i < 350; ++i) {
    p.push_back(rng.uniform());
    y.push_back(rng.uniform() < p.back() ? 1.0 : 0.0);
    brier += (p.back() - y.back()) * (p.back() - y.back()) / 350.0;
    ASSERT_EQ(monitor.update(p.back(), y.back()), Errc::ok);
  }
  const auto expect_same = [](const std::vector<ReliabilityBin>& left,
                              const std::vector<ReliabilityBin>& right) {
    ASSERT_EQ(left.size(), right.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
      EXPECT_EQ(left[i].count, right[i].count);
      EXPECT_NEAR(left[i].confidence, right[i].confidence, 1e-12);
      EXPECT_NEAR(left[i].accuracy, right[i].accuracy, 1e-12);
    }
  };
  expect_same(monitor.bins(), reliability_bins(p, y, 7, Binning::equal_width).value());
  const std::span<const double> newest_p = std::span(p).last(100);
  const std::span<const double> newest_y = std::span(y).last(100);
  for (const Binning binning : {Binning::equal_width, Binning::equal_mass}) {
    expect_same(monitor.recent_bins(binning), reliability_bins(newest_p, newest_y, 7, binning).value());
  }
  EXPECT_NEAR(monitor.brier(), brier, 1e-12);
}

// Without binning noise: the error of p^2 for p is the mean of p - p^2, 1/6.
TEST(CalibrationMonitor, SeesMiscalibration) {
  CalibrationMonitor good = CalibrationMonitor::make({}).value();
  CalibrationMonitor bad = CalibrationMonitor::make({}).value();
  Rng rng(2);
  for (int i = 0; i < 50000; ++i) {
    const double p = rng.uniform();
    const double u = rng.uniform();
    (void)good.update(p, u < p ? 1.0 : 0.0);
    (void)bad.update(p, u < p * p ? 1.0 : 0.0);
  }
  // Each of 15 bins has 3333 values: deviations of accuracy below 0.0087, their mean size below 0.0087 * 0.8;
  // five deviations of a mean of 15 half-normals more.
  EXPECT_LT(expected_calibration_error(good.bins()), 0.0087 * (0.8 + 5.0 * 0.6 / std::sqrt(15.0)));
  EXPECT_NEAR(expected_calibration_error(bad.bins()), 1.0 / 6.0, 5.0 * 0.5 / std::sqrt(50000.0));
}

TEST(CalibrationMonitor, RefusesAndCounts) {
  CalibrationMonitor monitor = watched(3, 10);
  const Bytes before = laws::saved(monitor);
  EXPECT_EQ(monitor.update(1.01, 1.0), Errc::invalid_argument);
  EXPECT_EQ(monitor.update(0.5, -0.1), Errc::invalid_argument);
  EXPECT_EQ(monitor.update(std::nan(""), 1.0), Errc::non_finite);
  EXPECT_EQ(monitor.refused(), 3U);
  EXPECT_EQ(monitor.predictions(), 10U);
  EXPECT_EQ(laws::saved(monitor).size(), before.size());
}

TEST(CalibrationMonitor, StatesComeBackAndHostileOnesDoNoHarm) {
  for (const int count : {0, 1, 40, 41, 130}) {
    laws::expect_round_trip(watched(4, count), watched(5, 20));
  }
  laws::expect_every_cut_is_refused(watched(4, 60), watched(5, 20));
  laws::expect_flipped_bits_do_no_harm(watched(4, 30), watched(5, 20), [](CalibrationMonitor other) {
    ASSERT_EQ(other.update(0.5, 1.0), Errc::ok);
    ASSERT_GE(expected_calibration_error(other.recent_bins(Binning::equal_mass)), 0.0);
    ASSERT_GE(expected_calibration_error(other.bins()), 0.0);
  });
}

TEST(CalibrationMonitor, UpdatesDoNotAllocate) {
  CalibrationMonitor monitor = watched(6, 0);
  const test::AllocationCount counter;
  for (int i = 0; i < 100; ++i) {
    (void)monitor.update(0.3, 1.0);
  }
  monitor.reset();
  EXPECT_EQ(counter.count(), 0U);
}

// Two scores: the model is saturated, and the probability of each is the mean of its targets. Three of four
// happened at 1, one of four at -1: targets 5/6 and 1/6 (N+ = N- = 4), means (3 * 5 + 1) / 24 = 2/3 and 1/3:
// a = -ln 2, b = 0.
TEST(PlattScaling, OfTwoScoresIsTheMeanOfTheirTargets) {
  const std::vector<double> scores{1, 1, 1, 1, -1, -1, -1, -1};
  const std::vector<std::uint8_t> happened{1, 1, 1, 0, 0, 0, 0, 1};
  const PlattScaling fit = PlattScaling::fit(scores, happened).value();
  EXPECT_NEAR(fit.slope(), -std::log(2.0), 1e-9);
  EXPECT_NEAR(fit.offset(), 0.0, 1e-9);
  EXPECT_NEAR(fit.probability(1.0), 2.0 / 3.0, 1e-9);
  EXPECT_TRUE(std::isnan(fit.probability(std::numeric_limits<double>::infinity())));
}

/// The two equations of the maximum: sum (target - p) = 0 and sum score (target - p) = 0, in standard
/// deviations.
void expect_maximum(const std::vector<double>& scores, const std::vector<std::uint8_t>& happened) {
  const Result<PlattScaling> fit = PlattScaling::fit(scores, happened);
  ASSERT_TRUE(fit) << fit.error().message;
  const auto yes = static_cast<double>(std::ranges::count(happened, 1));
  const double no = static_cast<double>(scores.size()) - yes;
  double mean = 0.0;
  for (const double score : scores) {
    mean += score / static_cast<double>(scores.size());
  }
  double scale = 0.0;
  for (const double score : scores) {
    scale = std::max(scale, std::fabs(score - mean));
  }
  double first = 0.0;
  double second = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double target = happened[i] != 0 ? (yes + 1.0) / (yes + 2.0) : 1.0 / (no + 2.0);
    const double error = target - fit->probability(scores[i]);
    first += error;
    second += scale > 0.0 ? error * (scores[i] - mean) / scale : 0.0;
  }
  const double tolerance = 1e-6 * static_cast<double>(scores.size());
  EXPECT_NEAR(first, 0.0, tolerance);
  EXPECT_NEAR(second, 0.0, tolerance);
}

TEST(PlattScaling, SolvesItsEquations) {
  Rng rng(3);
  for (const double unit : {1.0, 1e-9, 1e6}) {
    std::vector<double> scores;
    std::vector<std::uint8_t> happened;
    for (int i = 0; i < 400; ++i) {
      scores.push_back(unit * (100.0 + sample_normal(rng)));
      happened.push_back(rng.uniform() < 1.0 / (1.0 + std::exp(-3.0 * (scores.back() / unit - 100.3))) ? 1
                                                                                                       : 0);
    }
    expect_maximum(scores, happened);
  }
  expect_maximum({1, 2, 3, 4}, {0, 0, 1, 1});  // can be told apart
  expect_maximum({1, 2, 3, 4}, {1, 1, 1, 1});  // one class
  expect_maximum({5, 5, 5}, {1, 0, 1});        // one score
  expect_maximum({7}, {0});
}

TEST(PlattScaling, RefusesAndComesBack) {
  const std::vector<double> scores{1.0, 2.0, 4.0};
  const std::vector<std::uint8_t> happened{0, 1, 1};
  const PlattScaling fit = PlattScaling::fit(scores, happened).value();
  EXPECT_LT(fit.probability(0.0), fit.probability(5.0));
  laws::expect_round_trip(fit, PlattScaling());
  laws::expect_every_cut_is_refused(fit, PlattScaling());
  laws::expect_flipped_bits_do_no_harm(fit, PlattScaling(), [](const PlattScaling& other) {
    ASSERT_TRUE(other.probability(1.0) >= 0.0 && other.probability(1.0) <= 1.0);
  });
  EXPECT_EQ(PlattScaling::fit(scores, {}).error().code, Errc::dimension_mismatch);
  EXPECT_EQ(PlattScaling::fit({}, {}).error().code, Errc::invalid_argument);
  const std::vector<double> bad{1.0, std::nan(""), 2.0};
  EXPECT_EQ(PlattScaling::fit(bad, happened).error().message, "score 1 = nan");
  const std::vector<double> huge{1.0, 1e200, 2.0};
  EXPECT_EQ(PlattScaling::fit(huge, happened).error().code, Errc::invalid_argument);
}

/// The isotonic fit at i is max over j <= i of min over k >= i of the mean of j ... k (Barlow et al. 1972,
/// theorem 1.4).
std::vector<double> min_max(const std::vector<double>& y, const std::vector<double>& w) {
  std::vector<double> fit(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    double best = -std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j <= i; ++j) {
      double least = std::numeric_limits<double>::infinity();
      double sum = 0.0;
      double weight = 0.0;
      for (std::size_t k = j; k < y.size(); ++k) {
        sum += w[k] * y[k];
        weight += w[k];
        least = k >= i ? std::min(least, sum / weight) : least;
      }
      best = std::max(best, least);
    }
    fit[i] = best;
  }
  return fit;
}

RC_GTEST_PROP(IsotonicRegression, AgreesWithTheMinMaxFormula, ()) {
  const auto drawn = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(-5, 6), rc::gen::inRange(1, 4))));
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> w;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    x.push_back(static_cast<double>(i) * 2.0);
    y.push_back(drawn[i].first);
    w.push_back(drawn[i].second);
  }
  const std::vector<double> expected = min_max(y, w);
  // Their order does not matter.
  std::vector<double> rx(x.rbegin(), x.rend());
  std::vector<double> ry(y.rbegin(), y.rend());
  std::vector<double> rw(w.rbegin(), w.rend());
  const IsotonicRegression fit = IsotonicRegression::fit(rx, ry, rw).value();
  for (std::size_t i = 0; i < x.size(); ++i) {
    RC_ASSERT(std::fabs(fit.value(x[i]) - expected[i]) < 1e-9);
    if (i > 0) {
      RC_ASSERT(std::fabs(fit.value(x[i] - 1.0) - 0.5 * (expected[i - 1] + expected[i])) < 1e-9);
    }
  }
  RC_ASSERT(std::fabs(fit.value(-1e9) - expected.front()) < 1e-9);
  RC_ASSERT(std::fabs(fit.value(1e9) - expected.back()) < 1e-9);
  RC_ASSERT(std::ranges::is_sorted(fit.values()));
}

// Scores 1, 1, 2, 3, 3 with 0, 4, 1, 5, 9: ties have the means 2 and 7; 2 and 1 pool to (2 * 2 + 1) / 3.
TEST(IsotonicRegression, PoolsTiesFirst) {
  const std::vector<double> x{3, 1, 2, 1, 3};
  const std::vector<double> y{5, 0, 1, 4, 9};
  const IsotonicRegression fit = IsotonicRegression::fit(x, y).value();
  EXPECT_NEAR(fit.value(1.0), 5.0 / 3.0, 1e-15);
  EXPECT_NEAR(fit.value(2.0), 5.0 / 3.0, 1e-15);
  EXPECT_NEAR(fit.value(3.0), 7.0, 1e-15);
  EXPECT_NEAR(fit.value(2.5), (5.0 / 3.0 + 7.0) / 2.0, 1e-14);
  EXPECT_TRUE(std::isnan(fit.value(std::nan(""))));
  EXPECT_NEAR(fit.value(std::numeric_limits<double>::infinity()), 7.0, 1e-15);
}

TEST(IsotonicRegression, RefusesAndComesBack) {
  const std::vector<double> x{3, 1, 2, 4};
  const std::vector<double> y{1, 0, 0, 0.5};
  const IsotonicRegression fit = IsotonicRegression::fit(x, y).value();
  laws::expect_round_trip(fit, IsotonicRegression());
  laws::expect_every_cut_is_refused(fit, IsotonicRegression());
  laws::expect_flipped_bits_do_no_harm(fit, IsotonicRegression(), [](const IsotonicRegression& other) {
    ASSERT_LE(other.value(1.5), other.value(3.5));
  });
  EXPECT_EQ(IsotonicRegression::fit(x, std::vector<double>{1.0}).error().code, Errc::dimension_mismatch);
  EXPECT_EQ(IsotonicRegression::fit({}, {}).error().code, Errc::invalid_argument);
  EXPECT_EQ(IsotonicRegression::fit(x, y, std::vector<double>{1.0}).error().code, Errc::dimension_mismatch);
  EXPECT_EQ(IsotonicRegression::fit(x, y, std::vector<double>{1, 0, 1, 1}).error().message,
            "weight 1 = 0 is not positive");
  EXPECT_EQ(IsotonicRegression::fit(x, std::vector<double>{1, std::nan(""), 1, 1}).error().code,
            Errc::non_finite);
  EXPECT_EQ(IsotonicRegression().value(3.0), 0.0);
}

}  // namespace
}  // namespace attune::calibration_test
