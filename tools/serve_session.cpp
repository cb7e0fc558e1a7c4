// SPDX-License-Identifier: Apache-2.0
#include "tools/serve_session.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/store/journal.hpp>

#include "tools/json_writer.hpp"
#include "tools/serve_report.hpp"

namespace attune::tools {
namespace {

/// Most requests between two folds.
constexpr std::size_t kFoldEvery = 100;

constexpr std::uint32_t bit(Member member) { return 1U << static_cast<unsigned>(member); }

template <class... Members>
constexpr std::uint32_t bits(Members... members) {
  return (0U | ... | bit(members));
}

bool is_blank(std::string_view line) noexcept {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Messages may quote what callers sent, cut anywhere: whatever is no UTF-8 is replaced.
void write_error(const Error& error, JsonWriter& json, std::string_view code = {}) {
  json.key("error").open_object();
  json.key("code").text(code.empty() ? to_string(error.code) : code);
  json.key("message").raw(
      nlohmann::json(error.message).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  json.close_object();
}

Result<std::unique_ptr<Journal>> open_store(const std::string& path) {
  if (path.empty()) {
    return std::unique_ptr<Journal>();
  }
#if ATTUNE_WITH_STORE
  return open_sqlite_journal(path, OpenMode::read_write);
#else
  return fail(Errc::unsupported, "this build has no store");
#endif
}

bool is_threaded(std::string_view config_json) {
  const nlohmann::json config = nlohmann::json::parse(config_json, nullptr, false, true);
  return config.is_object() && config.value("mode", "pump") == "threads";
}

}  // namespace

std::string in_quotes(std::string_view text) { return "\"" + std::string(text.substr(0, 64)) + "\""; }

struct ServeSession::Operation {
  std::string_view name;
  std::uint32_t required;
  std::uint32_t allowed;  ///< beside op, ref and what is required
  bool needs_engine;
  Result<void> (ServeSession::*run)(JsonWriter& json);
};

const ServeSession::Operation* ServeSession::find_operation(std::string_view name) {
  using enum Member;
  using Self = ServeSession;
  static constexpr std::array<Operation, 14> kOperations{{
      {"decide", bits(point), bits(context, arms, episode, client_key, subject), true, &Self::decide},
      {"outcome", bits(id),
       bits(reward, winner, click, components, key, source, terminal, truncated, next, token), true,
       &Self::outcome},
      {"arm", bits(point, action, Member::arm), bits(features, prior), true, &Self::arm},
      {"kill", bits(on, who), bits(point, why), true, &Self::kill},
      {"freeze", bits(point, on, who), bits(why), true, &Self::freeze},
      {"end_episode", bits(point, episode), 0, true, &Self::end_episode},
      {"describe", bits(point), 0, true, &Self::describe},
      {"checkpoint", 0, 0, true, &Self::checkpoint},
      {"health", 0, 0, true, &Self::health},
      {"metrics", 0, 0, true, &Self::metrics},
      {"schema", 0, 0, false, &Self::schema},
      {"version", 0, 0, false, &Self::version},
      {"init", bits(config), 0, false, &Self::init},
      {"end", 0, 0, false, &Self::end},
  }};
  const auto* found = std::find_if(kOperations.begin(), kOperations.end(),
                                   [&](const Operation& one) { return one.name == name; });
  return found == kOperations.end() ? nullptr : found;
}

Result<void> ServeSession::open(std::string_view config_json) {
  Result<std::unique_ptr<Journal>> journal = open_store(options_.store);
  if (!journal) {
    return tl::unexpected(std::move(journal).error());
  }
  EngineOptions engine_options;
  engine_options.clock = options_.clock;
  engine_options.journal = std::move(*journal);
  engine_options.log = options_.log;
  engine_options.durable = options_.durable;
  Result<Engine> engine = Engine::open(config_json, std::move(engine_options));
  if (!engine) {
    return tl::unexpected(std::move(engine).error());
  }
  engine_.emplace(std::move(*engine));
  threads_ = is_threaded(config_json);
  for (const PointMetrics& one : engine_->metrics().points) {
    if (std::vector<std::string> names = engine_->parameter_names(*engine_->point(one.name));
        !names.empty()) {
      parameter_names_.emplace(one.name, std::move(names));
    }
  }
  return {};
}

bool ServeSession::handle(std::string_view line, std::string& out) {
  if (out.empty()) {
    acknowledging_count_ = 0;  // whatever there was has been shown
  }
  if (is_blank(line)) {
    return true;
  }
  const Result<void> read = read_request(line, request_);
  if (read && request_.op == "end") {
    settle(out);  // afterwards there is no engine left to ask
  }
  const std::size_t start = out.size();
  const auto begin = [&](JsonWriter& json) {
    json.open_object();
    if (!request_.ref.empty()) {
      json.key("ref").raw(request_.ref);
    }
  };
  JsonWriter json(out);
  begin(json);
  acknowledges_ = false;
  refusal_ = {};
  const Result<void> done = read ? answer(json) : read;
  if (!done) {
    out.resize(start);  // an operation may have written half an answer
    JsonWriter again(out);
    begin(again);
    write_error(done.error(), again, refusal_);
  }
  out += "}\n";
  if (done && acknowledges_) {
    if (acknowledging_count_ == acknowledging_.size()) {
      acknowledging_.emplace_back();
    }
    Acknowledging& entry = acknowledging_[acknowledging_count_++];
    entry.begin = start;
    entry.end = out.size();
    entry.ref = request_.ref;
  }
  fold_soon();
  return !ended_;
}

/// Policies count pulls that wait for their reward only once these are folded.
void ServeSession::fold_soon() {
  if (++unfolded_ >= kFoldEvery && engine_ && !threads_) {
    unfolded_ = 0;
    engine_->fold();
  }
}

void ServeSession::refuse_long_line(std::size_t limit, std::string& out) {
  JsonWriter json(out);
  json.open_object();
  write_error({Errc::parse, "the line has more than " + std::to_string(limit) + " bytes"}, json);
  out += "}\n";
}

Result<void> ServeSession::answer(JsonWriter& json) {
  if (!request_.has(Member::op)) {
    return fail(Errc::invalid_argument, "the request has no member \"op\"");
  }
  const Operation* operation = find_operation(request_.op);
  if (operation == nullptr) {
    return fail(Errc::invalid_argument, "there is no op " + in_quotes(request_.op) +
                                            "; there are init, decide, outcome, arm, end_episode, describe, "
                                            "checkpoint, health, metrics, schema, version, end");
  }
  const std::uint32_t missing = operation->required & ~request_.given;
  const std::uint32_t foreign =
      request_.given & ~(operation->required | operation->allowed | bits(Member::op, Member::ref));
  for (std::size_t i = 0; i < kMemberNames.size(); ++i) {
    if ((missing >> i & 1U) != 0) {
      return fail(Errc::invalid_argument,
                  "op " + in_quotes(operation->name) + " needs the member " + in_quotes(kMemberNames[i]));
    }
    if ((foreign >> i & 1U) != 0) {
      return fail(Errc::invalid_argument,
                  "op " + in_quotes(operation->name) + " takes no member " + in_quotes(kMemberNames[i]));
    }
  }
  if (operation->needs_engine && !engine_) {
    return fail(Errc::invalid_argument, "there is no engine yet: send init first, or start with --config");
  }
  return (this->*operation->run)(json);
}

Result<void> ServeSession::make_durable() {
  unfolded_ = 0;
  if (!engine_) {
    return {};
  }
  if (threads_) {
    return acknowledging_count_ > 0 ? engine_->drain() : Result<void>{};
  }
  Result<std::size_t> pumped = engine_->pump();
  return pumped ? Result<void>{} : tl::unexpected(std::move(pumped).error());
}

void ServeSession::settle(std::string& out) {
  const Result<void> durable = make_durable();
  if (!durable) {
    refuse_unacknowledged(durable.error(), out);
    if (options_.log) {
      options_.log(3, durable.error().message);
    }
  }
  acknowledging_count_ = 0;
}

void ServeSession::settle() {
  std::string none;
  acknowledging_count_ = 0;
  settle(none);
}

void ServeSession::refuse_unacknowledged(const Error& error, std::string& out) const {
  std::string honest;
  std::size_t shown = 0;
  for (const Acknowledging& entry : std::span(acknowledging_).first(acknowledging_count_)) {
    honest.append(out, shown, entry.begin - shown);
    JsonWriter json(honest);
    json.open_object();
    if (!entry.ref.empty()) {
      json.key("ref").raw(entry.ref);
    }
    write_error({Errc::not_durable, "it was taken, but is not known to be stored: " + error.message +
                                        "; it is tried again, and sending it again is harmless"},
                json);
    honest += "}\n";
    shown = entry.end;
  }
  honest.append(out, shown, std::string::npos);
  out = std::move(honest);
}

Result<void> ServeSession::close() {
  if (!engine_) {
    return {};
  }
  Result<void> done = engine_->drain();
  if (done && !options_.store.empty()) {
    const Result<std::uint64_t> number = engine_->checkpoint();
    done = number ? Result<void>() : tl::unexpected(number.error());
  }
  engine_.reset();
  return done;
}

}  // namespace attune::tools
