// SPDX-License-Identifier: Apache-2.0
// The losses of the linear learners and the schedules of sgd.
#include <attune/policies/linear_loss.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>
#include <attune/policies/adagrad.hpp>
#include <attune/policies/auto_linear.hpp>
#include <attune/policies/bayes_linear.hpp>
#include <attune/policies/ftrl.hpp>
#include <attune/policies/nag.hpp>
#include <attune/policies/sgd.hpp>

namespace attune::linear_loss_test {
namespace {

using Point = std::vector<double>;

double loss_of(Loss loss, double quantile, double s, double y) {
  switch (loss) {
    case Loss::squared:
      return 0.5 * (s - y) * (s - y);
    case Loss::logistic:
      return std::log1p(std::exp(s)) - y * s;
    case Loss::hinge:
      return std::max(0.0, 1.0 - (2.0 * y - 1.0) * s);
    case Loss::quantile:
      return std::max(quantile * (y - s), (1.0 - quantile) * (s - y));
    case Loss::poisson:
      return std::exp(s) - y * s;
  }
  return 0.0;
}

TEST(LinearLoss, SlopesAreThoseOfTheLosses) {
  for (const Loss loss : {Loss::squared, Loss::logistic, Loss::hinge, Loss::quantile, Loss::poisson}) {
    const LinearModel model = LinearModel::make("test", {.features = 1}, loss, true, 0.8).value();
    for (const double y : {0.0, 1.0}) {
      for (const double s : {-2.3, -0.4, 0.3, 1.7}) {  // nowhere at a bend
        constexpr double kStep = 1e-5;
        const double numeric =
            (loss_of(loss, 0.8, s + kStep, y) - loss_of(loss, 0.8, s - kStep, y)) / (2.0 * kStep);
        // Central differences: step^2 / 6 of the third derivative, below 6, and rounding of 1e-16 / 1e-5.
        EXPECT_NEAR(model.slope(s, y), numeric, 2e-9) << static_cast<int>(loss) << " " << s << " " << y;
      }
    }
  }
}

TEST(LinearLoss, TargetsThatALossDoesNotHaveAreRefused) {
  const auto verdict = [](Loss loss, double target) {
    SgdLearner learner = SgdLearner::make({.loss = loss}, {.features = 1}).value();
    return learner.partial_fit({.dense = Point{1.0}}, target, 1.0);
  };
  EXPECT_EQ(verdict(Loss::poisson, -1.0), Errc::invalid_argument);
  EXPECT_EQ(verdict(Loss::poisson, 7.0), Errc::ok);
  EXPECT_EQ(verdict(Loss::hinge, -1.0), Errc::invalid_argument);
  EXPECT_EQ(verdict(Loss::quantile, -1e6), Errc::ok);
  for (const Loss loss : {Loss::hinge, Loss::quantile, Loss::poisson}) {
    EXPECT_EQ(AutoLinearLearner::make({.loss = loss}, {.features = 1}).error().code, Errc::invalid_config);
    EXPECT_EQ(BayesLinearLearner::make({.loss = loss}, {.features = 1}).error().code, Errc::invalid_config);
    EXPECT_EQ(NagLearner::make({.loss = loss}, {.features = 1}).error().code, Errc::invalid_config);
  }
}

/// Learns targets drawn by `draw(x, rng)` with x uniform on [0, 1].
template <class Learner, class Draw>
Learner taught(const typename Learner::Config& config, const Draw& draw, int examples) {
  Learner learner = Learner::make(config, {.features = 1}).value();
  Rng rng(3);
  for (int t = 0; t < examples; ++t) {
    const Point x{rng.uniform()};
    EXPECT_EQ(learner.partial_fit({.dense = x}, draw(x[0], rng), 1.0), Errc::ok);
  }
  return learner;
}

// y = x + N(0, 1): the 90 % quantile is x + 1.2816. The last steps are 0.5 / sqrt(100,000) = 0.0016; the
// slope is at most 1 and the density there 0.175: deviation sqrt(0.0016 * 0.09 / (2 * 0.175)) = 0.02. Five of
// them.
TEST(LinearLoss, FindsAQuantile) {
  const auto learner = taught<SgdLearner>(
      {.loss = Loss::quantile, .rate = 0.5, .quantile = 0.9},
      [](double x, Rng& rng) { return x + sample_normal(rng); }, 100'000);
  EXPECT_NEAR(learner.predict({.dense = Point{0.5}}), 0.5 + 1.2816, 0.1);
}

/// Counts with mean e^(x): the number of unit-rate arrivals before it.
double draw_count(double x, Rng& rng) {
  const double mean = std::exp(x);
  double at = -std::log(1.0 - rng.uniform());
  double count = 0.0;
  while (at < mean) {
    at -= std::log(1.0 - rng.uniform());
    count += 1.0;
  }
  return count;
}

// Of 50,000 counts the score has a standard error of about sqrt(2 / (1.6 * 50,000)) = 0.005 at the middle,
// and the last steps of AdaGrad are 0.1 / (1.3 sqrt(50,000)) = 3e-4: 0.016. Five of both.
TEST(LinearLoss, FindsARate) {
  const auto adagrad = taught<AdaGradLearner>({.loss = Loss::poisson}, draw_count, 50'000);
  const auto ftrl = taught<FtrlLearner>({.loss = Loss::poisson}, draw_count, 50'000);
  for (const double x : {0.1, 0.9}) {
    EXPECT_NEAR(std::log(adagrad.predict({.dense = Point{x}})), x, 0.1);
    EXPECT_NEAR(std::log(ftrl.predict({.dense = Point{x}})), x, 0.1);
  }
}

TEST(LinearLoss, HingeFindsTheBorder) {
  const auto learner = taught<SgdLearner>(
      {.loss = Loss::hinge, .rate = 0.5}, [](double x, Rng&) { return x > 0.3 ? 1.0 : 0.0; }, 50'000);
  EXPECT_LT(learner.predict({.dense = Point{0.25}}), 0.5);
  EXPECT_GT(learner.predict({.dense = Point{0.35}}), 0.5);
}

TEST(RateSchedule, StepsAreThoseOfTheSchedule) {
  // Quantile loss with quantile 1: the slope is -1 below the target, so that each step is the rate.
  const auto steps = [](RateSchedule schedule, std::size_t count) {
    SgdLearner learner = SgdLearner::make({.loss = Loss::quantile,
                                           .rate = 0.5,
                                           .schedule = schedule,
                                           .l2 = 0.0,
                                           .intercept = false,
                                           .quantile = 1.0,
                                           .period = 100.0},
                                          {.features = 1})
                             .value();
    std::vector<double> moved;
    for (std::size_t t = 0; t < count; ++t) {
      const double before = learner.weight(0);
      EXPECT_EQ(learner.partial_fit({.dense = Point{1.0}}, 1e9, 1.0), Errc::ok);
      moved.push_back(learner.weight(0) - before);
    }
    return moved;
  };
  const std::vector<double> exponential = steps(RateSchedule::exponential, 301);
  const std::vector<double> cosine = steps(RateSchedule::cosine, 301);
  const std::vector<double> adaptive = steps(RateSchedule::adaptive, 301);
  for (std::size_t t = 0; t < 301; ++t) {
    const auto age = static_cast<double>(t);
    EXPECT_NEAR(exponential[t], 0.5 * std::exp2(-age / 100.0), 1e-12);
    const double wave = t < 100 ? 0.5 * (1.0 + std::cos(M_PI * age / 100.0)) : 0.0;
    EXPECT_NEAR(cosine[t], 0.5 * std::max(0.01, wave), 1e-9);
    EXPECT_NEAR(adaptive[t], 0.5 / std::sqrt(2.0 + age), 1e-12);
  }
}

TEST(RateSchedule, TheAdaptiveSumIsStored) {
  SgdLearner learner = SgdLearner::make({.schedule = RateSchedule::adaptive}, {.features = 1}).value();
  ASSERT_EQ(learner.partial_fit({.dense = Point{3.0}}, 1.0, 1.0), Errc::ok);
  SgdLearner copy = SgdLearner::make({.schedule = RateSchedule::adaptive}, {.features = 1}).value();
  ASSERT_TRUE(load_state(copy, save_state(learner)));
  EXPECT_EQ(copy, learner);
}

}  // namespace
}  // namespace attune::linear_loss_test
