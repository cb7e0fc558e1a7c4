// SPDX-License-Identifier: Apache-2.0
/// @file
/// InnerModel: a linear learner chosen by name, for learners that are built around one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include <attune/core/concepts.hpp>
#include <attune/policies/adagrad.hpp>
#include <attune/policies/auto_linear.hpp>
#include <attune/policies/ftrl.hpp>
#include <attune/policies/sgd.hpp>

namespace attune {

/// What learns the weights; the values are the places in InnerModel's variant.
enum class InnerLearner : std::uint8_t { adagrad, ftrl, sgd, auto_linear };
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<InnerLearner>{"adagrad", "ftrl", "sgd",
                                                                          "auto_linear"};

/// Options of the inner learner; those that it has not are passed over.
struct InnerOptions {
  InnerLearner learner = InnerLearner::adagrad;
  Loss loss = Loss::squared;
  double rate = 0.1;
  double l1 = 0.0;
  double l2 = 0.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("learner", self.learner, Bounds{}, "what learns the weights");
    visit("loss", self.loss, Bounds{}, "what is minimised; see LinearModel");
    visit("rate", self.rate, Bounds{1e-12, 1e3}, "of adagrad and sgd; alpha of ftrl");
    visit("l1", self.l1, Bounds{0, 1e6}, "of ftrl: weights with little evidence stay exactly zero");
    visit("l2", self.l2, Bounds{0, 1e3}, "of adagrad, ftrl and sgd");
  }
  bool operator==(const InnerOptions&) const = default;
};

/// The learner of that name. Cost, memory and saved bytes: the learner's own.
class InnerModel {
 public:
  /// `options` lie within their bounds. Errors: those of the learner.
  [[nodiscard]] static Result<InnerModel> make(const InnerOptions& options, const Shape& shape);

  /// Errors: those of the learner.
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// partial_fit, and what predict said before it; cheaper than both where the learner has it.
  [[nodiscard]] Errc predict_then_fit(const Input& input, double target, double weight,
                                      double& before) noexcept;
  [[nodiscard]] double predict(const Input& input) const noexcept;
  void prefetch(const Input& input) const noexcept;
  [[nodiscard]] std::uint64_t updates() const noexcept;

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const InnerModel&) const = default;

 private:
  using Held = std::variant<AdaGradLearner, FtrlLearner, SgdLearner, AutoLinearLearner>;

  explicit InnerModel(Held held) : held_(std::move(held)) {}

  Held held_;
};

}  // namespace attune
