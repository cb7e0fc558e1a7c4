// SPDX-License-Identifier: Apache-2.0
// The anomaly detectors against closed forms, published run lengths, and rates computed elsewhere.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include <attune/safety/builtin_anomaly_detectors.hpp>

#include "tests/safety/rates.hpp"
#include "tests/safety/streams.hpp"

namespace attune::anomaly_test {
namespace {

using test::draw_stream;
using test::rate_matches;

template <class D>
Anomaly after(const typename D::Config& config, const std::vector<double>& values, double last) {
  D detector = D::make(config).value();
  for (const double value : values) {
    (void)detector.update(value);
  }
  return detector.score(last);
}

/// How many of `trials` values are anomalies, each judged by a detector that has learned `before` others.
template <class D>
std::uint64_t judged_afresh(const typename D::Config& config, std::size_t trials, std::size_t before) {
  const std::vector<double> values = draw_stream(21, trials * (before + 1), test::normal(0.0));
  D detector = D::make(config).value();
  std::uint64_t anomalies = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % (before + 1) == before) {
      anomalies += detector.score(values[i]).is_anomaly ? 1 : 0;
      detector.reset();
    } else {
      (void)detector.update(values[i]);
    }
  }
  return anomalies;
}

template <class D>
std::uint64_t anomalies_of(const typename D::Config& config, const std::vector<double>& values) {
  D detector = D::make(config).value();
  for (const double value : values) {
    (void)detector.update(value);
  }
  return detector.count().anomalies;
}

const double kThreeSigma = 2.0 * boost::math::cdf(boost::math::normal(), -3.0);

constexpr AnomalyRules kLearnAll{.learn = LearnAnomalies::all};

// Of 2, 4, 4, 4, 5, 5, 7, 9 the mean is 5 and the sum of squares about it 32; s^2 = 32 / 7, and with the
// error of the mean s^2 (1 + 1/8) = 36 / 7. 10 is 5 / sqrt(36 / 7) = 2.2048 away.
TEST(ZScore, IsWhatTheFormulaSays) {
  const Anomaly verdict = after<ZScore>({.threshold = 2.0, .warm_up = 8}, {2, 4, 4, 4, 5, 5, 7, 9}, 10.0);
  EXPECT_NEAR(verdict.score, 5.0 / std::sqrt(36.0 / 7.0), 1e-14);
  EXPECT_NEAR(verdict.expected, 5.0, 1e-14);
  EXPECT_NEAR(verdict.upper, 5.0 + 2.0 * std::sqrt(36.0 / 7.0), 1e-13);
  EXPECT_NEAR(verdict.lower, 5.0 - 2.0 * std::sqrt(36.0 / 7.0), 1e-13);
  EXPECT_TRUE(verdict.is_anomaly);
}

// The score of the next normal value is Student's t exactly.
TEST(ZScore, FalseAlarmsFollowStudentsT) {
  const double rate = 2.0 * boost::math::cdf(boost::math::students_t(29.0), -3.0);
  EXPECT_TRUE(rate_matches(judged_afresh<ZScore>({.rules = kLearnAll}, 40000, 30), 40000, rate));
}

TEST(ZScore, FalseAlarmsInTheLongRun) {
  std::vector<double> values = draw_stream(22, 400000, test::normal(-3.0, 1e-3));
  ZScore detector = ZScore::make({.rules = kLearnAll}).value();
  std::uint64_t anomalies = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    anomalies += detector.update(values[i]).is_anomaly && i >= 100000 ? 1 : 0;
  }
  EXPECT_TRUE(rate_matches(anomalies, 300000, kThreeSigma));
}

// With weight w the old values fade: after a step the mean is 1 - (1 - w)^k of it.
TEST(ZScore, ForgetsWithItsWeight) {
  ZScore detector = ZScore::make({.weight = 0.125, .rules = kLearnAll}).value();
  for (int i = 0; i < 1000; ++i) {
    (void)detector.update(0.0);
  }
  for (int k = 1; k <= 20; ++k) {
    (void)detector.update(1.0);
    ASSERT_NEAR(detector.score(0.0).expected, 1.0 - std::pow(0.875, k), 1e-12);
  }
}

