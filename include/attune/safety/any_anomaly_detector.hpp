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

/// Holds any type that satisfies AnomalyDetector; copying copies the detector. A moved-from handle may only
/// be assigned or destroyed.
class AnyAnomalyDetector {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class D>
    requires(requires { D::kName; } && AnomalyDetector<D>)
  explicit AnyAnomalyDetector(D detector) : self_(std::make_unique<Model<D>>(std::move(detector))) {}

  [[nodiscard]] Anomaly score(double value) const noexcept { return self_->score(value); }
  [[nodiscard]] Anomaly update(double value) noexcept { return self_->update(value); }
  void reset() noexcept { self_->reset(); }
  [[nodiscard]] const AnomalyCount& count() const noexcept { return self_->count(); }

  [[nodiscard]] std::string_view name() const noexcept { return self_->name(); }
  [[nodiscard]] std::uint32_t state_version() const noexcept { return self_->state_version(); }
  void save(Writer& writer) const { self_->save(writer); }
  [[nodiscard]] Result<void> load(Reader& reader) { return self_->load(reader); }
  [[nodiscard]] Description describe() const { return self_->describe(); }
  [[nodiscard]] bool operator==(const AnyAnomalyDetector& other) const { return self_->equals(*other.self_); }

  /// The detector itself when it is a D, else null.
  template <AnomalyDetector D>
  [[nodiscard]] const D* as() const noexcept {
    const auto* model = dynamic_cast<const Model<D>*>(self_.get());
    return model == nullptr ? nullptr : &model->detector;
  }

 private:
  struct Interface : detail::ErasedState {
    [[nodiscard]] virtual std::unique_ptr<Interface> clone() const = 0;
    [[nodiscard]] virtual Anomaly score(double value) const noexcept = 0;
    [[nodiscard]] virtual Anomaly update(double value) noexcept = 0;
    virtual void reset() noexcept = 0;
    [[nodiscard]] virtual const AnomalyCount& count() const noexcept = 0;
    [[nodiscard]] virtual bool equals(const Interface& other) const = 0;
  };

  template <class D>
  struct Model final : Interface {
    explicit Model(D held) : detector(std::move(held)) {}
    [[nodiscard]] std::unique_ptr<Interface> clone() const override {
      return std::make_unique<Model>(detector);
    }
    [[nodiscard]] Anomaly score(double value) const noexcept override { return detector.score(value); }
    Anomaly update(double value) noexcept override { return detector.update(value); }
    void reset() noexcept override { detector.reset(); }
    [[nodiscard]] const AnomalyCount& count() const noexcept override { return detector.count(); }
    [[nodiscard]] std::string_view name() const noexcept override { return D::kName; }
    [[nodiscard]] std::uint32_t state_version() const noexcept override { return D::kStateVersion; }
    void save(Writer& writer) const override { detector.save(writer); }
    Result<void> load(Reader& reader) override { return detector.load(reader); }
    [[nodiscard]] Description describe() const override { return detector.describe(); }
    [[nodiscard]] bool equals(const Interface& other) const override {
      const auto* same = dynamic_cast<const Model*>(&other);
      return same != nullptr && detector == same->detector;
    }
    D detector;
  };

  detail::ClonePtr<Interface> self_;
};

}  // namespace attune
