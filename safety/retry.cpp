// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/retry.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace attune {

static_assert(check_persistent<RetryBudget>());

Result<RetryBudget> RetryBudget::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return RetryBudget(config);
}

RetryBudget::RetryBudget(const Config& config)
    : earned_(std::llround(std::floor(config.share * kWhole * (1.0 + 1e-12)))),
      most_(std::llround(config.reserve * kWhole)),
      kept_(most_) {}

void RetryBudget::note_call() noexcept {
  std::int64_t kept = kept_.load();
  while (kept < most_ && !kept_.replace(kept, std::min(kept + earned_, most_))) {
  }
}

bool RetryBudget::try_retry() noexcept {
  std::int64_t kept = kept_.load();
  do {
    if (kept < kWhole) {
      return false;
    }
  } while (!kept_.replace(kept, kept - kWhole));
  return true;
}

void RetryBudget::save(Writer& writer) const { writer.i64(kept_.load()); }

Result<void> RetryBudget::load(Reader& reader) {
  const std::int64_t kept = reader.i64();
  if (!reader.ok() || kept < 0 || kept > most_) {
    return fail(Errc::corrupt_state,
                std::string(kName) + ": the state is cut short, or holds more than the reserve");
  }
  kept_.store(kept);
  return {};
}

Description RetryBudget::describe() const {
  Description text;
  text.summary = "retry budget: " + number_text(available()) + " retries left";
  text.values = {{"available", available()}};
  return text;
}

Result<Backoff> Backoff::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (config.cap_s < config.first_s) {
    return fail(Errc::invalid_config, "cap_s = " + number_text(config.cap_s) +
                                          " is below first_s = " + number_text(config.first_s));
  }
  return Backoff(config);
}

Nanos Backoff::wait(std::uint32_t retry, Nanos before, Rng& rng) const noexcept {
  const double unit = static_cast<double>(kSecond);
  const double cap = config_.cap_s * unit;
  double wait = config_.first_s * unit;
  if (config_.jitter == Jitter::decorrelated) {
    const double most = std::clamp(3.0 * static_cast<double>(before), wait, cap);
    wait += (most - wait) * rng.uniform();
    return std::llround(wait);
  }
  // Not pow, whose last bit differs between libraries; a factor of 1 would go round without end.
  for (std::uint32_t i = 0; i < retry && wait < cap && config_.factor > 1.0; ++i) {
    wait *= config_.factor;
  }
  wait = std::min(wait, cap);
  if (config_.jitter == Jitter::full) {
    wait *= rng.uniform();
  } else if (config_.jitter == Jitter::equal) {
    wait *= 0.5 + 0.5 * rng.uniform();
  }
  return std::llround(wait);
}

}  // namespace attune