// Many values of which each sixth is 10^12: the spread that the others give is still about 1, and
// the outliers are seen; of Huber's proposal 2 with clip 2 at such a share it is 1.5 (solved for s: 5/6 E
// min(Z^2/s^2, 4) + 1/6 * 4 = 0.9205).
TEST(RobustZ, HoldsAgainstOneOutlierInSix) {
  std::vector<double> values = draw_stream(23, 120000, test::normal(5.0));
  RobustZ detector = RobustZ::make({.weight = 0.0002, .rules = kLearnAll}).value();
  std::uint64_t missed = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool outlier = i % 6 == 5;
    const Anomaly verdict = detector.update(outlier ? (i % 12 == 5 ? 1e12 : -1e12) : values[i]);
    missed += outlier && i >= 32 && !verdict.is_anomaly ? 1 : 0;
  }
  EXPECT_EQ(missed, 0U);
  const Anomaly now = detector.score(5.0);
  EXPECT_NEAR(now.expected, 5.0, 0.1);
  const double spread = (now.upper - now.expected) / 3.0;
  const boost::math::normal standard;
  const auto squares = [&](double s) {  // E min(Z^2/s^2, 4): the integral of z^2 over |z| < 2 s, and the rest
    const double inside = 1.0 - 2.0 * boost::math::cdf(standard, -2.0 * s);
    return (inside - 4.0 * s * boost::math::pdf(standard, 2.0 * s)) / (s * s) + 4.0 * (1.0 - inside);
  };
  EXPECT_NEAR(5.0 / 6.0 * squares(spread) + 4.0 / 6.0, 0.920536925636323, 0.03) << "spread " << spread;
}

TEST(RobustZ, FalseAlarmsInTheLongRun) {
  std::vector<double> values = draw_stream(24, 400000, test::normal(1e6, 50.0));
  RobustZ detector = RobustZ::make({.weight = 0.0}).value();
  std::uint64_t anomalies = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    anomalies += detector.update(values[i]).is_anomaly && i >= 100000 ? 1 : 0;
  }
  EXPECT_TRUE(rate_matches(anomalies, 300000, kThreeSigma));
}

// Quartiles of 1, 2, ..., 9 are 3 and 7 (definition 7): fences -3 and 13. 15 is (15 - 7) / 4 ranges beyond.
TEST(IqrFences, AreTukeys) {
  const Anomaly verdict = after<IqrFences>({.window = 9, .warm_up = 8}, {5, 3, 9, 1, 7, 2, 8, 6, 4}, 15.0);
  EXPECT_EQ(verdict.lower, -3.0);
  EXPECT_EQ(verdict.upper, 13.0);
  EXPECT_EQ(verdict.expected, 5.0);
  EXPECT_EQ(verdict.score, 2.0);
  EXPECT_TRUE(verdict.is_anomaly);
  const Anomaly inside = after<IqrFences>({.window = 9, .warm_up = 8}, {5, 3, 9, 1, 7, 2, 8, 6, 4}, 13.0);
  EXPECT_FALSE(inside.is_anomaly);
  EXPECT_EQ(inside.score, 1.5);
}

// Rates by numpy: the mean, over 10^5 standard normal samples of the window's size, of the probability that a
// further value lies outside numpy.quantile's fences, and of median -+ 3 * 1.4826 MAD. Errors of 2e-5.
TEST(IqrFences, FalseAlarmsOfAFullWindow) {
  EXPECT_TRUE(rate_matches(judged_afresh<IqrFences>({.rules = kLearnAll}, 4000, 256), 4000, 0.00860));
}
TEST(Hampel, FalseAlarmsOfAFullWindow) {
  EXPECT_TRUE(rate_matches(judged_afresh<Hampel>({.rules = kLearnAll}, 10000, 101), 10000, 0.00510));
}

// Of 1, 2, 4, 7, 11 the median is 4 and the deviations 0, 2, 3, 3, 7 have the median 3.
TEST(Hampel, IsWhatTheFormulaSays) {
  const Anomaly verdict = after<Hampel>({.window = 5, .warm_up = 5}, {7, 1, 11, 4, 2}, 20.0);
  EXPECT_EQ(verdict.expected, 4.0);
  EXPECT_NEAR(verdict.score, 16.0 / (3.0 * 1.4826), 1e-14);
  EXPECT_TRUE(verdict.is_anomaly);
}

// Nine zeros and one 10 in a window: the MAD is 0, the mean deviation 1.
TEST(Hampel, TakesTheMeanDeviationWhereTheMedianOneIsZero) {
  const Anomaly verdict =
      after<Hampel>({.window = 10, .warm_up = 10, .rules = kLearnAll}, {0, 0, 0, 10, 0, 0, 0, 0, 0, 0}, 3.0);
  EXPECT_NEAR(verdict.score, 3.0 / 1.2533, 1e-12);
  EXPECT_FALSE(verdict.is_anomaly);
}

