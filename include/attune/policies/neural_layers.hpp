// SPDX-License-Identifier: Apache-2.0
/// @file
/// NeuralLayers: the hidden layers of a small neural network, and how they are trained.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/core/serial.hpp>

namespace attune {

/// One or two layers of units max(0, w.x): the last one's are the features that a network has learned. There
/// is no output layer: what reads the features brings the derivatives by them.
///
/// Source of the first weights: He, Zhang, Ren, Sun (2015), "Delving Deep into Rectifiers", ICCV: normal, of
/// variance 2 / inputs of the layer.
///
/// Cost: forward one multiply-add a weight, backward up to two; none allocates but the constructor. Memory: 8
/// bytes a weight. Sums have one order on every instruction set.
class NeuralLayers {
 public:
  static constexpr std::size_t kMaxUnits = 128;  ///< of a layer
  static constexpr std::size_t kMaxLayers = 2;
  /// What the units of all layers become, and a constant 1 behind each.
  using Activations = std::array<double, kMaxLayers*(kMaxUnits + 1)>;

  struct Size {
    std::size_t inputs = 0;  ///< the last of which is always 1
    std::size_t units = 8;   ///< of each layer, a multiple of eight up to kMaxUnits
    std::size_t layers = 1;  ///< 1 or 2

    bool operator==(const Size&) const = default;
  };

  NeuralLayers(const Size& size, std::uint64_t seed);

  /// Fills `active` for an input x; returns the units of the last layer.
  std::span<const double> forward(std::span<const double> x, Activations& active) const noexcept;
  /// Adds the derivatives by the weights to `gradient`, of as many numbers as weights(): `slope`, which is
  /// overwritten, are those by the units of the last layer, for an x that forward() has gone through.
  void backward(std::span<const double> x, const Activations& active, std::span<double> slope,
                std::span<double> gradient) const noexcept;

  [[nodiscard]] const Size& size() const noexcept { return size_; }
  [[nodiscard]] std::span<const double> weights() const noexcept { return weights_; }
  [[nodiscard]] std::span<double> weights() noexcept { return weights_; }

  void save(Writer& writer) const { writer.numbers(weights_); }
  /// The reader fails where there are not as many numbers as weights, all finite.
  void load(Reader& reader);
  [[nodiscard]] bool operator==(const NeuralLayers&) const = default;

 private:
  [[nodiscard]] std::size_t inputs(std::size_t layer) const noexcept {
    return layer == 0 ? size_.inputs : size_.units + 1;
  }
  [[nodiscard]] std::size_t first_weight(std::size_t layer) const noexcept {
    return layer * size_.inputs * size_.units;
  }

  Size size_;
  // Layer after layer; of a layer, eight units after eight, and of those, by inputs.
  std::vector<double> weights_;
};

/// Steps against a gradient, one size a weight.
///
/// Source: Kingma, Ba (2015), "Adam: A Method for Stochastic Optimization", ICLR, Algorithm 1, with its
/// defaults.
///
/// Cost: a root and two divisions a weight; 24 bytes a weight. Nothing but the constructor allocates.
class NeuralTrainer {
 public:
  explicit NeuralTrainer(std::size_t weights) : gradient_(weights), mean_(weights), square_(weights) {}

  /// Where the gradient of a batch is gathered; step() leaves zeros.
  [[nodiscard]] std::span<double> gradient() noexcept { return gradient_; }
  void step(double rate, std::span<double> weights) noexcept;

  void save(Writer& writer) const;
  /// The reader fails where the numbers are not those of as many weights.
  void load(Reader& reader);
  [[nodiscard]] bool operator==(const NeuralTrainer& other) const {
    return mean_ == other.mean_ && square_ == other.square_ && mean_left_ == other.mean_left_ &&
           square_left_ == other.square_left_;
  }

 private:
  std::vector<double> gradient_;  // zeros between steps; no part of the state
  std::vector<double> mean_;      // of the gradients
  std::vector<double> square_;
  double mean_left_ = 1.0;  // of what the averages were before the first step
  double square_left_ = 1.0;
};

}  // namespace attune
