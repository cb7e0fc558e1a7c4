// SPDX-License-Identifier: Apache-2.0
// Tests of one sample against another: numbers by hand, published values, and the rate of false alarms.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/two_sample.hpp>

namespace attune::two_sample_test {
namespace {

using Counts = std::vector<std::uint64_t>;

TEST(TwoSample, ChiSquaredByHand) {
  // Rows (10, 20), (30, 20): 40 against 40, expected 15 and 25: 2 (25 / 15) + 2 (25 / 25) = 5.3333.
  const Counts first{10, 30};
  const Counts second{20, 20};
  const TestResult result = chi_squared_test({first, second}, 0.05).value();
  EXPECT_NEAR(result.statistic, 16.0 / 3.0, 1e-12);
  EXPECT_NEAR(result.threshold, 3.841458820694124, 1e-9) << "R: qchisq(0.95, 1)";
  EXPECT_NEAR(result.p_value, 0.0209213353, 1e-8) << "R: pchisq(16/3, 1, lower.tail = FALSE)";
  EXPECT_TRUE(result.drift());
}

TEST(TwoSample, PsiByHand) {
  // (10.5, 30.5) / 41 and (20.5, 20.5) / 41.
  const Counts first{10, 30};
  const Counts second{20, 20};
  const double expected =
      (10.5 - 20.5) / 41.0 * std::log(10.5 / 20.5) + (30.5 - 20.5) / 41.0 * std::log(30.5 / 20.5);
  EXPECT_NEAR(psi_test({first, second}).value().statistic, expected, 1e-12);
}

TEST(TwoSample, JensenShannonOfDisjointSamplesIsLnTwo) {
  const Counts first{50, 0};
  const Counts second{0, 50};
  EXPECT_NEAR(jensen_shannon_test({first, second}).value().statistic, std::log(2.0), 1e-12);
  const Counts third{30, 20};
  EXPECT_NEAR(jensen_shannon_test({third, third}).value().statistic, 0.0, 1e-15);
}

TEST(TwoSample, KolmogorovSmirnovByHand) {
  const std::vector<double> first{3.0, 1.0, 2.0, 4.0};
  const std::vector<double> second{2.5, 3.5, 4.5, 5.5};
  EXPECT_DOUBLE_EQ(ks_test(first, second).value().statistic, 0.5) << "after 2 and after 4";
  EXPECT_DOUBLE_EQ(ks_test(first, first).value().statistic, 0.0);
  // Kolmogorov's distribution: Q(1.36) = 0.0491.
  EXPECT_NEAR(ks_p_value(1.3581 / std::sqrt(5e5), 1000000, 1000000), 0.05, 1e-3);
  EXPECT_DOUBLE_EQ(ks_p_value(0.0, 10, 10), 1.0);
}

TEST(TwoSample, NamesWhatCannotBeTested) {
  const Counts two{5, 5};
  const Counts three{5, 5, 5};
  const Counts none{0, 0};
  const Counts one{9, 0};
  EXPECT_EQ(psi_test({two, three}).error().code, Errc::dimension_mismatch);
  EXPECT_EQ(psi_test({two, none}).error().code, Errc::invalid_argument);
  EXPECT_EQ(chi_squared_test({one, one}).error().code, Errc::invalid_argument);
  EXPECT_EQ(jensen_shannon_test({two, two}, 1.0).error().code, Errc::invalid_argument);
  const std::vector<double> bad{1.0, std::nan("")};
  const std::vector<double> good{1.0};
  EXPECT_EQ(ks_test(good, bad).error().code, Errc::non_finite);
  EXPECT_EQ(ks_test(good, {}).error().code, Errc::invalid_argument);
  EXPECT_EQ(BinnedFeature::make(bad).error().code, Errc::non_finite);
  EXPECT_EQ(BinnedFeature::make(good, 1).error().code, Errc::invalid_argument);
}

TEST(TwoSample, HolmAndBenjaminiHochbergByHand) {
  const std::vector<double> p{0.01, 0.04, 0.03, 0.005};
  // Holm at 0.05: 0.005 <= 0.0125, 0.01 <= 0.0167, 0.03 > 0.025 stops.
  EXPECT_EQ(reject_holm(p, 0.05), (std::vector<bool>{true, false, false, true}));
  // BH: 0.04 <= 4/4 0.05 takes all.
  EXPECT_EQ(reject_benjamini_hochberg(p, 0.05), (std::vector<bool>{true, true, true, true}));
  EXPECT_EQ(reject_benjamini_hochberg(std::vector<double>{0.9, 0.8}, 0.05),
            (std::vector<bool>{false, false}));
  EXPECT_TRUE(reject_holm({}, 0.05).empty());
}

TEST(TwoSample, BinnedFeaturesAddUp) {
  std::vector<double> reference;
  for (int i = 0; i < 100; ++i) {
    reference.push_back(i % 10);
  }
  BinnedFeature feature = BinnedFeature::make(reference, 5).value();
  ASSERT_EQ(feature.samples().reference.size(), feature.edges().size() + 1);
  std::uint64_t total = 0;
  for (const std::uint64_t count : feature.samples().reference) {
    total += count;
  }
  EXPECT_EQ(total, 100U);
  BinnedFeature other = feature;
  feature.add(3.0);
  feature.add(std::nan(""));
  other.add(1e300);
  other.add(-1e300);
  ASSERT_TRUE(feature.merge(other));
  EXPECT_EQ(feature.skipped(), 1U);
  EXPECT_EQ(feature.samples().current.front(), 1U);
  EXPECT_EQ(feature.samples().current.back(), 1U);
  const BinnedFeature stranger = BinnedFeature::make(std::vector<double>{1.0, 2.0, 3.0}, 2).value();
  EXPECT_EQ(feature.merge(stranger).error().code, Errc::dimension_mismatch);
  const BinnedFeature constant = BinnedFeature::make(std::vector<double>(50, 7.0)).value();
  EXPECT_EQ(constant.samples().reference.size(), 1U);
}

/// False alarms at 1 % in `rounds` pairs of normal samples binned by the first.
double false_alarms(Result<TestResult> (*test)(const BinnedSamples&, double), std::size_t n, std::size_t m,
                    std::size_t bins, int rounds) {
  Rng rng(n + m, bins);
  int alarms = 0;
  std::vector<double> reference(n);
  for (int round = 0; round < rounds; ++round) {
    for (double& value : reference) {
      value = sample_normal(rng);
    }
    BinnedFeature feature = BinnedFeature::make(reference, bins).value();
    for (std::size_t i = 0; i < m; ++i) {
      feature.add(sample_normal(rng));
    }
    alarms += test(feature.samples(), 0.01).value().drift() ? 1 : 0;
  }
  return static_cast<double>(alarms) / rounds;
}

TEST(TwoSample, FalseAlarmsAreOnePercentAtEverySize) {
  // 2500 rounds: standard error 0.2 %.
  struct Case {
    std::size_t n;
    std::size_t m;
    std::size_t bins;
  };
  for (const Case c : {Case{50, 50, 10}, Case{100, 100, 10}, Case{200, 200, 20}, Case{500, 500, 10},
                       Case{1000, 100, 10}, Case{2000, 50, 5}}) {
    const std::string where = std::to_string(c.n) + " " + std::to_string(c.m) + " " + std::to_string(c.bins);
    EXPECT_NEAR(false_alarms(&psi_test, c.n, c.m, c.bins, 2500), 0.01, 0.0065) << "psi " << where;
    EXPECT_NEAR(false_alarms(&chi_squared_test, c.n, c.m, c.bins, 2500), 0.01, 0.0065) << "chi2 " << where;
  }
}

TEST(TwoSample, SeesAShift) {
  Rng rng(5);
  std::vector<double> reference(500);
  std::vector<double> current(500);
  for (std::size_t i = 0; i < reference.size(); ++i) {
    reference[i] = sample_normal(rng);
    current[i] = 0.5 + sample_normal(rng);
  }
  BinnedFeature feature = BinnedFeature::make(reference).value();
  for (const double value : current) {
    feature.add(value);
  }
  EXPECT_TRUE(psi_test(feature.samples()).value().drift());
  EXPECT_TRUE(chi_squared_test(feature.samples()).value().drift());
  EXPECT_TRUE(jensen_shannon_test(feature.samples()).value().drift());
  EXPECT_TRUE(ks_test(reference, current).value().drift());
}

}  // namespace
}  // namespace attune::two_sample_test