// 0, then 1: the level is 0.5; 1 again: residual 0.5, level 0.5 + max(1/3, 0.25) 0.5 = 2/3; residuals 1 and
// 0.5 give the variance (1 + 0.25) / 2.
TEST(EwmaResidual, IsWhatTheFormulaSays) {
  const EwmaResidualConfig config{.warm_up = 3, .weight = 0.25, .spread_weight = 0.0};
  const Anomaly verdict = after<EwmaResidual>(config, {0, 1, 1}, 2.0);
  EXPECT_NEAR(verdict.expected, 2.0 / 3.0, 1e-15);
  EXPECT_NEAR(verdict.score, (2.0 - 2.0 / 3.0) / std::sqrt(0.625), 1e-14);
}

// A random walk has left its mean by many times the size of its steps; a jump of eight steps stands out
// against its level only.
TEST(EwmaResidual, FollowsALevelThatWanders) {
  Rng rng(3);
  std::vector<double> walk(20000);
  double level = 0.0;
  for (double& value : walk) {
    level += sample_normal(rng);
    value = level;
  }
  const std::uint64_t anomalies = anomalies_of<EwmaResidual>({.weight = 1.0, .spread_weight = 0.0}, walk);
  EXPECT_TRUE(rate_matches(anomalies, 20000, kThreeSigma));
  EXPECT_TRUE(after<EwmaResidual>({.weight = 1.0}, walk, level + 8.0).is_anomaly);
  const Anomaly blind = after<ZScore>({}, walk, level);
  EXPECT_LT(std::fabs(after<ZScore>({}, walk, level + 8.0).score - blind.score), 0.5);
}

// Independent values; neighbouring residuals are correlated by -weight / 2, which leaves the mean rate as it
// is.
TEST(EwmaResidual, FalseAlarmsInTheLongRun) {
  const std::vector<double> values = draw_stream(25, 400000, test::normal(0.0));
  EwmaResidual detector = EwmaResidual::make({.spread_weight = 0.0}).value();
  std::uint64_t anomalies = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    anomalies += detector.update(values[i]).is_anomaly && i >= 100000 ? 1 : 0;
  }
  EXPECT_TRUE(rate_matches(anomalies, 300000, kThreeSigma));
}

TEST(SeasonalResidual, FalseAlarmsFollowStudentsT) {
  // Eight periods of two phases, then one value: the other phase is never judged.
  const double rate = 2.0 * boost::math::cdf(boost::math::students_t(7.0), -3.0);
  EXPECT_TRUE(rate_matches(judged_afresh<SeasonalResidual>({.period = 2, .rules = kLearnAll}, 20000, 16),
                           20000, rate));
}

TEST(SeasonalResidual, ANightValueByDayStandsOut) {
  SeasonalResidual detector = SeasonalResidual::make({.period = 24}).value();
  Rng rng(4);
  const auto hour = [&](int i) { return (i % 24 < 8 ? 10.0 : 100.0) + sample_normal(rng); };
  for (int i = 0; i < 24 * 50; ++i) {
    (void)detector.update(hour(i));
  }
  EXPECT_FALSE(detector.score(10.0).is_anomaly) << "midnight";
  EXPECT_TRUE(detector.score(100.0).is_anomaly) << "midnight";
  // Two hours are missing, and eight pass: it is ten o'clock.
  (void)detector.update(std::nan(""));
  (void)detector.update(std::nan(""));
  for (int i = 2; i < 10; ++i) {
    (void)detector.update(hour(i));
  }
  EXPECT_TRUE(detector.score(10.0).is_anomaly) << "ten o'clock";
  EXPECT_FALSE(detector.score(100.0).is_anomaly) << "ten o'clock";
}

// 0 and 2 in turn: mean 1, s^2 = 4 / 3 after four. 1 + 2 s adds 2 - 0.5 each time: 1.5, 3, 4.5, 6 > 5.
TEST(CusumAnomaly, SumsUp) {
  CusumAnomaly detector = CusumAnomaly::make({.training = 4}).value();
  for (const double value : {0.0, 2.0, 0.0, 2.0}) {
    EXPECT_EQ(detector.update(value).score, 0.0);
  }
  const double high = 1.0 + 2.0 * std::sqrt(4.0 / 3.0);
  for (const double sum : {1.5, 3.0, 4.5, 6.0}) {
    const Anomaly verdict = detector.update(high);
    EXPECT_NEAR(verdict.score, sum, 1e-12);
    EXPECT_EQ(verdict.is_anomaly, sum > 5.0);
  }
  EXPECT_NEAR(detector.update(high).score, 1.5, 1e-12) << "it starts anew";
}

