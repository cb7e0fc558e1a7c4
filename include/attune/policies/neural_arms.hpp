// SPDX-License-Identifier: Apache-2.0
/// @file
/// NeuralArms: rewards of arms by Bayesian regressions over features that a neural network learns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/context_scaling.hpp>
#include <attune/policies/example_buffer.hpp>
#include <attune/policies/linear_loss.hpp>
#include <attune/policies/neural_layers.hpp>
#include <attune/policies/ridge_arms.hpp>

namespace attune {

/// Options of NeuralArms; the `fields` of its users name them.
struct NeuralOptions {
  std::uint32_t units = 32;
  std::uint32_t layers = 1;
  std::uint32_t capacity = 4096;
  std::uint32_t batch = 16;
  std::uint32_t steps = 2;
  double rate = 0.005;
  std::uint64_t seed = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("units", self.units, Bounds{1, NeuralLayers::kMaxUnits},
          "hidden units of a layer; the first of two has a multiple of eight");
    visit("layers", self.layers, Bounds{1, NeuralLayers::kMaxLayers}, "hidden layers");
    visit("capacity", self.capacity, Bounds{8, 1e6}, "examples that are kept to learn from again");
    visit("batch", self.batch, Bounds{1, 1024}, "kept examples that a step of the network goes by");
    visit("steps", self.steps, Bounds{0, 64}, "of the network after each example, while it trains");
    visit("rate", self.rate, Bounds{1e-9, 1}, "step size of the network");
    visit("seed", self.seed, Bounds{0, 9e15}, "of the first weights, of what is kept and of the batches");
  }
  bool operator==(const NeuralOptions&) const = default;
};

/// One regression an arm (RidgeArms: its head) over features that all arms share,
///
///     z = (2 h(u) / sqrt(units), u / sqrt(features), 1),
///
/// u the context with each feature at mean 0 and deviation 1, cut (ContextScaling), and h the last hidden
/// layer of a network (NeuralLayers). With squared loss heads learn targets less a base, the mean of all, so
/// that an arm of which nothing is known is taken for an average one. An example teaches the head of its arm
/// at once, exactly. What z and the base are changes in cycles, on a copy:
///
///  1. *Train.* After each example `steps` steps of Adam, each along the gradient of `batch` kept examples'
///     loss by the weights of the copy; what a head adds to its arm's score is held fixed. For a quarter as
///     many examples as there were, at most kLongestTraining.
///  2. *Refill.* New heads learn the kept examples over the copy's features, kRefill after each example; one
///     that is kept stands for as many of its arm as were not. New examples teach the old heads and the new.
///  3. The copy and its heads take the place of the old ones at once.
///
/// So heads and features always belong together, no update does more than a bounded piece of work, and all
/// draws come from Rng(seed, "neural_linear", number of the example): the same examples give the same state.
///
/// Kept are up to `capacity` examples: when there is no room, one of the arm that has most of them gives way,
/// and of that arm's own new examples as many are kept as make an even sample of all.
///
/// Sources: Riquelme, Tucker, Snoek (2018), "Deep Bayesian Bandits Showdown", ICLR, section 4: NeuralLinear;
/// Zahavy, Mannor (2019), "Deep Neural Linear Bandits: Overcoming Catastrophic Forgetting through Likelihood
/// Matching", arXiv:1901.08612, for the limited memory; Xu, Wen, Zhao, Gu (2022), "Neural Contextual Bandits
/// with Deep Representation and Shallow Exploration", ICLR, for heads that are the output layer in training.
/// Differences: the copy, in small pieces; u among the features; weights of kept examples instead of priors
/// that match what was forgotten.
///
/// spread: sqrt(z'P z). Cost, for n = units + features + 1: scores, one forward pass and n^2/2 an arm; learn,
/// up to kRefill + 1 times 2 n^2, or 2 n^2 and `steps` x `batch` times three passes. Memory: two heads an
/// arm, `capacity` contexts. Nothing but make, add and load allocates. Limits: dense contexts.
class NeuralArms {
 public:
  static constexpr std::size_t kMaxFeatures = 511;
  static constexpr std::uint64_t kLongestTraining = 1024;
  static constexpr std::size_t kRefill = 8;

