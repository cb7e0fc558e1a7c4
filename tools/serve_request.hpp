// SPDX-License-Identifier: Apache-2.0
/// @file
/// One line of the pipe protocol, read: docs/protocol.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/record.hpp>
#include <attune/engine/engine.hpp>

namespace attune::tools {

/// Every member that a request may have, in the order of kMemberNames.
enum class Member : std::uint8_t {
  op,
  ref,
  config,
  point,
  context,
  arms,
  episode,
  client_key,
  id,
  reward,
  components,
  key,
  terminal,
  truncated,
  next,
  action,
  arm,
  features,
  prior,
  subject,
  on,
  who,
  why,
  token,
  source,
  winner,
  click,
};
inline constexpr std::array<std::string_view, 27> kMemberNames{
    "op",     "ref",        "config", "point",    "context",   "arms",  "episode", "client_key", "id",
    "reward", "components", "key",    "terminal", "truncated", "next",  "action",  "arm",        "features",
    "prior",  "subject",    "on",     "who",      "why",       "token", "source",  "winner",     "click"};

/// A list of texts that keeps its strings when it is cleared, so that reading a line allocates nothing after
/// a while.
class TextList {
 public:
  void clear() noexcept { size_ = 0; }
  void push(std::string_view text) {
    if (size_ == texts_.size()) {
      texts_.emplace_back();
    }
    texts_[size_++] = text;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept { return texts_[i]; }

 private:
  std::vector<std::string> texts_;
  std::size_t size_ = 0;
};

/// The members of one request. Meant to be reused from line to line.
struct Request {
  std::uint32_t given = 0;  ///< bit m: Member m is there
  std::string op;
  std::string ref;     ///< JSON text of the caller's own mark, echoed in the answer; empty: none
  std::string config;  ///< JSON text
  std::string point;
  std::string episode;
  std::string client_key;
  std::string subject;
  std::string who;
  std::string why;
  std::string token;
  std::string id;
  std::string key;
  std::string source;
  std::string action;
  std::string arm;
  std::string shown_arm;  ///< of winner or click
  bool no_arm = false;    ///< that is null
  double reward = 0.0;
  bool terminal = false;
  bool truncated = false;
  bool on = false;
  std::vector<double> next;
  std::vector<double> features;
  ArmPrior prior;
  TextList arms;
  TextList component_names;
  std::vector<double> component_values;
  // The context: numbers, indices with values, or names.
  std::vector<double> dense;
  std::vector<std::uint32_t> index;
  std::vector<double> value;
  TextList feature_names;
  TextList feature_texts;
  std::vector<NamedFeature> named;  ///< views into the two lists above

  [[nodiscard]] bool has(Member member) const noexcept {
    return (given >> static_cast<unsigned>(member) & 1U) != 0;
  }
  [[nodiscard]] ContextView context() const noexcept {
    return {.dense = dense, .sparse = {.index = index, .value = value}, .named = named};
  }
  void clear();
};

/// Reads one line into `request`. What was read before an error stays, so that `ref` can be echoed if it
/// came. Errors: parse (no JSON object), invalid_argument (unknown, repeated or mistyped member), all naming
/// what.
[[nodiscard]] Result<void> read_request(std::string_view line, Request& request);

}  // namespace attune::tools
