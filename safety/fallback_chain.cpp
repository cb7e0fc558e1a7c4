// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/fallback_chain.hpp>

#include <algorithm>

namespace attune {

std::string_view to_string(AttemptOutcome outcome) noexcept {
  switch (outcome) {
    case AttemptOutcome::not_asked:
      return "not_asked";
    case AttemptOutcome::answered:
      return "answered";
    case AttemptOutcome::rejected:
      return "rejected";
    case AttemptOutcome::failed:
      return "failed";
    case AttemptOutcome::not_finite:
      return "not_finite";
    case AttemptOutcome::late:
      return "late";
    case AttemptOutcome::out_of_time:
      return "out_of_time";
  }
  return "unknown";
}

namespace detail {

CallResult result_of(Errc error) noexcept {
  switch (error) {
    case Errc::non_finite:
      return CallResult::non_finite;
    case Errc::invalid_argument:
    case Errc::dimension_mismatch:
      return CallResult::ignored;
    default:
      return CallResult::failure;
  }
}

Result<std::vector<CircuitBreaker>> make_breakers(const FallbackConfig& config) {
  if (config.members.empty() || config.members.size() > FallbackConfig::kMost) {
    return fail(Errc::invalid_config, "members has " + std::to_string(config.members.size()) +
                                          " entries; allowed are 1 to " +
                                          std::to_string(FallbackConfig::kMost));
  }
  if (!(config.cache_s >= 0.0 && config.cache_s <= 1e9)) {
    return fail(Errc::invalid_config, "cache_s = " + number_text(config.cache_s) + " is outside [0, 1e9]");
  }
  std::vector<CircuitBreaker> breakers;
  for (const FallbackMember& member : config.members) {
    const auto same = [&](const FallbackMember& other) { return other.name == member.name; };
    if (member.name.empty() || std::ranges::count_if(config.members, same) > 1) {
      return fail(Errc::invalid_config,
                  "members: the name '" + member.name + "' is empty or there more than once");
    }
    Result<CircuitBreaker> breaker = CircuitBreaker::make(member.breaker);
    if (!breaker) {
      return fail(Errc::invalid_config, "members." + member.name + ".breaker: " + breaker.error().message);
    }
    breakers.push_back(*breaker);
  }
  return breakers;
}

std::string explain_attempts(const std::vector<std::string>& names, const Attempt* attempts) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Attempt& attempt = attempts[i];
    text += (i == 0 ? "" : "; ") + names[i] + ": " + std::string(to_string(attempt.outcome));
    if (attempt.outcome == AttemptOutcome::rejected) {
      text += " (" + std::string(to_string(static_cast<BreakerState>(attempt.rejection))) + ")";
    } else if (attempt.outcome == AttemptOutcome::failed) {
      text += " (" + std::string(to_string(attempt.error)) + ")";
    }
  }
  return text;
}

}  // namespace detail
}  // namespace attune
