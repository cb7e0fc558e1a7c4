// SPDX-License-Identifier: Apache-2.0
// Laws of OnlineLearner over the shipped learners, with dense and with sparse features.
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::laws::learner_laws_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kFeatures = 5;

/// The Config a type is tested with; specialise where the default does not fit. Targets lie in [0, 1].
template <class L>
struct LearnerCase {
  static typename L::Config config() { return {}; }
};

// Few places: laws go through every bit of a state.
template <>
struct LearnerCase<HashedInteractions> {
  static HashedInteractions::Config config() { return {.map = {.bits = 7}}; }
};

// Few examples kept, for the same reason; more come than are kept.
template <>
struct LearnerCase<ReplayLearner> {
  static ReplayLearner::Config config() { return {.capacity = 12}; }
};

// Few cosines, for the same reason.
template <>
struct LearnerCase<RandomFeatures> {
  static RandomFeatures::Config config() { return {.count = 6}; }
};

// A small state that splits within the few examples of the laws.
template <>
struct LearnerCase<RegressionTree> {
  static RegressionTree::Config config() { return {.leaves = 4, .bins = 3, .grace = 5, .tie = 0.7}; }
};

// A small network, and more examples than are kept.
template <>
struct LearnerCase<NeuralLinearLearner> {
  static NeuralLinearLearner::Config config() { return {.neural = {.units = 2, .capacity = 12, .batch = 2}}; }
};

/// Draws inputs of one shape; they stay valid until the next draw.
class InputSource {
 public:
  explicit InputSource(bool sparse) : sparse_(sparse) {}

  [[nodiscard]] Input draw(Rng& rng) {
    index_.clear();
    values_.clear();
    for (std::uint32_t feature = 0; feature < kFeatures; ++feature) {
      const double value = 2.0 * rng.uniform() - 1.0;
      if (!sparse_ || rng.below(2) == 0) {
        index_.push_back(feature);
        values_.push_back(value);
      }
    }
    return sparse_ ? Input{.sparse = {.index = index_, .value = values_}} : Input{.dense = values_};
  }
  /// What the learners are to find out: linear in the features, inside [0, 1].
  [[nodiscard]] double target() const {
    double sum = 0.5;
    for (std::size_t i = 0; i < index_.size(); ++i) {
      sum += values_[i] * (index_[i] == 0 ? 0.25 : index_[i] == 3 ? -0.2 : 0.0);
    }
    return sum;
  }

 private:
  bool sparse_;
  std::vector<std::uint32_t> index_;
  std::vector<double> values_;
};

template <OnlineLearner L>
[[nodiscard]] L make_learner(bool sparse) {
  return L::make(LearnerCase<L>::config(), {.features = kFeatures, .sparse = sparse}).value();
}

template <OnlineLearner L>
[[nodiscard]] bool takes_sparse() {
  return L::make(LearnerCase<L>::config(), {.features = kFeatures, .sparse = true}).has_value();
}

/// Whether inputs are sparse: false, and true where the learner takes such.
template <OnlineLearner L>
[[nodiscard]] std::vector<bool> shapes() {
  return takes_sparse<L>() ? std::vector<bool>{false, true} : std::vector<bool>{false};
}

template <OnlineLearner L>
void teach(L& learner, bool sparse, std::uint64_t seed, int examples) {
  InputSource source(sparse);
  Rng rng(seed);
  for (int i = 0; i < examples; ++i) {
    const Input input = source.draw(rng);
    const double weight = rng.below(5) == 0 ? 2.0 * rng.uniform() : 1.0;
    ASSERT_EQ(learner.partial_fit(input, source.target(), weight), Errc::ok);
  }
}

template <OnlineLearner L>
[[nodiscard]] L taught(bool sparse, std::uint64_t seed, int examples = 50) {
  L learner = make_learner<L>(sparse);
  teach(learner, sparse, seed, examples);
  return learner;
}

template <OnlineLearner L>
[[nodiscard]] std::vector<std::uint64_t> predictions(const L& learner, bool sparse) {
  InputSource source(sparse);
  Rng rng(99);
  std::vector<std::uint64_t> bits;
  for (int i = 0; i < 100; ++i) {
    bits.push_back(std::bit_cast<std::uint64_t>(learner.predict(source.draw(rng))));
  }
  return bits;
}

template <class L>
class LearnerLaws : public testing::Test {};
TYPED_TEST_SUITE(LearnerLaws, AsTestTypes<BuiltinLearners>::type, TypeNames);

TYPED_TEST(LearnerLaws, SameExamplesGiveTheSameState) {
  for (const bool sparse : shapes<TypeParam>()) {
    const TypeParam left = taught<TypeParam>(sparse, 1, 300);
    const TypeParam right = taught<TypeParam>(sparse, 1, 300);
    EXPECT_TRUE(same_state(left, right));
    EXPECT_FALSE(left == taught<TypeParam>(sparse, 2, 300));
    EXPECT_EQ(left.updates(), 300U);
  }
}

