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

/// Holds any type that satisfies Optimizer; copying copies the optimizer. A moved-from handle may only be
/// assigned or destroyed.
class AnyOptimizer {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class O>
    requires(requires { O::kName; } && Optimizer<O>)
  explicit AnyOptimizer(O optimizer) : self_(std::make_unique<Model<O>>(std::move(optimizer))) {}

  [[nodiscard]] Result<std::vector<double>> ask(Rng& rng) const { return self_->ask(rng); }
  [[nodiscard]] Errc begin(const Trial& trial) { return self_->begin(trial); }
  [[nodiscard]] Errc tell(std::uint64_t id, double value) { return self_->tell(id, value); }
  [[nodiscard]] Errc forget(std::uint64_t id) { return self_->forget(id); }
  [[nodiscard]] std::size_t dimension() const noexcept { return self_->dimension(); }
  [[nodiscard]] std::size_t pending() const noexcept { return self_->pending(); }
  [[nodiscard]] Trial best() const { return self_->best(); }
  /// Name of each parameter; "x0", "x1", ... where the optimizer has no names.
  [[nodiscard]] std::vector<std::string> parameter_names() const { return self_->parameter_names(); }

  [[nodiscard]] std::string_view name() const noexcept { return self_->name(); }
  [[nodiscard]] std::uint32_t state_version() const noexcept { return self_->state_version(); }
  void save(Writer& writer) const { self_->save(writer); }
  [[nodiscard]] Result<void> load(Reader& reader) { return self_->load(reader); }
  [[nodiscard]] Description describe() const { return self_->describe(); }
  [[nodiscard]] bool operator==(const AnyOptimizer& other) const { return self_->equals(*other.self_); }

  /// The optimizer itself when it is an O, else null.
  template <Optimizer O>
  [[nodiscard]] const O* as() const noexcept {
    const auto* model = dynamic_cast<const Model<O>*>(self_.get());
    return model == nullptr ? nullptr : &model->optimizer;
  }

 private:
  struct Interface : detail::ErasedState {
    [[nodiscard]] virtual std::unique_ptr<Interface> clone() const = 0;
    [[nodiscard]] virtual Result<std::vector<double>> ask(Rng& rng) const = 0;
    [[nodiscard]] virtual Errc begin(const Trial& trial) = 0;
    [[nodiscard]] virtual Errc tell(std::uint64_t id, double value) = 0;
    [[nodiscard]] virtual Errc forget(std::uint64_t id) = 0;
    [[nodiscard]] virtual std::size_t dimension() const noexcept = 0;
    [[nodiscard]] virtual std::size_t pending() const noexcept = 0;
    [[nodiscard]] virtual Trial best() const = 0;
    [[nodiscard]] virtual std::vector<std::string> parameter_names() const = 0;
    [[nodiscard]] virtual bool equals(const Interface& other) const = 0;
  };

  template <Optimizer O>
  struct Model final : Interface {
    explicit Model(O o) : optimizer(std::move(o)) {}
    [[nodiscard]] std::unique_ptr<Interface> clone() const override {
      return std::make_unique<Model>(optimizer);
    }
    [[nodiscard]] Result<std::vector<double>> ask(Rng& rng) const override { return optimizer.ask(rng); }
    [[nodiscard]] Errc begin(const Trial& trial) override { return optimizer.begin(trial); }
    [[nodiscard]] Errc tell(std::uint64_t id, double value) override { return optimizer.tell(id, value); }
    [[nodiscard]] Errc forget(std::uint64_t id) override { return optimizer.forget(id); }
    [[nodiscard]] std::size_t dimension() const noexcept override { return optimizer.dimension(); }
    [[nodiscard]] std::size_t pending() const noexcept override { return optimizer.pending(); }
    [[nodiscard]] Trial best() const override { return optimizer.best(); }
    [[nodiscard]] std::vector<std::string> parameter_names() const override {
      if constexpr (requires {
                      { optimizer.parameter_names() } -> std::same_as<std::vector<std::string>>;
                    }) {
        return optimizer.parameter_names();
      } else {
        std::vector<std::string> names;
        names.reserve(optimizer.dimension());
        for (std::size_t i = 0; i < optimizer.dimension(); ++i) {
          names.push_back("x" + std::to_string(i));
        }
        return names;
      }
    }
    [[nodiscard]] std::string_view name() const noexcept override { return O::kName; }
    [[nodiscard]] std::uint32_t state_version() const noexcept override { return O::kStateVersion; }
    void save(Writer& writer) const override { optimizer.save(writer); }
    [[nodiscard]] Result<void> load(Reader& reader) override { return optimizer.load(reader); }
    [[nodiscard]] Description describe() const override { return optimizer.describe(); }
    [[nodiscard]] bool equals(const Interface& other) const override {
      const auto* same = dynamic_cast<const Model*>(&other);
      return same != nullptr && optimizer == same->optimizer;
    }
    O optimizer;
  };

  detail::ClonePtr<Interface> self_;
};

}  // namespace attune
