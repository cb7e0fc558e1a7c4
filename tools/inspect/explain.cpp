// SPDX-License-Identifier: Apache-2.0
// explain: derives one decision again, and follows what came back for it.
#include <charconv>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/fold.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/moment.hpp"
#include "tools/inspect/record_text.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

/// Everything that is known of one decision.
struct Story {
  FoundDecision decision;
  Derivation derived;
  std::map<std::uint64_t, Fate> fates;  ///< of its outcomes, by position
};

/// A UUID, or the position of the decision's record. Errors: invalid_argument, unknown_decision.
[[nodiscard]] Result<FoundDecision> decision_named(StoreReader& reader, const std::string& name) {
  if (const Result<Uuid> id = Uuid::parse(name)) {
    return find_decision(reader, *id);
  }
  std::uint64_t position = 0;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), position);
  if (code != std::errc{} || end != name.data() + name.size()) {
    return fail(Errc::invalid_argument,
                "'" + name + "' is neither the id of a decision (UUID) nor a position");
  }
  Uuid id{};
  bool found = false;
  Result<void> read = reader.walk(position, position, [&](const StoredRecord& record) {
    found = record.header.position == position && record.header.kind == RecordKind::decision;
    id = record.header.id;
    return false;
  });
  if (!read) {
    return tl::unexpected(std::move(read).error());
  }
  return found ? find_decision(reader, id)
               : fail(Errc::unknown_decision, "record " + name + " is no decision");
}

[[nodiscard]] Result<Story> story_of(StoreReader& reader, const std::string& name) {
  Result<FoundDecision> decision = decision_named(reader, name);
  Result<Replay> replay = decision ? Replay::open(replay_source(reader)) : tl::unexpected(decision.error());
  Result<Derivation> derived = replay ? replay->derive(decision->position) : tl::unexpected(replay.error());
  if (!derived) {
    return tl::unexpected(std::move(derived).error());
  }
  Story story{.decision = std::move(*decision), .derived = std::move(*derived), .fates = {}};
  if (story.decision.outcomes.empty()) {
    return story;
  }
  Result<void> folded = replay->restart_before(story.decision.position - 1);
  folded = folded ? replay->fold_to(story.decision.outcomes.back().position,
                                    [&](ByteView bytes, std::optional<Fate> fate) {
                                      RecordHeader header;
                                      if (fate && read_header(bytes, header) == Errc::ok &&
                                          header.id == story.decision.id) {
                                        story.fates.emplace(header.position, *fate);
                                      }
                                    })
                  : folded;
  return folded ? Result<Story>(std::move(story)) : tl::unexpected(std::move(folded).error());
}

[[nodiscard]] std::string numbers_text(const std::vector<double>& numbers) {
  constexpr std::size_t kShown = 64;
  std::string out;
  for (std::size_t i = 0; i < std::min(numbers.size(), kShown); ++i) {
    out += (out.empty() ? "" : " ") + rounded(numbers[i], 6);
  }
  return numbers.size() > kShown ? out + " ... (" + plural(numbers.size(), "number") + ")" : out;
}

[[nodiscard]] std::string context_text(const Derivation& derived) {
  if (!derived.dense.empty()) {
    return numbers_text(derived.dense);
  }
  std::string out;
  for (std::size_t i = 0; i < derived.sparse_index.size(); ++i) {
    out += (out.empty() ? "" : " ") + std::to_string(derived.sparse_index[i]) + ":" +
           rounded(derived.sparse_value[i], 6);
  }
  return out.empty() ? "none" : out;
}

/// The arm, or those that were shown.
[[nodiscard]] std::string answer_text(const Derivation& derived) {
  if (derived.shown.empty()) {
    return printable(derived.arm_id);
  }
  std::string out;
  for (const std::string& arm : derived.shown) {
    out += (out.empty() ? "" : " / ") + printable(arm);
  }
  return out;
}

[[nodiscard]] std::string arms_text(const Derivation& derived) {
  InspectTable table({" ", "arm", ">score", ">probability", "may be chosen"});
  for (const DerivedArm& arm : derived.arms) {
    const bool chosen = arm.arm == derived.arm;
    const bool eligible = arm.enabled && arm.offered;
    const std::string score = chosen && std::isnan(arm.score) ? rounded(derived.score, 6) + " drawn"
                              : !eligible                     ? std::string(1, '-')
                              : std::isnan(arm.score)         ? std::string("drawn")
                                                              : rounded(arm.score, 6);
    table.add({chosen ? "*" : " ", name_or_number(arm.id, static_cast<std::uint32_t>(arm.arm)), score,
               !eligible                     ? std::string(1, '0')
               : std::isnan(arm.probability) ? std::string("not known")
                                             : rounded(arm.probability, 6),
               eligible       ? "yes"
               : !arm.enabled ? "no: disabled"
                              : "no: not offered"});
  }
  return table.text();
}

