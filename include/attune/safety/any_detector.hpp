// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyDetector: one handle for every DriftDetector, chosen at run time.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <attune/core/erased.hpp>
#include <attune/safety/drift.hpp>

namespace attune {
namespace detail {

/// What AnyDetector asks of what it holds.
struct ErasedDetector : ErasedState<ErasedDetector> {
  [[nodiscard]] virtual Signal update(double value) noexcept = 0;
  virtual void reset() noexcept = 0;
  [[nodiscard]] virtual const StreamCount& count() const noexcept = 0;
};

template <class D>
struct DetectorModel final : ErasedModel<ErasedDetector, DetectorModel<D>, D> {
  using ErasedModel<ErasedDetector, DetectorModel, D>::ErasedModel;
  Signal update(double value) noexcept override { return this->held.update(value); }
  void reset() noexcept override { this->held.reset(); }
  [[nodiscard]] const StreamCount& count() const noexcept override { return this->held.count(); }
};

}  // namespace detail

/// Holds any type that satisfies DriftDetector; copying copies the detector. A moved-from handle may only be
/// assigned or destroyed.
class AnyDetector : public detail::Handle<detail::ErasedDetector> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class D>
    requires(requires { D::kName; } && DriftDetector<D>)
  explicit AnyDetector(D detector)
      : Handle(std::make_unique<detail::DetectorModel<D>>(std::move(detector))) {}

  [[nodiscard]] Signal update(double value) noexcept { return self_->update(value); }
  void reset() noexcept { self_->reset(); }
  [[nodiscard]] const StreamCount& count() const noexcept { return self_->count(); }

  /// The detector itself when it is a D, else null.
  template <DriftDetector D>
  [[nodiscard]] const D* as() const noexcept {
    return held_by<detail::DetectorModel<D>>();
  }
};

}  // namespace attune