TYPED_TEST(LearnerLaws, WhatIsSavedIsLoadedAndLearnsOnTheSame) {
  for (const bool sparse : shapes<TypeParam>()) {
    TypeParam original = make_learner<TypeParam>(sparse);
    expect_round_trip(original, taught<TypeParam>(sparse, 3));
    for (std::uint64_t part = 0; part < 5; ++part) {
      teach(original, sparse, part, 70);
      expect_round_trip(original, make_learner<TypeParam>(sparse));
      TypeParam restored = make_learner<TypeParam>(sparse);
      ASSERT_TRUE(load_state(restored, save_state(original)));
      EXPECT_EQ(predictions(restored, sparse), predictions(original, sparse));
      teach(original, sparse, part + 100, 30);
      teach(restored, sparse, part + 100, 30);
      EXPECT_TRUE(same_state(restored, original));
    }
  }
}

TYPED_TEST(LearnerLaws, EveryCutIsRefused) {
  for (const bool sparse : shapes<TypeParam>()) {
    expect_every_cut_is_refused(taught<TypeParam>(sparse, 4), taught<TypeParam>(sparse, 5));
  }
}

TYPED_TEST(LearnerLaws, FlippedBitsDoNoHarm) {
  for (const bool sparse : shapes<TypeParam>()) {
    const auto probe = [sparse](const TypeParam& learner) {
      TypeParam copy = learner;
      InputSource source(sparse);
      Rng rng(6);
      for (int i = 0; i < 3; ++i) {
        const Input input = source.draw(rng);
        ASSERT_FALSE(std::isnan(copy.predict(input)));
        const Errc verdict = copy.partial_fit(input, source.target(), 1.0);
        ASSERT_TRUE(verdict == Errc::ok || verdict == Errc::non_finite) << to_string(verdict);
      }
    };
    expect_flipped_bits_do_no_harm(taught<TypeParam>(sparse, 4), taught<TypeParam>(sparse, 5), probe);
    expect_the_frame_notices_every_flipped_bit(taught<TypeParam>(sparse, 4), taught<TypeParam>(sparse, 5));
  }
}

TYPED_TEST(LearnerLaws, RefusedExamplesChangeNothing) {
  const std::vector<double> good(kFeatures, 0.5);
  TypeParam learner = taught<TypeParam>(false, 7);
  const TypeParam before = learner;
  const auto refuse = [&](Errc expected, const Input& input, double target, double weight) {
    EXPECT_EQ(learner.partial_fit(input, target, weight), expected);
    EXPECT_TRUE(same_state(learner, before));
  };
  for (const double number : {kNan, kInfinity, -kInfinity}) {
    refuse(Errc::non_finite, {.dense = good}, number, 1.0);
    refuse(Errc::non_finite, {.dense = good}, 0.5, number);
    std::vector<double> bad = good;
    bad[2] = number;
    refuse(Errc::non_finite, {.dense = bad}, 0.5, 1.0);
    EXPECT_TRUE(std::isnan(learner.predict({.dense = bad})));
  }
  refuse(Errc::invalid_argument, {.dense = good}, 0.5, -1.0);
  const std::vector<double> longer(kFeatures + 1, 0.5);
  refuse(Errc::dimension_mismatch, {.dense = longer}, 0.5, 1.0);
  refuse(Errc::dimension_mismatch, {}, 0.5, 1.0);
  EXPECT_TRUE(std::isnan(learner.predict({.dense = longer})));
  EXPECT_TRUE(std::isnan(learner.predict({})));
  EXPECT_FALSE(std::isnan(learner.predict({.dense = good})));
}

TYPED_TEST(LearnerLaws, RefusedSparseExamplesChangeNothing) {
  if (!takes_sparse<TypeParam>()) {
    const Result<TypeParam> made = TypeParam::make({}, {.features = kFeatures, .sparse = true});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::unsupported);
    EXPECT_NE(made.error().message.find("dense"), std::string::npos) << made.error().message;
    return;
  }
  TypeParam learner = taught<TypeParam>(true, 8);
  const TypeParam before = learner;
  const auto refuse = [&](Errc expected, std::vector<std::uint32_t> index, std::vector<double> value) {
    const Input input{.sparse = {.index = index, .value = value}};
    EXPECT_EQ(learner.partial_fit(input, 0.5, 1.0), expected);
    EXPECT_TRUE(std::isnan(learner.predict(input)));
    EXPECT_TRUE(same_state(learner, before));
  };
  refuse(Errc::dimension_mismatch, {0, kFeatures}, {1.0, 1.0});
  refuse(Errc::dimension_mismatch, {2, 1}, {1.0, 1.0});
  refuse(Errc::dimension_mismatch, {1, 1}, {1.0, 1.0});
  refuse(Errc::dimension_mismatch, {0, 1}, {1.0});
  refuse(Errc::dimension_mismatch, {0xFFFFFFFFU}, {1.0});
  refuse(Errc::non_finite, {0, 1}, {1.0, kNan});
  EXPECT_FALSE(std::isnan(learner.predict({})));  // no features at all are a valid sparse input
}

