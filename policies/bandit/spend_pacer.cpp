// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/spend_pacer.hpp>

#include <algorithm>
#include <cmath>

namespace attune {

SpendPacer::SpendPacer(const SpendPacerConfig& config) noexcept
    : config_(config), highest_(config.highest_price) {
  if (highest_ == 0.0) {
    highest_ = config.reward_range / allowed();
  }
}

Result<SpendPacer> SpendPacer::make(const SpendPacerConfig& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  const bool budget = config.budget > 0.0 && config.horizon > 0;
  if (budget == (config.rate > 0.0)) {
    return fail(Errc::invalid_config, "either rate, or budget and horizon must be above 0, and not both");
  }
  return SpendPacer(config);
}

double SpendPacer::allowed() const noexcept {
  if (config_.rate > 0.0) {
    return config_.rate;
  }
  const double left = std::max(config_.budget - spent_, 0.0);
  return charged_ < config_.horizon ? left / static_cast<double>(config_.horizon - charged_) : left;
}

Errc SpendPacer::charge(double cost) noexcept {
  if (!std::isfinite(cost) || cost > kLargestCost) {
    return Errc::non_finite;
  }
  if (cost < 0.0) {
    return Errc::invalid_argument;
  }
  const double apart = cost - allowed();
  squares_ += apart * apart;
  if (squares_ > 0.0) {
    price_ = std::clamp(price_ + config_.step * highest_ * (apart / std::sqrt(squares_)), 0.0, highest_);
  }
  spent_ += cost;
  ++charged_;
  return Errc::ok;
}

void SpendPacer::save(Writer& writer) const {
  writer.f64(price_);
  writer.f64(squares_);
  writer.f64(spent_);
  writer.u64(charged_);
}

bool SpendPacer::load(Reader& reader) {
  SpendPacer loaded = *this;
  loaded.price_ = reader.finite();
  loaded.squares_ = reader.finite();
  loaded.spent_ = reader.finite();
  loaded.charged_ = reader.u64();
  // No number of charges of at most 1e12 comes near these.
  if (!reader.ok() || loaded.price_ < 0.0 || loaded.price_ > highest_ || loaded.squares_ < 0.0 ||
      loaded.squares_ > 1e60 || loaded.spent_ < 0.0 || loaded.spent_ > 1e40) {
    return false;
  }
  *this = loaded;
  return true;
}

}  // namespace attune
