// SPDX-License-Identifier: Apache-2.0
/// @file
/// ServeSession: the pipe protocol over one Engine, line by line, without any input or output of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/engine/engine.hpp>

#include "tools/serve_request.hpp"
#include "tools/serve_tokens.hpp"

namespace attune::tools {

/// As it stands in a message: cut after 64 bytes.
[[nodiscard]] std::string in_quotes(std::string_view text);

class JsonWriter;

/// Version of the protocol; a program that knows an older one keeps working until this changes.
inline constexpr std::uint64_t kProtocolVersion = 1;

struct ServeOptions {
  std::string store;     ///< path of the journal; empty: everything is in memory
  bool queued = false;   ///< answer outcomes before they are folded
  bool durable = false;  ///< every point acknowledges after the commit, whatever it is configured to
  std::shared_ptr<const Clock> clock;                            ///< null: the system's
  std::function<void(int level, std::string_view message)> log;  ///< see EngineOptions::log
  /// Signs decisions; outcomes then need their decision's token. Null: neither.
  std::shared_ptr<ServeTokens> tokens{};
};

/// Answers requests. The caller reads lines into one buffer of answers, calls settle() with it before it
/// shows them to anyone, and then empties it: what they acknowledge is then in the store, or they say that it
/// is not.
class ServeSession {
 public:
  explicit ServeSession(ServeOptions options) : options_(std::move(options)) {}

  /// Opens the engine; afterwards `init` is refused. Errors: those of Engine::open and of the store.
  [[nodiscard]] Result<void> open(std::string_view config_json);
  [[nodiscard]] bool is_open() const noexcept { return engine_.has_value(); }
  [[nodiscard]] const Engine* engine() const noexcept { return engine_ ? &*engine_ : nullptr; }

  /// Appends the answer to one line, with its newline. Blank lines get none. False after `end`: nothing more
  /// is to be read.
  [[nodiscard]] bool handle(std::string_view line, std::string& out);
  /// Appends the answer to a line that was too long to be kept.
  static void refuse_long_line(std::size_t limit, std::string& out);

  /// Folds what is queued and makes it durable. When that fails, answers in `out` that acknowledge something
  /// become errors (not_durable). A store that fails is no reason to stop: it is logged, and health says so.
  void settle(std::string& out);
  /// The same while no answers wait to be shown.
  void settle();
  /// Drains, and takes a last checkpoint where there is a store. Errors: io.
  [[nodiscard]] Result<void> close();

 private:
  struct Operation;
  [[nodiscard]] static const Operation* find_operation(std::string_view name);

  [[nodiscard]] Result<void> answer(JsonWriter& json);
  [[nodiscard]] Result<PointId> point() const;
  [[nodiscard]] Result<void> init(JsonWriter& json);
  [[nodiscard]] Result<void> decide(JsonWriter& json);
  [[nodiscard]] Result<void> outcome(JsonWriter& json);
  [[nodiscard]] Result<void> fold_outcome(JsonWriter& json);
  [[nodiscard]] Result<void> arm(JsonWriter& json);
  [[nodiscard]] Result<void> kill(JsonWriter& json);
  [[nodiscard]] Result<void> freeze(JsonWriter& json);
  [[nodiscard]] Result<void> end_episode(JsonWriter& json);
  [[nodiscard]] Result<void> describe(JsonWriter& json);
  [[nodiscard]] Result<void> checkpoint(JsonWriter& json);
  [[nodiscard]] Result<void> health(JsonWriter& json);
  [[nodiscard]] Result<void> metrics(JsonWriter& json);
  [[nodiscard]] Result<void> schema(JsonWriter& json);
  [[nodiscard]] Result<void> version(JsonWriter& json);
  [[nodiscard]] Result<void> end(JsonWriter& json);
  void fold_soon();
  void learn_at_once();
  [[nodiscard]] Result<void> make_durable();
  void refuse_unacknowledged(const Error& error, std::string& out) const;
  [[nodiscard]] bool has_store() const noexcept { return !options_.store.empty(); }
  [[nodiscard]] Result<void> give_token(JsonWriter& json);
  [[nodiscard]] Result<void> check_token(const Uuid& decision);
  void write_parameters(const Decision& decision, JsonWriter& json) const;
  /// The one number that `reward`, `winner` or `click` stands for.
  [[nodiscard]] Result<double> told_reward(const Uuid& decision);
  /// The ids that a decision showed. Errors: unknown_decision.
  [[nodiscard]] Result<std::vector<std::string>> shown_by(const Uuid& decision);

  ServeOptions options_;
  std::optional<Engine> engine_;
  bool threads_ = false;
  bool ended_ = false;
  std::size_t unfolded_ = 0;  ///< requests since the last fold
  /// An answer that may only be shown once what it acknowledges is durable.
  struct Acknowledging {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string ref;
  };
  std::vector<Acknowledging>
      acknowledging_;  ///< the first `acknowledging_count_`; the others are kept for reuse
  std::size_t acknowledging_count_ = 0;
  std::string_view refusal_;   ///< the present answer's code, where no Errc says it
  bool acknowledges_ = false;  ///< the present answer does
  std::map<std::string, std::vector<std::string>, std::less<>> parameter_names_;  ///< by point
  /// What the newest decisions that were asked about showed: a report that is repeated finds it here after
  /// its decision is closed.
  std::unordered_map<Uuid, std::vector<std::string>> shown_;
  std::deque<Uuid> shown_order_;
  // Kept from line to line for their memory.
  Request request_;
  Decision decision_;
  std::vector<std::string_view> arms_;
  std::vector<Component> components_;
};

}  // namespace attune::tools
