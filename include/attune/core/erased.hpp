// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the handles AnyBandit, AnyLearner, AnyAgent, AnyOptimizer, AnyDetector, AnyAnomalyDetector and
/// those over slates, pairs and continuous actions are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune::detail {

/// Persistent at run time. `Interface` is the interface of a handle, which derives from this.
template <class Interface>
struct ErasedState {
  ErasedState() = default;                    // NOLINT(bugprone-crtp-constructor-accessibility): abstract
  ErasedState(const ErasedState&) = default;  // NOLINT(bugprone-crtp-constructor-accessibility): abstract
  ErasedState& operator=(const ErasedState&) = default;
  ErasedState(ErasedState&&) = default;  // NOLINT(bugprone-crtp-constructor-accessibility): abstract
  ErasedState& operator=(ErasedState&&) = default;
  virtual ~ErasedState() = default;
  [[nodiscard]] virtual std::unique_ptr<Interface> clone() const = 0;
  [[nodiscard]] virtual bool equals(const Interface& other) const = 0;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual std::uint32_t state_version() const noexcept = 0;
  virtual void save(Writer& writer) const = 0;
  [[nodiscard]] virtual Result<void> load(Reader& reader) = 0;
  [[nodiscard]] virtual Description describe() const = 0;
};

/// An Interface that a T answers: the part that is alike for all. `Model` derives from this and adds the
/// rest.
template <class Interface, class Model, class T>
struct ErasedModel : Interface {
  // NOLINTNEXTLINE(bugprone-crtp-constructor-accessibility): abstract
  explicit ErasedModel(T value) : held(std::move(value)) {}
  [[nodiscard]] std::unique_ptr<Interface> clone() const override { return std::make_unique<Model>(held); }
  [[nodiscard]] bool equals(const Interface& other) const override {
    const auto* same = dynamic_cast<const Model*>(&other);
    return same != nullptr && held == same->held;
  }
  [[nodiscard]] std::string_view name() const noexcept override { return T::kName; }
  [[nodiscard]] std::uint32_t state_version() const noexcept override { return T::kStateVersion; }
  void save(Writer& writer) const override { held.save(writer); }
  [[nodiscard]] Result<void> load(Reader& reader) override { return held.load(reader); }
  [[nodiscard]] Description describe() const override { return held.describe(); }

  T held;
};

/// HasArms at run time, beside ErasedState.
template <class Interface>
// NOLINTNEXTLINE(bugprone-crtp-constructor-accessibility): abstract
struct ErasedArms : ErasedState<Interface> {
  [[nodiscard]] virtual std::size_t arm_count() const noexcept = 0;
  [[nodiscard]] virtual bool enabled(ArmIndex arm) const noexcept = 0;
  [[nodiscard]] virtual Result<ArmIndex> add_arm() = 0;
  virtual Errc set_enabled(ArmIndex arm, bool on) noexcept = 0;
  virtual Errc reset_arm(ArmIndex arm) noexcept = 0;
  [[nodiscard]] virtual std::uint64_t updates() const noexcept = 0;
};

/// ErasedModel over arms.
template <class Interface, class Model, class T>
// NOLINTNEXTLINE(bugprone-crtp-constructor-accessibility): abstract
struct ErasedArmsModel : ErasedModel<Interface, Model, T> {
  using ErasedModel<Interface, Model, T>::ErasedModel;
  [[nodiscard]] std::size_t arm_count() const noexcept override { return this->held.arm_count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept override { return this->held.enabled(arm); }
  [[nodiscard]] Result<ArmIndex> add_arm() override { return this->held.add_arm(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept override { return this->held.set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept override { return this->held.reset_arm(arm); }
  [[nodiscard]] std::uint64_t updates() const noexcept override { return this->held.updates(); }
};

/// Owns an object that can `clone()` itself, and copies with it. Moved from, it may only be assigned or
/// destroyed.
template <class Interface>
class ClonePtr {
 public:
  explicit ClonePtr(std::unique_ptr<Interface> held) noexcept : held_(std::move(held)) {}
  ClonePtr(const ClonePtr& other) : held_(other.held_->clone()) {}
  ClonePtr& operator=(const ClonePtr& other) {
    if (this != &other) {
      held_ = other.held_->clone();
    }
    return *this;
  }
  ClonePtr(ClonePtr&&) noexcept = default;
  ClonePtr& operator=(ClonePtr&&) noexcept = default;
  ~ClonePtr() = default;

  // A const handle reaches only what is const in the object.
  [[nodiscard]] Interface* operator->() noexcept { return held_.get(); }
  [[nodiscard]] const Interface* operator->() const noexcept { return held_.get(); }
  [[nodiscard]] const Interface& operator*() const noexcept { return *held_; }
  [[nodiscard]] const Interface* get() const noexcept { return held_.get(); }

 private:
  std::unique_ptr<Interface> held_;
};

/// What every handle does alike. Moved from, it may only be assigned or destroyed.
template <class Interface>
class Handle {
 public:
  [[nodiscard]] std::string_view name() const noexcept { return self_->name(); }
  [[nodiscard]] std::uint32_t state_version() const noexcept { return self_->state_version(); }
  void save(Writer& writer) const { self_->save(writer); }
  [[nodiscard]] Result<void> load(Reader& reader) { return self_->load(reader); }
  [[nodiscard]] Description describe() const { return self_->describe(); }
  [[nodiscard]] bool operator==(const Handle& other) const { return self_->equals(*other.self_); }

 protected:
  explicit Handle(std::unique_ptr<Interface> held) noexcept : self_(std::move(held)) {}

  /// What a Model holds when this handle has one, else null.
  template <class Model>
  [[nodiscard]] auto held_by() const noexcept -> decltype(&std::declval<const Model&>().held) {
    const auto* model = dynamic_cast<const Model*>(self_.get());
    return model == nullptr ? nullptr : &model->held;
  }

  ClonePtr<Interface> self_;
};

/// What every handle over arms does alike.
template <class Interface>
class ArmsHandle : public Handle<Interface> {
 public:
  [[nodiscard]] std::size_t arm_count() const noexcept { return this->self_->arm_count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return this->self_->enabled(arm); }
  [[nodiscard]] Result<ArmIndex> add_arm() { return this->self_->add_arm(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return this->self_->set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept { return this->self_->reset_arm(arm); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return this->self_->updates(); }

 protected:
  using Handle<Interface>::Handle;
};

}  // namespace attune::detail
