// SPDX-License-Identifier: Apache-2.0
/// @file
/// ReplayLearner: old examples, an even sample of all, are learned again beside the new ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/policies/example_buffer.hpp>
#include <attune/policies/inner_learner.hpp>

namespace attune {

/// Options of ReplayLearner.
struct ReplayConfig {
  std::uint32_t capacity = 1000;
  std::uint32_t replays = 1;
  double weight = 1.0;
  std::uint64_t seed = 0;
  std::uint32_t most = 256;
  InnerOptions inner{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("capacity", self.capacity, Bounds{1, 1e6}, "examples that are kept");
    visit("replays", self.replays, Bounds{0, 1000}, "kept examples learned again after each new one");
    visit("weight", self.weight, Bounds{1e-6, 1e3}, "of an example learned again, as a multiple of its own");
    visit("seed", self.seed, Bounds{0, 9e15}, "of what is kept and what is learned again");
    visit("most", self.most, Bounds{1, 65536}, "entries of a sparse example; longer ones are refused");
    InnerOptions::fields(self.inner, visit);
  }
  bool operator==(const ReplayConfig&) const = default;
};

/// The learner inside learns each example, and then `replays` drawn evenly from those that are kept. Kept is
/// an even sample of all examples so far: the first `capacity`, and then number t takes the place of a kept
/// one with chance capacity / t.
///
/// Source: Vitter (1985), "Random Sampling with a Reservoir", ACM TOMS 11(1), algorithm R; Robins (1995),
/// "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", Connection Science 7(2).
///
/// All draws of example t come from Rng(seed, "replay", t): the same examples give the same state. Examples
/// of weight 0 are counted, neither kept nor followed by others.
///
/// Cost: 1 + `replays` times the learner's, and a copy with chance capacity / t; none allocates. Memory: the
/// learner's and the buffer's. Limits: sparse examples have up to `most` entries; what the learner refuses
/// when it comes again is passed over.
class ReplayLearner {
 public:
  using Config = ReplayConfig;

  static constexpr std::string_view kName = "replay";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<ReplayLearner> make(const Config& config, const Shape& shape);

  /// Errors: those of ExampleBuffer::check and of the learner.
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// partial_fit, and what predict said before it; cheaper than both.
  [[nodiscard]] Errc predict_then_fit(const Input& input, double target, double weight,
                                      double& before) noexcept;
  [[nodiscard]] double predict(const Input& input) const noexcept { return inner_.predict(input); }

  /// What is kept, in no order.
  [[nodiscard]] const ExampleBuffer& kept() const noexcept { return buffer_; }
  /// New examples; those learned again do not count.
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const ReplayLearner&) const = default;

 private:
  ReplayLearner(const Config& config, ExampleBuffer buffer, InnerModel inner)
      : config_(config), buffer_(std::move(buffer)), inner_(std::move(inner)) {}
  void replay_and_keep(const Input& input, double target, double weight) noexcept;

  Config config_;
  ExampleBuffer buffer_;
  InnerModel inner_;
  std::uint64_t updates_ = 0;
  std::uint64_t offered_ = 0;  // examples of weight > 0: those that could be kept
};

}  // namespace attune
