// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/example_buffer.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

namespace attune {

ExampleBuffer::ExampleBuffer(const Options& options, const Shape& shape, std::size_t width)
    : features_(shape.features),
      width_(width),
      loss_(options.loss),
      sparse_(shape.sparse),
      entries_(options.capacity),
      values_(options.capacity * width),
      indices_(shape.sparse ? options.capacity * width : 0) {}

Result<ExampleBuffer> ExampleBuffer::make(std::string_view learner, const Options& options,
                                          const Shape& shape) {
  const std::size_t width = shape.sparse ? std::min(options.most, shape.features) : shape.features;
  if (width > kMostNumbers / std::max<std::size_t>(1, options.capacity)) {
    return fail(Errc::invalid_config, std::string(learner) + ": " + std::to_string(options.capacity) +
                                          " examples of " + std::to_string(width) +
                                          " numbers are more than " + std::to_string(kMostNumbers) +
                                          " numbers");
  }
  return ExampleBuffer(options, shape, width);
}

Errc ExampleBuffer::check(const Input& input, double target, double weight) const noexcept {
  if (const Errc verdict = check_input(input, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  if (sparse_ && input.sparse.index.size() > width_) {
    return Errc::dimension_mismatch;
  }
  // Written so that NaN is refused.
  if (!(std::abs(target) <= kLargestNumber) || !(std::abs(weight) <= kHeaviest)) {
    return Errc::non_finite;
  }
  if (weight < 0.0 || !target_fits(loss_, target)) {
    return Errc::invalid_argument;
  }
  const Features values = sparse_ ? input.sparse.value : input.dense;
  return std::ranges::all_of(values, [](double x) { return std::abs(x) <= kLargestNumber; })
             ? Errc::ok
             : Errc::non_finite;
}

void ExampleBuffer::put(std::size_t place, const Input& input, double target, double weight) noexcept {
  const Features values = sparse_ ? input.sparse.value : input.dense;
  std::ranges::copy(values, values_.data() + (place * width_));
  if (sparse_) {
    std::ranges::copy(input.sparse.index, indices_.data() + (place * width_));
  }
  entries_[place] = {target, weight, static_cast<std::uint32_t>(values.size())};
  size_ = std::max(size_, place + 1);
}

ExampleBuffer::Example ExampleBuffer::at(std::size_t place) const noexcept {
  const Entry& entry = entries_[place];
  const Features values = std::span(values_).subspan(place * width_, entry.length);
  Example example{.target = entry.target, .weight = entry.weight};
  if (sparse_) {
    example.input.sparse = {.index = std::span(indices_).subspan(place * width_, entry.length),
                            .value = values};
  } else {
    example.input.dense = values;
  }
  return example;
}

void ExampleBuffer::drop(std::size_t place) noexcept {
  const std::size_t last = size_ - 1;
  if (place != last) {
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(last * width_), width_,
                values_.begin() + static_cast<std::ptrdiff_t>(place * width_));
    if (sparse_) {
      std::copy_n(indices_.begin() + static_cast<std::ptrdiff_t>(last * width_), width_,
                  indices_.begin() + static_cast<std::ptrdiff_t>(place * width_));
    }
    entries_[place] = entries_[last];
  }
  size_ = last;
}

void ExampleBuffer::save(Writer& writer) const {
  writer.u64(size_);
  for (std::size_t place = 0; place < size_; ++place) {
    const Example example = at(place);
    writer.f64(example.target);
    writer.f64(example.weight);
    if (sparse_) {
      writer.numbers(example.input.sparse.index);
      writer.numbers(example.input.sparse.value);
    } else {
      writer.numbers(example.input.dense);
    }
  }
}

void ExampleBuffer::load(Reader& reader) {
  const std::uint64_t size = reader.u64();
  if (size > capacity()) {
    reader.fail_now();
  }
  clear();
  while (reader.ok() && size_ < size) {
    const double target = reader.f64();
    const double weight = reader.f64();
    const std::vector<std::uint32_t> index =
        sparse_ ? reader.numbers<std::uint32_t>(width_) : std::vector<std::uint32_t>{};
    const std::vector<double> values = reader.numbers<double>(width_);
    const Input input = sparse_ ? Input{.sparse = {.index = index, .value = values}} : Input{.dense = values};
    if (!reader.ok() || check(input, target, weight) != Errc::ok) {
      reader.fail_now();
      return;
    }
    put(size_, input, target, weight);
  }
}

bool ExampleBuffer::operator==(const ExampleBuffer& other) const noexcept {
  if (size_ != other.size_ || width_ != other.width_ || sparse_ != other.sparse_) {
    return false;
  }
  for (std::size_t place = 0; place < size_; ++place) {
    const Example left = at(place);
    const Example right = other.at(place);
    if (left.target != right.target || left.weight != right.weight ||
        !std::ranges::equal(left.input.dense, right.input.dense) ||
        !std::ranges::equal(left.input.sparse.index, right.input.sparse.index) ||
        !std::ranges::equal(left.input.sparse.value, right.input.sparse.value)) {
      return false;
    }
  }
  return true;
}

}  // namespace attune