// Average run lengths of slack 0.5, threshold 5: Montgomery (2009), table 9.4, has 465, 38.0 and 10.4 for
// shifts of 0, 0.5 and 1; the integral equation of the run length, solved on 400 Gauss-Legendre nodes with
// numpy, has 465.44, 37.996 and 10.376. A run length's deviation is below its mean; the training of 10^5
// values shifts the first by 465 * 2.4 * 0.0045, that is 1 %.
TEST(CusumAnomaly, HasThePublishedRunLengths) {
  struct Row {
    double shift, length, bias;
  };
  for (const Row& row : {Row{0.0, 465.44, 0.01}, Row{0.5, 37.996, 0.01}, Row{1.0, 10.376, 0.005}}) {
    CusumAnomaly detector = CusumAnomaly::make({.training = 100000}).value();
    Rng rng(5);
    for (int i = 0; i < 100000; ++i) {
      (void)detector.update(sample_normal(rng));
    }
    constexpr int kRuns = 4000;
    double total = 0.0;
    for (int run = 0; run < kRuns; ++run) {
      bool found = false;
      while (!found) {
        found = detector.update(row.shift + sample_normal(rng)).is_anomaly;
        total += 1.0;
      }
    }
    const double error = 4.9 * row.length / std::sqrt(kRuns) + row.bias * row.length;
    EXPECT_NEAR(total / kRuns, row.length, error) << "shift " << row.shift;
  }
}

// What becomes of a row of anomalies, at a level of 0 with deviation 1 that jumps to 100.
TEST(AnomalyRules, DecideWhatIsLearned) {
  const auto jump = [](const AnomalyRules& rules) {
    Hampel detector = Hampel::make({.rules = rules}).value();
    for (const double value : draw_stream(26, 500, test::normal(0.0))) {
      (void)detector.update(value);
    }
    int row = 0;
    while (row < 300 && detector.update(100.0).is_anomaly) {
      ++row;
    }
    return row;
  };
  EXPECT_LT(jump({.learn = LearnAnomalies::all}), 60) << "half of a window of 101";
  EXPECT_EQ(jump({.learn = LearnAnomalies::none, .patience = 0}), 300);
  const int patient = jump({.learn = LearnAnomalies::none, .patience = 20});
  EXPECT_GT(patient, 60);
  EXPECT_LT(patient, 80);
}

// learn = clipped: what is learned of a flood of 1000 times the largest value moves the bound no further than
// values at the bound do.
TEST(AnomalyRules, ClippedFloodsMoveTheBoundsByLittle) {
  ZScore clipped = ZScore::make({.rules = {.learn = LearnAnomalies::clipped, .patience = 0}}).value();
  ZScore open = ZScore::make({.rules = kLearnAll}).value();
  for (const double value : draw_stream(27, 5000, test::normal(0.0))) {
    (void)clipped.update(value);
    (void)open.update(value);
  }
  for (int i = 0; i < 50; ++i) {
    (void)clipped.update(1e6);
    (void)open.update(1e6);
  }
  EXPECT_TRUE(clipped.score(4.0).is_anomaly);
  EXPECT_FALSE(open.score(4.0).is_anomaly);
}

TEST(IqrFences, RefuseAWarmUpLongerThanTheWindow) {
  const auto made = IqrFences::make({.window = 16, .warm_up = 17});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "warm_up = 17 is more than window = 16");
  EXPECT_FALSE(Hampel::make({.window = 16, .warm_up = 17}));
}

/// Quantile, MAD and mean deviation of a sorted copy.
RC_GTEST_PROP(SortedWindow, AgreesWithSorting, ()) {
  const auto capacity = *rc::gen::inRange<std::size_t>(1, 20);
  const auto values = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-9, 10));
  SortedWindow window(capacity);
  for (std::size_t i = 0; i < values.size(); ++i) {
    window.push(values[i]);
    const std::size_t held = std::min(i + 1, capacity);
    std::vector<double> sorted(values.begin() + static_cast<std::ptrdiff_t>(i + 1 - held),
                               values.begin() + static_cast<std::ptrdiff_t>(i + 1));
    std::ranges::sort(sorted);
    RC_ASSERT(std::ranges::equal(window.sorted(), sorted));
    const auto median = [](std::vector<double> all) {
      std::ranges::sort(all);
      return 0.5 * (all[(all.size() - 1) / 2] + all[all.size() / 2]);
    };
    RC_ASSERT(window.median() == median(sorted));
    for (const double center : {median(sorted), sorted.front(), sorted.back()}) {
      std::vector<double> distances(sorted);
      double sum = 0.0;
      for (double& value : distances) {
        value = std::fabs(value - center);
        sum += value;
      }
      RC_ASSERT(window.median_deviation(center) == median(distances));
      RC_ASSERT(std::fabs(window.mean_deviation(center) - sum / static_cast<double>(held)) < 1e-12);
    }
  }
}

}  // namespace
}  // namespace attune::anomaly_test
