// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyLearner: one handle for every OnlineLearner, chosen at run time.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/core/erased.hpp>

namespace attune {

/// Holds any type that satisfies OnlineLearner; copying copies the learner. A moved-from handle may only be
/// assigned or destroyed.
class AnyLearner {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class L>
    requires(requires { L::kName; } && OnlineLearner<L>)
  explicit AnyLearner(L learner) : self_(std::make_unique<Model<L>>(std::move(learner))) {}

  Errc partial_fit(const Input& input, double target, double weight) noexcept {
    return self_->partial_fit(input, target, weight);
  }
  [[nodiscard]] double predict(const Input& input) const noexcept { return self_->predict(input); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return self_->updates(); }

  [[nodiscard]] std::string_view name() const noexcept { return self_->name(); }
  [[nodiscard]] std::uint32_t state_version() const noexcept { return self_->state_version(); }
  void save(Writer& writer) const { self_->save(writer); }
  [[nodiscard]] Result<void> load(Reader& reader) { return self_->load(reader); }
  [[nodiscard]] Description describe() const { return self_->describe(); }
  [[nodiscard]] bool operator==(const AnyLearner& other) const { return self_->equals(*other.self_); }

  /// The learner itself when it is an L, else null.
  template <OnlineLearner L>
  [[nodiscard]] const L* as() const noexcept {
    const auto* model = dynamic_cast<const Model<L>*>(self_.get());
    return model == nullptr ? nullptr : &model->learner;
  }

 private:
  struct Interface : detail::ErasedState {
    [[nodiscard]] virtual std::unique_ptr<Interface> clone() const = 0;
    virtual Errc partial_fit(const Input& input, double target, double weight) noexcept = 0;
    [[nodiscard]] virtual double predict(const Input& input) const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t updates() const noexcept = 0;
    [[nodiscard]] virtual bool equals(const Interface& other) const = 0;
  };

  template <OnlineLearner L>
  struct Model final : Interface {
    explicit Model(L l) : learner(std::move(l)) {}
    [[nodiscard]] std::unique_ptr<Interface> clone() const override {
      return std::make_unique<Model>(learner);
    }
    Errc partial_fit(const Input& input, double target, double weight) noexcept override {
      return learner.partial_fit(input, target, weight);
    }
    [[nodiscard]] double predict(const Input& input) const noexcept override {
      return learner.predict(input);
    }
    [[nodiscard]] std::uint64_t updates() const noexcept override { return learner.updates(); }
    [[nodiscard]] std::string_view name() const noexcept override { return L::kName; }
    [[nodiscard]] std::uint32_t state_version() const noexcept override { return L::kStateVersion; }
    void save(Writer& writer) const override { learner.save(writer); }
    [[nodiscard]] Result<void> load(Reader& reader) override { return learner.load(reader); }
    [[nodiscard]] Description describe() const override { return learner.describe(); }
    [[nodiscard]] bool equals(const Interface& other) const override {
      const auto* same = dynamic_cast<const Model*>(&other);
      return same != nullptr && learner == same->learner;
    }
    L learner;
  };

  detail::ClonePtr<Interface> self_;
};

}  // namespace attune