TYPED_TEST(LearnerLaws, ExtremeExamplesLeaveItSound) {
  const std::array<double, 8> numbers{0.0, 1.0, -1.0, 5e-324, 1e150, -1e150, 1.7e308, -1.7e308};
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    TypeParam learner = taught<TypeParam>(false, seed);
    Rng rng(16, seed);
    for (int i = 0; i < 80; ++i) {
      std::vector<double> features(kFeatures);
      for (double& feature : features) {
        feature = numbers.at(rng.below(numbers.size()));
      }
      const double target = numbers.at(rng.below(numbers.size()));
      const double weight = std::abs(numbers.at(rng.below(numbers.size())));
      const TypeParam before = learner;
      if (learner.partial_fit({.dense = features}, target, weight) != Errc::ok) {
        ASSERT_TRUE(same_state(learner, before));
      }
      ASSERT_FALSE(std::isnan(learner.predict({.dense = features})));
      ASSERT_FALSE(std::isnan(learner.predict({.dense = std::vector<double>(kFeatures, 0.5)})));
      expect_round_trip(learner, before);
      ASSERT_FALSE(this->HasFailure()) << "seed " << seed << ", example " << i;
    }
  }
}

TYPED_TEST(LearnerLaws, AnExampleWithoutWeightTeachesNothing) {
  for (const bool sparse : shapes<TypeParam>()) {
    TypeParam learner = taught<TypeParam>(sparse, 9);
    const std::vector<std::uint64_t> before = predictions(learner, sparse);
    InputSource source(sparse);
    Rng rng(10);
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(learner.partial_fit(source.draw(rng), 1.0, 0.0), Errc::ok);
    }
    EXPECT_EQ(predictions(learner, sparse), before);
  }
}

TYPED_TEST(LearnerLaws, LearnsALinearFunction) {
  for (const bool sparse : shapes<TypeParam>()) {
    const auto error = [sparse](const TypeParam& learner) {
      InputSource source(sparse);
      Rng rng(11);
      double sum = 0.0;
      for (int i = 0; i < 500; ++i) {
        const double prediction = learner.predict(source.draw(rng));
        sum += (prediction - source.target()) * (prediction - source.target());
      }
      return sum / 500.0;
    };
    EXPECT_LT(error(taught<TypeParam>(sparse, 12, 3'000)), 0.2 * error(make_learner<TypeParam>(sparse)));
  }
}

TYPED_TEST(LearnerLaws, ManyThreadsPredictWhatOnePredicts) {
  const TypeParam learner = taught<TypeParam>(false, 13);
  const std::vector<std::uint64_t> alone = predictions(learner, false);
  std::array<std::vector<std::uint64_t>, 8> together;
  {
    std::vector<std::jthread> threads;
    threads.reserve(together.size());
    for (std::vector<std::uint64_t>& mine : together) {
      threads.emplace_back([&] { mine = predictions(learner, false); });
    }
  }
  for (const std::vector<std::uint64_t>& mine : together) {
    EXPECT_EQ(mine, alone);
  }
}

TYPED_TEST(LearnerLaws, TheHotPathDoesNotAllocate) {
  for (const bool sparse : shapes<TypeParam>()) {
    TypeParam learner = make_learner<TypeParam>(sparse);
    InputSource source(sparse);
    Rng rng(14);
    std::size_t allocations = 0;
    std::size_t learned = 0;
    for (int i = 0; i < 300; ++i) {
      const Input input = source.draw(rng);
      const double target = source.target();
      const test::AllocationCount count;
      const double prediction = learner.predict(input);
      learned += learner.partial_fit(input, target, 1.0) == Errc::ok && !std::isnan(prediction) ? 1U : 0U;
      allocations += count.count();
    }
    EXPECT_EQ(learned, 300U);
    EXPECT_EQ(allocations, 0U);
  }
}

TYPED_TEST(LearnerLaws, DescribesItself) {
  const Description description = taught<TypeParam>(false, 15).describe();
  EXPECT_FALSE(description.summary.empty());
  for (const std::vector<double>& row : description.rows) {
    EXPECT_EQ(row.size(), description.columns.size());
  }
}

}  // namespace
}  // namespace attune::laws::learner_laws_test
