// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyOptimizer: one handle for every Optimizer, chosen at run time.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/core/erased.hpp>

namespace attune {
namespace detail {

/// What AnyOptimizer asks of what it holds.
struct ErasedOptimizer : ErasedState<ErasedOptimizer> {
  [[nodiscard]] virtual Result<std::vector<double>> ask(Rng& rng) const = 0;
  [[nodiscard]] virtual Errc begin(const Trial& trial) = 0;
  [[nodiscard]] virtual Errc tell(std::uint64_t id, double value) = 0;
  [[nodiscard]] virtual Errc forget(std::uint64_t id) = 0;
  [[nodiscard]] virtual std::size_t dimension() const noexcept = 0;
  [[nodiscard]] virtual std::size_t pending() const noexcept = 0;
  [[nodiscard]] virtual Trial best() const = 0;
  [[nodiscard]] virtual std::vector<std::string> parameter_names() const = 0;
};

template <Optimizer O>
struct OptimizerModel final : ErasedModel<ErasedOptimizer, OptimizerModel<O>, O> {
  using ErasedModel<ErasedOptimizer, OptimizerModel, O>::ErasedModel;
  [[nodiscard]] Result<std::vector<double>> ask(Rng& rng) const override { return this->held.ask(rng); }
  [[nodiscard]] Errc begin(const Trial& trial) override { return this->held.begin(trial); }
  [[nodiscard]] Errc tell(std::uint64_t id, double value) override { return this->held.tell(id, value); }
  [[nodiscard]] Errc forget(std::uint64_t id) override { return this->held.forget(id); }
  [[nodiscard]] std::size_t dimension() const noexcept override { return this->held.dimension(); }
  [[nodiscard]] std::size_t pending() const noexcept override { return this->held.pending(); }
  [[nodiscard]] Trial best() const override { return this->held.best(); }
  [[nodiscard]] std::vector<std::string> parameter_names() const override {
    if constexpr (requires {
                    { this->held.parameter_names() } -> std::same_as<std::vector<std::string>>;
                  }) {
      return this->held.parameter_names();
    } else {
      std::vector<std::string> names;
      names.reserve(this->held.dimension());
      for (std::size_t i = 0; i < this->held.dimension(); ++i) {
        names.push_back("x" + std::to_string(i));
      }
      return names;
    }
  }
};

}  // namespace detail

/// Holds any type that satisfies Optimizer; copying copies the optimizer. A moved-from handle may only be
/// assigned or destroyed.
class AnyOptimizer : public detail::Handle<detail::ErasedOptimizer> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class O>
    requires(requires { O::kName; } && Optimizer<O>)
  explicit AnyOptimizer(O optimizer)
      : Handle(std::make_unique<detail::OptimizerModel<O>>(std::move(optimizer))) {}

  [[nodiscard]] Result<std::vector<double>> ask(Rng& rng) const { return self_->ask(rng); }
  [[nodiscard]] Errc begin(const Trial& trial) { return self_->begin(trial); }
  [[nodiscard]] Errc tell(std::uint64_t id, double value) { return self_->tell(id, value); }
  [[nodiscard]] Errc forget(std::uint64_t id) { return self_->forget(id); }
  [[nodiscard]] std::size_t dimension() const noexcept { return self_->dimension(); }
  [[nodiscard]] std::size_t pending() const noexcept { return self_->pending(); }
  [[nodiscard]] Trial best() const { return self_->best(); }
  /// Name of each parameter; "x0", "x1", ... where the optimizer has no names.
  [[nodiscard]] std::vector<std::string> parameter_names() const { return self_->parameter_names(); }

  /// The optimizer itself when it is an O, else null.
  template <Optimizer O>
  [[nodiscard]] const O* as() const noexcept {
    return held_by<detail::OptimizerModel<O>>();
  }
};

}  // namespace attune
