// SPDX-License-Identifier: Apache-2.0
/// @file
/// HashedInteractions: a linear learner over features and the products of their pairs, without storing them.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/policies/inner_learner.hpp>
#include <attune/policies/interaction_map.hpp>

namespace attune {

/// Options of HashedInteractions.
struct HashedInteractionsConfig {
  InteractionOptions map{};
  InnerOptions inner{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    InteractionOptions::fields(self.map, visit);
    InnerOptions::fields(self.inner, visit);
  }
  bool operator==(const HashedInteractionsConfig&) const = default;
};

/// The learner of that name over the places of an InteractionMap: score = sum of w at the places of the
/// features and of their products, where the features themselves are one-hot, say, and the products say what
/// two of them are together.
///
/// Source: as InteractionMap, and the learner's.
///
/// Cost: that of the map and of the learner for features and products; none allocates; 56 KiB of stack.
/// Memory: the learner's for 2^bits features, however many there are. Limits: features that share a place
/// share a weight; 2048 entries and products an example.
class HashedInteractions {
 public:
  using Config = HashedInteractionsConfig;

  static constexpr std::string_view kName = "hashed_interactions";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<HashedInteractions> make(const Config& config, const Shape& shape);

  /// Errors: those of the learner and of InteractionMap::expand.
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// partial_fit, and what predict said before it; cheaper than both.
  [[nodiscard]] Errc predict_then_fit(const Input& input, double target, double weight,
                                      double& before) noexcept;
  [[nodiscard]] double predict(const Input& input) const noexcept;

  [[nodiscard]] const InteractionMap& map() const noexcept { return map_; }
  [[nodiscard]] std::uint64_t updates() const noexcept;

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const HashedInteractions& other) const { return inner_ == other.inner_; }

 private:
  HashedInteractions(InteractionMap map, InnerModel inner) : map_(std::move(map)), inner_(std::move(inner)) {}

  InteractionMap map_;
  InnerModel inner_;
};

}  // namespace attune
