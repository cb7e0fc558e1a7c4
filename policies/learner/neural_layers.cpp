// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/neural_layers.hpp>

#include <algorithm>
#include <cmath>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>

#include "core/kernels.hpp"
#include "core/target_clones.hpp"

namespace attune {

using detail::kernels;
using detail::kLanes;

namespace {

constexpr std::uint64_t kNeuralWeightStream = name_stream("neural_layers");
constexpr double kMeanKept = 0.9;
constexpr double kSquareKept = 0.999;
constexpr double kLeastRoot = 1e-8;
// Keep squares and activations far from overflow, whatever the features and rewards.
constexpr double kLargestNeuralSlope = 1e6;
constexpr double kLargestNeuralWeight = 1e6;
// Smaller averages are 0: processors handle numbers near the smallest a hundred times slower.
constexpr double kLeastAverage = 1e-150;

inline double clipped(double value, double most) noexcept {
  const double above = value > -most ? value : -most;
  return above < most ? above : most;
}

struct AdamSizes {
  double step = 0.0;
  double square_part = 1.0;  // what brings the average of squares to its size
};

// Elementwise and without branches: several weights at a time.
ATTUNE_TARGET_CLONES
void adam_step(double* weight, double* gradient, double* mean, double* square, std::size_t size,
               const AdamSizes& sizes) noexcept {
  const AdamSizes own = sizes;
  for (std::size_t i = 0; i < size; ++i) {
    const double slope = clipped(gradient[i], kLargestNeuralSlope);
    const double average = (kMeanKept * mean[i]) + ((1.0 - kMeanKept) * slope);
    const double squares = (kSquareKept * square[i]) + ((1.0 - kSquareKept) * (slope * slope));
    mean[i] = std::abs(average) > kLeastAverage ? average : 0.0;
    square[i] = squares > kLeastAverage ? squares : 0.0;
    const double root = std::sqrt(square[i] * own.square_part) + kLeastRoot;
    weight[i] = clipped(weight[i] - (own.step * mean[i] / root), kLargestNeuralWeight);
    gradient[i] = 0.0;
  }
}

// back[i] += sum over eight lanes of weights[8 i + lane] slope[lane].
ATTUNE_TARGET_CLONES
void group_back(const double* weights, const double* slope, std::size_t size, double* back) noexcept {
  for (std::size_t i = 0; i < size; ++i, weights += kLanes) {
    const double even = ((weights[0] * slope[0]) + (weights[4] * slope[4])) +
                        ((weights[2] * slope[2]) + (weights[6] * slope[6]));
    const double odd = ((weights[1] * slope[1]) + (weights[5] * slope[5])) +
                       ((weights[3] * slope[3]) + (weights[7] * slope[7]));
    back[i] += even + odd;
  }
}

}  // namespace

NeuralLayers::NeuralLayers(const Size& size, std::uint64_t seed)
    : size_(size), weights_(first_weight(1) + (size.layers - 1) * size.units * (size.units + 1)) {
  for (std::size_t layer = 0; layer < size_.layers; ++layer) {
    const std::size_t own = inputs(layer);
    const double deviation = std::sqrt(2.0 / static_cast<double>(own));
    double* const first = weights_.data() + first_weight(layer);
    for (std::size_t unit = 0; unit < size_.units; ++unit) {
      // One stream a unit: more of them leave the first ones as they were.
      Rng rng(seed, kNeuralWeightStream + layer, unit);
      for (std::size_t i = 0; i < own; ++i) {
        first[(((unit / kLanes) * own + i) * kLanes) + (unit % kLanes)] = deviation * sample_normal(rng);
      }
    }
  }
}

std::span<const double> NeuralLayers::forward(std::span<const double> x, Activations& active) const noexcept {
  const double* input = x.data();
  double* output = active.data();
  for (std::size_t layer = 0;; ++layer) {
    kernels().group_scores(weights_.data() + first_weight(layer), input, inputs(layer), size_.units / kLanes,
                           output);
    for (std::size_t unit = 0; unit < size_.units; ++unit) {
      output[unit] = output[unit] > 0.0 ? output[unit] : 0.0;
    }
    output[size_.units] = 1.0;
    if (layer + 1 == size_.layers) {
      return {output, size_.units};
    }
    input = output;
    output += size_.units + 1;
  }
}

void NeuralLayers::backward(std::span<const double> x, const Activations& active, std::span<double> slope,
                            std::span<double> gradient) const noexcept {
  for (std::size_t layer = size_.layers; layer-- > 0;) {
    const double* const output = active.data() + (layer * (size_.units + 1));
    const double* const input = layer == 0 ? x.data() : output - (size_.units + 1);
    const std::size_t own = inputs(layer);
    for (std::size_t unit = 0; unit < size_.units; ++unit) {
      slope[unit] = output[unit] > 0.0 ? slope[unit] : 0.0;
    }
    std::array<double, kMaxUnits> back{};
    for (std::size_t unit = 0; unit < size_.units; unit += kLanes) {
      const std::size_t first = first_weight(layer) + (unit * own);
      kernels().group_axpy(gradient.data() + first, slope.data() + unit, input, own);
      if (layer > 0) {
        group_back(weights_.data() + first, slope.data() + unit, size_.units, back.data());
      }
    }
    std::copy_n(back.begin(), size_.units, slope.begin());
  }
}

void NeuralLayers::load(Reader& reader) {
  weights_ = reader.exactly<double>(weights_.size());
  // Written so that NaN fails.
  if (!std::ranges::all_of(weights_, [](double w) { return std::abs(w) <= kLargestNeuralWeight; })) {
    reader.fail_now();
  }
}

void NeuralTrainer::step(double rate, std::span<double> weights) noexcept {
  mean_left_ *= kMeanKept;
  square_left_ *= kSquareKept;
  adam_step(weights.data(), gradient_.data(), mean_.data(), square_.data(), weights.size(),
            {.step = rate / (1.0 - mean_left_), .square_part = 1.0 / (1.0 - square_left_)});
}

void NeuralTrainer::save(Writer& writer) const {
  writer.numbers(mean_);
  writer.numbers(square_);
  writer.f64(mean_left_);
  writer.f64(square_left_);
}

void NeuralTrainer::load(Reader& reader) {
  mean_ = reader.exactly<double>(mean_.size());
  square_ = reader.exactly<double>(square_.size());
  mean_left_ = reader.finite();
  square_left_ = reader.finite();
  const auto within = [](double most) { return [most](double value) { return std::abs(value) <= most; }; };
  const auto positive = [](double value) { return value >= 0.0; };
  if (!std::ranges::all_of(mean_, within(kLargestNeuralSlope)) || !std::ranges::all_of(square_, positive) ||
      !std::ranges::all_of(square_, within(kLargestNeuralSlope * kLargestNeuralSlope)) || mean_left_ < 0.0 ||
      mean_left_ > 1.0 || square_left_ < 0.0 || square_left_ > 1.0) {
    reader.fail_now();
  }
}

}  // namespace attune
