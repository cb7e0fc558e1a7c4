// SPDX-License-Identifier: Apache-2.0
// What each operation of the pipe protocol does; serve_session.cpp reads, checks and dispatches.
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/json_writer.hpp"
#include "tools/serve_report.hpp"
#include "tools/serve_session.hpp"

namespace attune::tools {
namespace {

Error last_error(Errc code) { return {code, std::string(Engine::last_error())}; }

}  // namespace

Result<PointId> ServeSession::point() const { return engine_->point(request_.point); }

Result<void> ServeSession::init(JsonWriter& json) {
  if (engine_) {
    return fail(Errc::invalid_argument, "the engine is configured already");
  }
  if (Result<void> opened = open(request_.config); !opened) {
    return opened;
  }
  json.key("ok").boolean(true);
  json.key("version").text(attune::version());
  json.key("protocol").number(kProtocolVersion);
  write_opened(*engine_, json);
  return {};
}

Result<void> ServeSession::decide(JsonWriter& json) {
  const Result<PointId> where = point();
  if (!where) {
    return tl::unexpected(where.error());
  }
  arms_.clear();
  for (std::size_t i = 0; i < request_.arms.size(); ++i) {
    arms_.push_back(request_.arms[i]);
  }
  if (request_.has(Member::arms) && arms_.empty()) {
    return fail(Errc::no_arm, "\"arms\" is empty; without it every enabled arm is offered");
  }
  const Errc code = engine_->decide(*where, request_.context(),
                                    {.arms = arms_,
                                     .episode = request_.episode,
                                     .client_key = request_.client_key,
                                     .subject = request_.subject,
                                     .wait = false},
                                    decision_);
  if (code != Errc::ok && code != Errc::queue_full) {
    return tl::unexpected(last_error(code));
  }
  const bool recorded = code == Errc::ok;
  acknowledges_ = recorded && engine_->acknowledges_durably(*where);
  if (recorded) {
    std::array<char, 36> id{};
    decision_.id.write(id);
    json.key("id").text({id.data(), id.size()});
    if (Result<void> given = give_token(json); !given) {
      return given;
    }
  } else {
    json.key("id").raw("null");
    json.key("recorded").boolean(false);  // the queue is full: the answer stands, its outcome would be lost
  }
  decision_.parameters.empty() ? json.key("arm").text(decision_.arm) : json.key("arm").raw("null");
  json.key("propensity").number(decision_.propensity);
  if (std::isnan(decision_.propensity)) {
    json.key("deferred").boolean(true);
  }
  json.key("version").number(decision_.version);
  json.key("rung").text(to_string(decision_.rung));
  if (decision_.reason != ChoiceReason::usual) {
    json.key("reason").text(to_string(decision_.reason));
  }
  if (!decision_.parameters.empty()) {
    write_parameters(decision_, json);
  }
  if (!decision_.shown.empty()) {
    json.key("shown").open_array();
    for (const ShortText& arm : decision_.shown) {
      json.text(arm);
    }
    json.close_array();
  }
  learn_at_once();
  return {};
}

void ServeSession::write_parameters(const Decision& decision, JsonWriter& json) const {
  const auto names = parameter_names_.find(request_.point);
  const bool named = names != parameter_names_.end() && names->second.size() == decision.parameters.size();
  json.key("parameters");
  named ? json.open_object() : json.open_array();
  for (std::size_t i = 0; i < decision.parameters.size(); ++i) {
    if (named) {
      json.key(names->second[i]);
    }
    json.number(decision.parameters[i]);
  }
  named ? json.close_object() : json.close_array();
}

Result<void> ServeSession::outcome(JsonWriter& json) {
  const Result<Uuid> id = Uuid::parse(request_.id);
  if (!id) {
    return fail(Errc::invalid_argument,
                "\"id\" = " + in_quotes(request_.id) + " is not the id of a decision");
  }
  if (Result<void> checked = check_token(*id); !checked) {
    return checked;
  }
  const int rewards = (request_.has(Member::reward) ? 1 : 0) + (request_.has(Member::winner) ? 1 : 0) +
                      (request_.has(Member::click) ? 1 : 0);
  if (rewards > 1 || (rewards == 1 && request_.has(Member::components))) {
    return fail(Errc::invalid_argument, rewards > 1 ? "an outcome has one of reward, winner and click"
                                                    : "an outcome has a reward or components, not both");
  }
  if (request_.terminal && request_.truncated) {
    return fail(Errc::invalid_argument, "an episode is terminal or truncated, not both");
  }
  components_.clear();
  if (rewards == 1) {
    const Result<double> reward = told_reward(*id);
    if (!reward) {
      return tl::unexpected(reward.error());
    }
    components_.push_back({.name = "reward", .value = *reward});
  }
  for (std::size_t i = 0; i < request_.component_values.size(); ++i) {
    components_.push_back({.name = request_.component_names[i], .value = request_.component_values[i]});
  }
  const Errc code = engine_->outcome(*id, components_,
                                     {.key = request_.key,
                                      .source = request_.source,
                                      .terminal = request_.terminal,
                                      .truncated = request_.truncated,
                                      .next = request_.next,
                                      .wait = false});
  if (code != Errc::ok) {
    return tl::unexpected(last_error(code));
  }
  return fold_outcome(json);
}

/// Without a store nothing else has to be done; with one, the commit is for many requests together.
void ServeSession::learn_at_once() {
  if (options_.queued || threads_) {
    return;
  }
  if (has_store()) {
    engine_->fold();
  } else {
    static_cast<void>(engine_->pump());  // in memory it cannot fail
  }
}

/// Says what became of the outcome that was just queued, where that can be known.
Result<void> ServeSession::fold_outcome(JsonWriter& json) {
  acknowledges_ = has_store();
  learn_at_once();
  std::optional<Fate> fate;
  if (!options_.queued && !threads_) {
    fate = engine_->last_fate();
  }
  if (fate == Fate::unknown_decision) {
    return fail(Errc::unknown_decision, "no decision of this id is awaited or remembered");
  }
  if (fate == Fate::foreign) {
    return fail(Errc::unknown_decision, "another engine made the decision of this id");
  }
  if (fate == Fate::early) {
    return fail(Errc::unknown_decision,
                "the decision of this id is not in the store: it was lost before its commit");
  }
  if (fate == Fate::unknown_component) {
    return fail(Errc::unknown_component, "the point of this decision has no component of one of these names");
  }
  if (fate == Fate::conflict) {
    return fail(Errc::conflict, "this key came before with other values; those stand");
  }
  json.key("ok").boolean(true);
  json.key("fate").text(fate ? to_string(*fate) : "queued");
  return {};
}

Result<void> ServeSession::arm(JsonWriter& json) {
  const Result<PointId> where = point();
  if (!where) {
    return tl::unexpected(where.error());
  }
  const bool adds = request_.action == "add";
  if (!adds && (request_.has(Member::features) || request_.has(Member::prior))) {
    return fail(Errc::invalid_argument, "\"features\" and \"prior\" belong to the action \"add\"");
  }
  Result<void> done;
  if (adds) {
    done = engine_->add_arm(*where, request_.arm, request_.features, request_.prior);
  } else if (request_.action == "enable" || request_.action == "disable") {
    done = engine_->set_arm_enabled(*where, request_.arm, request_.action == "enable");
  } else if (request_.action == "remove") {
    done = engine_->remove_arm(*where, request_.arm);
  } else {
    return fail(Errc::invalid_argument,
                "\"action\" = " + in_quotes(request_.action) + " is none of add, enable, disable, remove");
  }
  if (done) {
    json.key("ok").boolean(true);
  }
  return done;
}

Result<void> ServeSession::kill(JsonWriter& json) {
  const Act act{.actor = request_.who, .time = 0};
  Result<void> done;
  if (request_.has(Member::point)) {
    const Result<PointId> where = point();
    done = where ? engine_->kill(*where, request_.on, act, request_.why) : tl::unexpected(where.error());
  } else {
    done = engine_->kill_all(request_.on, act, request_.why);
  }
  if (done) {
    json.key("ok").boolean(true);
  }
  return done;
}

Result<void> ServeSession::freeze(JsonWriter& json) {
  const Result<PointId> where = point();
  if (!where) {
    return tl::unexpected(where.error());
  }
  Result<void> done = engine_->freeze(*where, request_.on, {.actor = request_.who, .time = 0}, request_.why);
  if (done) {
    json.key("ok").boolean(true);
  }
  return done;
}

Result<void> ServeSession::end_episode(JsonWriter& json) {
  const Result<PointId> where = point();
  if (!where) {
    return tl::unexpected(where.error());
  }
  if (const Errc code = engine_->end_episode(*where, request_.episode); code != Errc::ok) {
    return tl::unexpected(last_error(code));
  }
  acknowledges_ = has_store();
  learn_at_once();
  json.key("ok").boolean(true);
  return {};
}

Result<void> ServeSession::describe(JsonWriter& json) {
  const Result<PointId> where = point();
  if (!where) {
    return tl::unexpected(where.error());
  }
  Result<Description> description = engine_->drain().and_then([&] { return engine_->describe(*where); });
  if (!description) {
    return tl::unexpected(std::move(description).error());
  }
  write_description(*description, json);
  return {};
}

Result<void> ServeSession::checkpoint(JsonWriter& json) {
  const Result<std::uint64_t> number = engine_->checkpoint();
  if (!number) {
    return tl::unexpected(number.error());
  }
  json.key("ok").boolean(true);
  json.key("checkpoint").number(*number);
  return {};
}

Result<void> ServeSession::health(JsonWriter& json) {
  static_cast<void>(make_durable());  // what fails is what it reports
  write_health(engine_->metrics(), engine_->health(), has_store(), json);
  if (options_.tokens) {
    json.key("tokens_refused").number(options_.tokens->counters().refused());
  }
  return {};
}

Result<void> ServeSession::metrics(JsonWriter& json) {
  static_cast<void>(make_durable());
  write_metrics(engine_->metrics(), json);
  if (options_.tokens) {
    options_.tokens->write_counters(json);
  }
  return {};
}

Result<void> ServeSession::schema(JsonWriter& json) {
  json.key("schema").raw(nlohmann::ordered_json::parse(config_schema()).dump());
  return {};
}

Result<void> ServeSession::version(JsonWriter& json) {
  json.key("version").text(attune::version());
  json.key("protocol").number(kProtocolVersion);
  return {};
}

Result<void> ServeSession::end(JsonWriter& json) {
  ended_ = true;
  Result<void> closed = close();
  if (closed) {
    json.key("ok").boolean(true);
  }
  return closed;
}

}  // namespace attune::tools
