// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyAnomalyDetector: one handle for every AnomalyDetector, chosen at run time.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <attune/core/erased.hpp>
#include <attune/safety/anomaly.hpp>

namespace attune {
namespace detail {

/// What AnyAnomalyDetector asks of what it holds.
struct ErasedAnomalyDetector : ErasedState<ErasedAnomalyDetector> {
  [[nodiscard]] virtual Anomaly score(double value) const noexcept = 0;
  [[nodiscard]] virtual Anomaly update(double value) noexcept = 0;
  virtual void reset() noexcept = 0;
  [[nodiscard]] virtual const AnomalyCount& count() const noexcept = 0;
};

template <class D>
struct AnomalyDetectorModel final : ErasedModel<ErasedAnomalyDetector, AnomalyDetectorModel<D>, D> {
  using ErasedModel<ErasedAnomalyDetector, AnomalyDetectorModel, D>::ErasedModel;
  [[nodiscard]] Anomaly score(double value) const noexcept override { return this->held.score(value); }
  Anomaly update(double value) noexcept override { return this->held.update(value); }
  void reset() noexcept override { this->held.reset(); }
  [[nodiscard]] const AnomalyCount& count() const noexcept override { return this->held.count(); }
};

}  // namespace detail

/// Holds any type that satisfies AnomalyDetector; copying copies the detector. A moved-from handle may only
/// be assigned or destroyed.
class AnyAnomalyDetector : public detail::Handle<detail::ErasedAnomalyDetector> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class D>
    requires(requires { D::kName; } && AnomalyDetector<D>)
  explicit AnyAnomalyDetector(D detector)
      : Handle(std::make_unique<detail::AnomalyDetectorModel<D>>(std::move(detector))) {}

  [[nodiscard]] Anomaly score(double value) const noexcept { return self_->score(value); }
  [[nodiscard]] Anomaly update(double value) noexcept { return self_->update(value); }
  void reset() noexcept { self_->reset(); }
  [[nodiscard]] const AnomalyCount& count() const noexcept { return self_->count(); }

  /// The detector itself when it is a D, else null.
  template <AnomalyDetector D>
  [[nodiscard]] const D* as() const noexcept {
    return held_by<detail::AnomalyDetectorModel<D>>();
  }
};

}  // namespace attune