  /// `options` lie within their bounds; loss squared or logistic. Errors, in the name of `user`:
  /// invalid_config; unsupported for sparse contexts.
  [[nodiscard]] static Result<NeuralArms> make(std::string_view user, const NeuralOptions& options, Loss loss,
                                               const Shape& shape);

  /// Score and spread of the arms which[i].
  void scores(const Input& input, std::span<const std::uint32_t> which, double* mean,
              double* spread) const noexcept;
  /// The score alone. Cost: one forward pass and n.
  [[nodiscard]] double score(std::size_t arm, const Input& input) const noexcept;
  /// Returns the score before. Features up to 1e20, targets up to 1e100 in magnitude, weights up to 1e9.
  double learn(std::size_t arm, const Input& input, double target, double weight) noexcept;
  /// A pseudo-target of the constant alone.
  void learn_constant(std::size_t arm, double target, double weight) noexcept;

  /// Errors: full.
  [[nodiscard]] Result<void> add();
  void reset(std::size_t arm) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.size(); }
  [[nodiscard]] std::size_t features() const noexcept { return features_; }
  /// Examples of a weight above 0.
  [[nodiscard]] std::uint64_t learned() const noexcept { return learned_; }
  /// Times that the features changed.
  [[nodiscard]] std::uint64_t cycles() const noexcept { return cycles_; }
  [[nodiscard]] const ExampleBuffer& kept() const noexcept { return kept_; }
  [[nodiscard]] const RidgeArms& heads() const noexcept { return live_.heads; }
  /// What the heads' targets are less now.
  [[nodiscard]] double base() const noexcept { return live_.base; }
  /// z of a context as the heads have it now, padded with zeros to a multiple of eight. Allocates.
  [[nodiscard]] std::vector<double> represented(const Input& input) const;

  void save(Writer& writer) const;
  /// As many `arms`; false or a failed reader otherwise, unchanged then.
  [[nodiscard]] bool load(Reader& reader, std::size_t arms);
  [[nodiscard]] bool operator==(const NeuralArms& other) const;

 private:
  /// What a context becomes, and the heads over that.
  struct Model {
    ContextScaling scaling;
    NeuralLayers layers;
    RidgeArms heads;
    double base = 0.0;  // what heads learn is the target less this

    bool operator==(const Model&) const = default;
  };
  /// What is known of an arm beside its heads.
  struct Arm {
    double seen = 0.0;        // weight of its examples
    double prior_mean = 0.0;  // learn_constant()
    double prior_weight = 0.0;
    double stands_for = 1.0;    // of a kept example, in the refill under way
    std::uint64_t offered = 0;  // examples
    std::uint64_t kept = 0;

    bool operator==(const Arm&) const = default;
  };
  /// Beside a kept example.
  struct Origin {
    std::uint32_t arm = 0;
    std::uint64_t number = 0;

    bool operator==(const Origin&) const = default;
  };
  struct Pass;

  NeuralArms(const NeuralOptions& options, Loss loss, const Shape& shape, ExampleBuffer kept, Model model);
  [[nodiscard]] std::span<const double> features_of(const Model& model, Features x,
                                                    Pass& pass) const noexcept;
  [[nodiscard]] static double score_of(const Model& model, std::size_t arm,
                                       std::span<const double> z) noexcept;
  void keep(std::size_t arm, const Input& input, double target, double weight, Rng& rng) noexcept;
  [[nodiscard]] std::size_t place_of(std::size_t arm, Rng& rng) const noexcept;
  void train(Rng& rng) noexcept;
  void start_training() noexcept;
  void start_refill() noexcept;
  void refill() noexcept;

  NeuralOptions options_;
  Loss loss_;
  std::size_t features_;
  Model live_;
  Model next_;
  NeuralTrainer trainer_;
  ContextScaling noted_;  // of all contexts
  ExampleBuffer kept_;
  std::vector<Origin> origins_;  // of the kept examples
  std::vector<Arm> arms_;
  std::uint64_t learned_ = 0;
  std::uint64_t cycles_ = 0;
  std::uint64_t until_ = 2;  // training ends when as many were learned
  bool refilling_ = false;
  std::uint64_t refill_from_ = 0;  // learned_ when it began
  std::size_t refilled_ = 0;       // places gone through
  double target_mean_ = 0.0;
  double target_squares_ = 0.0;
};

}  // namespace attune
