// SPDX-License-Identifier: Apache-2.0
// Outcomes in the words of pairs and lists: who won, what was clicked.
#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tools/serve_session.hpp"

namespace attune::tools {

Result<double> ServeSession::told_reward(const Uuid& decision) {
  if (request_.has(Member::reward)) {
    return request_.reward;
  }
  const bool duel = request_.has(Member::winner);
  if (request_.no_arm) {
    return duel ? 0.5 : -1.0;
  }
  const Result<std::vector<std::string>> shown = shown_by(decision);
  if (!shown) {
    return tl::unexpected(shown.error());
  }
  const auto found = std::ranges::find(*shown, request_.shown_arm);
  if (request_.shown_arm.empty() || found == shown->end()) {
    return fail(Errc::invalid_argument, std::string(duel ? "\"winner\" = " : "\"click\" = ") +
                                            in_quotes(request_.shown_arm) +
                                            " is none of the arms that this decision shows");
  }
  const auto place = static_cast<double>(found - shown->begin());
  return duel ? 1.0 - place : place;
}

Result<std::vector<std::string>> ServeSession::shown_by(const Uuid& decision) {
  constexpr std::size_t kKept = 4096;
  if (const auto known = shown_.find(decision); known != shown_.end()) {
    return known->second;
  }
  engine_->fold();
  Result<std::vector<std::string>> shown = engine_->shown(decision);
  if (!shown && threads_) {
    shown = engine_->drain().and_then([&] { return engine_->shown(decision); });
  }
  if (shown) {
    shown_.emplace(decision, *shown);
    shown_order_.push_back(decision);
    if (shown_order_.size() > kKept) {
      shown_.erase(shown_order_.front());
      shown_order_.pop_front();
    }
  }
  return shown;
}

}  // namespace attune::tools