[[nodiscard]] std::string outcomes_text(const Story& story) {
  if (story.decision.outcomes.empty()) {
    return "  nothing so far\n";
  }
  std::string out;
  for (const FoundOutcome& outcome : story.decision.outcomes) {
    const auto fate = story.fates.find(outcome.position);
    out += "  record " + grouped(outcome.position) + ", " + time_text(outcome.time) + ", after " +
           span_text(span_between(story.decision.time, outcome.time)) + ": " + components_text(outcome, 8) +
           " (" +
           (fate == story.fates.end() ? std::string("not folded") : std::string(to_string(fate->second))) +
           ")\n";
  }
  return out;
}

[[nodiscard]] std::string as_text(const Story& story) {
  const FoundDecision& decision = story.decision;
  const Derivation& derived = story.derived;
  std::string out;
  add_line(out, "decision", decision.id.to_string());
  add_line(out, "record", grouped(decision.position) + ", " + time_text(decision.time));
  add_line(out, "point",
           printable(derived.point) + " (" + derived.policy + "), its decision number " +
               grouped(derived.sequence));
  add_line(out, "version",
           grouped(derived.version) + ", the policy's state after record " + grouped(derived.state_position));
  add_line(out, "context", context_text(derived));
  if (decision.episode != 0) {
    add_line(out, "episode", hex_text(decision.episode));
  }
  add_line(out, "draws",
           "Rng(" + std::to_string(derived.seed) + ", " + hex_text(derived.stream) + ", " +
               std::to_string(derived.sequence) + "): " + hex_text(derived.draws[0]) + " " +
               hex_text(derived.draws[1]) + " " + hex_text(derived.draws[2]) + " ...");
  add_line(
      out, "answer",
      derived.arms.empty() && !derived.parameters.empty()
          ? numbers_text(derived.parameters) +
                (std::isnan(derived.propensity) ? std::string()
                                                : ", density " + rounded(derived.propensity)) +
                (derived.reason == ChoiceReason::usual ? std::string()
                                                       : " (" + std::string(to_string(derived.reason)) + ")")
          : answer_text(derived) + ", " + (derived.greedy ? "greedy" : "to explore") + ", by the " +
                std::string(to_string(derived.rung)) +
                (derived.reason == ChoiceReason::usual
                     ? std::string()
                     : " (" + std::string(to_string(derived.reason)) + ")") +
                ", score " + rounded(derived.score, 6) + ", propensity " +
                propensity_text(derived.propensity));
  if (derived.equal()) {
    add_line(out, "verdict", "the record says the same, bit for bit");
  }
  for (const std::string& difference : derived.differences) {
    add_line(out, "differs", printable(difference));
  }
  if (!derived.arms.empty() && derived.shown.empty()) {
    out += "\n" + arms_text(derived);
    if (derived.method != PropensityMethod::closed_form) {
      out +=
          derived.method == PropensityMethod::quadrature
              ? "probabilities by quadrature, error about " + rounded(derived.probability_error, 2)
              : "probabilities by repeated choices, standard error " + rounded(derived.probability_error, 2);
      out += "\n";
    }
  }
  return out + "\nwhat came back\n" + outcomes_text(story);
}

[[nodiscard]] Json as_json(const Story& story) {
  const Derivation& derived = story.derived;
  Json arms = Json::array();
  for (const DerivedArm& arm : derived.arms) {
    arms.push_back({{"arm", json_text(arm.id)},
                    {"slot", static_cast<std::uint32_t>(arm.arm)},
                    {"enabled", arm.enabled},
                    {"offered", arm.offered},
                    {"score", json_number(arm.score)},
                    {"probability", json_number(arm.probability)}});
  }
  Json draws = Json::array();
  for (const std::uint64_t draw : derived.draws) {
    draws.push_back(hex_text(draw));
  }
  Json record = decision_json(story.decision, derived.point);
  for (Json& outcome : record["outcomes"]) {
    const auto fate = story.fates.find(outcome["position"].get<std::uint64_t>());
    outcome["fate"] = fate == story.fates.end() ? Json(nullptr) : Json(to_string(fate->second));
  }
  return {{"equal", derived.equal()},
          {"differences", derived.differences},
          {"policy", derived.policy},
          {"state_position", derived.state_position},
          {"context", derived.dense},
          {"sparse_index", derived.sparse_index},
          {"sparse_value", derived.sparse_value},
          {"seed", std::to_string(derived.seed)},
          {"stream", hex_text(derived.stream)},
          {"draws", std::move(draws)},
          {"arms", std::move(arms)},
          {"probability_method", to_string(derived.method)},
          {"probability_error", json_number(derived.probability_error)},
          {"derived",
           {{"arm", json_text(derived.arm_id)},
            {"propensity", json_number(derived.propensity)},
            {"score", json_number(derived.score)},
            {"rung", to_string(derived.rung)},
            {"greedy", derived.greedy},
            {"parameters", derived.parameters},
            {"shown", derived.shown}}},
          {"record", std::move(record)}};
}

}  // namespace

Result<Answer> run_explain(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
  const Result<Story> story =
      reader ? story_of(*reader, options.operands.front()) : tl::unexpected(std::move(reader).error());
  return story.map([&](const Story& told) {
    return Answer{.text = options.json ? json_line(as_json(told)) : as_text(told),
                  .sound = told.derived.equal()};
  });
}

}  // namespace attune::tools
