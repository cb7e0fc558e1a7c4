// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the handles AnyBandit, AnyLearner, AnyAgent, AnyOptimizer and AnyDetector are made of.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune::detail {

/// Persistent at run time, from which the interface of each handle goes on.
struct ErasedState {
  ErasedState() = default;
  ErasedState(const ErasedState&) = default;
  ErasedState& operator=(const ErasedState&) = default;
  ErasedState(ErasedState&&) = default;
  ErasedState& operator=(ErasedState&&) = default;
  virtual ~ErasedState() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual std::uint32_t state_version() const noexcept = 0;
  virtual void save(Writer& writer) const = 0;
  [[nodiscard]] virtual Result<void> load(Reader& reader) = 0;
  [[nodiscard]] virtual Description describe() const = 0;
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

}  // namespace attune::detail
