// SPDX-License-Identifier: Apache-2.0
/// @file
/// MiniBatchLearner: examples are held back and learned together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/policies/example_buffer.hpp>
#include <attune/policies/inner_learner.hpp>

namespace attune {

/// Options of MiniBatchLearner.
struct MiniBatchConfig {
  std::uint32_t size = 32;
  double seconds = 30.0;
  std::uint32_t most = 256;
  InnerOptions inner{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("size", self.size, Bounds{1, 1e6}, "examples of a batch");
    visit("seconds", self.seconds, Bounds{0, 1e9}, "age of the oldest example at which tick ends the batch");
    visit("most", self.most, Bounds{1, 65536}, "entries of a sparse example; longer ones are refused");
    InnerOptions::fields(self.inner, visit);
  }
  bool operator==(const MiniBatchConfig&) const = default;
};

/// Holds examples back until there are `size`, or until the oldest is `seconds` old, and then gives them to
/// the learner inside, one after the other in the order in which they came. Predictions are those of the last
/// batch: they change only when one ends.
///
/// Time is the caller's: tick says what it is, and an example is as old as the last tick before it. Without
/// ticks the count alone ends a batch. Examples of weight 0 are counted and not held.
///
/// What is refused is refused at once: the rules are those of ExampleBuffer::check. What depends on the
/// weights (a gradient beyond 1e100) is known only when a batch ends: such examples are left out and counted
/// by refused().
///
/// Cost: a copy an example, the last of a batch pays for `size` of the learner; none allocates. Memory: the
/// learner's and the buffer's. Limits: sparse examples have up to `most` entries.
class MiniBatchLearner {
 public:
  using Config = MiniBatchConfig;

  static constexpr std::string_view kName = "mini_batch";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<MiniBatchLearner> make(const Config& config, const Shape& shape);

  /// Errors: those of ExampleBuffer::check.
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// As of the last batch that ended.
  [[nodiscard]] double predict(const Input& input) const noexcept { return inner_.predict(input); }

  /// It is now `now_s`, in seconds of any clock. Where that is before the last tick (another clock, another
  /// process), the age of what is held counts from now. Errors: non_finite.
  [[nodiscard]] Errc tick(double now_s) noexcept;
  /// Learns what is held now; says how many examples were learned.
  std::size_t flush() noexcept;

  /// Examples that are held.
  [[nodiscard]] std::size_t held() const noexcept { return buffer_.size(); }
  /// Examples that the learner refused when their batch ended.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  /// Examples taken, those that are held among them.
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const MiniBatchLearner&) const = default;

 private:
  MiniBatchLearner(double seconds, ExampleBuffer buffer, InnerModel inner)
      : seconds_(seconds), buffer_(std::move(buffer)), inner_(std::move(inner)) {}

  double seconds_;
  ExampleBuffer buffer_;
  InnerModel inner_;
  std::uint64_t updates_ = 0;
  std::uint64_t refused_ = 0;
  std::optional<double> now_;     // the last tick
  std::optional<double> oldest_;  // the tick that the oldest held example counts from
};

}  // namespace attune
