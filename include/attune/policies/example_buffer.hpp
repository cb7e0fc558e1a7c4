// SPDX-License-Identifier: Apache-2.0
/// @file
/// ExampleBuffer: examples that a learner keeps, in memory taken once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Up to `capacity` examples, dense or sparse as the shape says, each at a place 0, .., size() - 1.
///
/// Cost: put copies the example, at views it; neither allocates. Memory, all taken by make: capacity x width
/// numbers of 8 bytes (sparse: 12), width being the features, sparse the smaller of features and `most`; and
/// 20 bytes an example.
class ExampleBuffer {
 public:
  /// Features and targets up to here and weights up to 1e9 are kept: what AutoLinearLearner takes.
  static constexpr double kLargestNumber = 1e100;
  static constexpr double kHeaviest = 1e9;
  /// Most numbers of a buffer.
  static constexpr std::size_t kMostNumbers = std::size_t{1} << 28;

  struct Options {
    std::size_t capacity = 1;
    std::size_t most = 256;  ///< entries of a sparse example
    Loss loss = Loss::squared;
  };
  /// A kept example; valid until the buffer changes.
  struct Example {
    Input input{};
    double target = 0.0;
    double weight = 0.0;
  };

  /// Errors: invalid_config, in the name of `learner`: more than kMostNumbers numbers.
  [[nodiscard]] static Result<ExampleBuffer> make(std::string_view learner, const Options& options,
                                                  const Shape& shape);

  /// May this example be kept? Errors: as check_input; dimension_mismatch too for a sparse example of more
  /// than `most` entries; non_finite (also numbers beyond the bounds above); invalid_argument (weight < 0, a
  /// target that the loss does not have).
  [[nodiscard]] Errc check(const Input& input, double target, double weight) const noexcept;
  /// Copies a checked example to a place up to size(); at size() it is one more (size() < capacity()).
  void put(std::size_t place, const Input& input, double target, double weight) noexcept;
  [[nodiscard]] Example at(std::size_t place) const noexcept;
  void clear() noexcept { size_ = 0; }
  /// Forgets an example; the last one takes its place.
  void drop(std::size_t place) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return entries_.size(); }

  /// Writes what is kept, not the room for more.
  void save(Writer& writer) const;
  /// The reader fails where an example is none that check lets pass; the buffer is then not to be used.
  void load(Reader& reader);
  /// Do both keep the same examples at the same places?
  [[nodiscard]] bool operator==(const ExampleBuffer& other) const noexcept;

 private:
  /// Beside the features of an example.
  struct Entry {
    double target = 0.0;
    double weight = 0.0;
    std::uint32_t length = 0;  // numbers of it that are used
  };

  ExampleBuffer(const Options& options, const Shape& shape, std::size_t width);

  std::size_t features_;
  std::size_t width_;
  Loss loss_;
  bool sparse_;
  std::size_t size_ = 0;
  std::vector<Entry> entries_;
  std::vector<double> values_;          // by rows of width_
  std::vector<std::uint32_t> indices_;  // sparse: beside values_
};

}  // namespace attune
