// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/found_records.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <unordered_map>
#include <utility>

#include <attune/core/shown_arm.hpp>
#include <attune/store/retention.hpp>

namespace attune::tools {
namespace {

/// What the options ask of a record and, for arm and episode, of the decision it is about.
struct Conditions {
  Slice slice;
  std::optional<std::uint32_t> point;
  std::optional<std::string> arm;
  std::optional<Uuid> id;
  std::optional<std::uint64_t> episode;
  std::uint64_t limit = 20;

  [[nodiscard]] bool header_fits(const RecordHeader& header) const {
    return (!point || header.point == *point) && (!id || header.id == *id) && slice.holds(header.time);
  }
  [[nodiscard]] bool choice_fits(const FoundDecision& decision) const {
    return (!episode || decision.episode == *episode) && (!arm || decision.arm == *arm || by_slot(decision));
  }
  /// "#7" names an arm whose id is not known.
  [[nodiscard]] bool by_slot(const FoundDecision& decision) const {
    return decision.arm.empty() && decision.slot && "#" + std::to_string(*decision.slot) == *arm;
  }
};

/// UUIDv7 begins with the milliseconds of its time.
[[nodiscard]] Nanos time_of(const Uuid& id) noexcept {
  constexpr std::uint64_t kNanosEach = 1'000'000;
  constexpr std::uint64_t kMost = std::numeric_limits<Nanos>::max() / kNanosEach;
  return static_cast<Nanos>(std::min(id.high() >> 16U, kMost) * kNanosEach);
}

[[nodiscard]] Result<Conditions> conditions_of(StoreReader& reader, const Options& options) {
  const Result<std::optional<std::uint32_t>> point = reader.find_point(options.point);
  Result<Slice> slice = point ? reader.slice(options) : tl::unexpected(point.error());
  if (!slice) {
    return tl::unexpected(std::move(slice).error());
  }
  // An id from the future is another clock's, or no time at all: it does not say where to begin.
  if (options.id && time_of(*options.id) <= reader.summary().last_time.value_or(0)) {
    const Result<std::uint64_t> first = reader.position_of(time_of(*options.id));
    if (!first) {
      return tl::unexpected(first.error());
    }
    slice->first = std::max(slice->first, *first);
  }
  Conditions conditions{.slice = *slice,
                        .point = *point,
                        .arm = options.arm,
                        .id = options.id,
                        .episode = {},
                        .limit = options.limit};
  if (options.episode) {
    conditions.episode = text_key(*options.episode);
  }
  return conditions;
}

[[nodiscard]] FoundDecision decision_of(const DecisionRecord& record, std::string_view arm) {
  FoundDecision found;
  found.position = record.header.position;
  found.time = record.header.time;
  found.point = record.header.point;
  found.sequence = record.sequence;
  found.id = record.header.id;
  if (record.arm != kNoArm) {
    found.slot = static_cast<std::uint32_t>(record.arm);
  }
  found.arm = arm;
  found.propensity = record.propensity;
  found.score = record.score;
  found.version = record.version;
  found.episode = record.episode;
  found.client_key = record.client_key;
  found.rung = record.rung;
  found.reason = record.reason;
  found.greedy = (record.header.flags & DecisionRecord::kGreedy) != 0;
  found.dense.assign(record.input.dense.begin(), record.input.dense.end());
  found.sparse_index.assign(record.input.sparse.index.begin(), record.input.sparse.index.end());
  found.sparse_value.assign(record.input.sparse.value.begin(), record.input.sparse.value.end());
  found.action_features.assign(record.action_features.begin(), record.action_features.end());
  if (record.arm != kNoArm) {
    for (const double value : record.values) {
      found.shown.push_back(static_cast<std::uint32_t>(ShownArm::of(value).arm));
    }
  } else {
    found.parameters.assign(record.values.begin(), record.values.end());
  }
  for (const ArmIndex offered : record.offered) {
    found.offered.push_back(static_cast<std::uint32_t>(offered));
  }
  return found;
}

[[nodiscard]] FoundOutcome outcome_of(const OutcomeRecord& record) {
  FoundOutcome found;
  found.position = record.header.position;
  found.time = record.header.time;
  found.decision = record.header.id;
  found.key = record.key;
  found.terminal = (record.header.flags & OutcomeRecord::kTerminal) != 0;
  found.truncated = (record.header.flags & OutcomeRecord::kTruncated) != 0;
  for (const Component& component : record.all()) {
    found.components.emplace_back(component.name, component.value);
  }
  return found;
}

/// Walks over records of one kind; `take` gets the decoded record. Errors: corrupt_state, io.
template <class Record, class Take>
[[nodiscard]] Result<void> walk_kind(StoreReader& reader, std::uint64_t first, std::uint64_t last,
                                     RecordKind kind, Take&& take) {
  Result<void> verdict;
  Result<void> walked = reader.walk(first, last, [&](const StoredRecord& stored) {
    if (stored.header.kind == kind) {
      Record record;
      if (const Errc code = decode(stored.bytes, record); code != Errc::ok) {
        verdict = fail(code, "record " + std::to_string(stored.header.position) + " cannot be decoded");
        return false;
      }
      take(record, stored);
    }
    return true;
  });
  return walked ? verdict : walked;
}

/// Calls `look(first, last)` for windows of growing size from the end backwards until it says that it has
/// enough.
template <class Look>
[[nodiscard]] Result<void> backwards(const Slice& slice, std::uint64_t limit, Look&& look) {
  std::uint64_t size = std::max<std::uint64_t>(4 * limit, 512);
  for (std::uint64_t last = slice.last; last >= slice.first && last > 0;) {
    const std::uint64_t first = last - slice.first < size ? slice.first : last - size + 1;
    const Result<bool> enough = look(first, last);
    if (!enough) {
      return tl::unexpected(enough.error());
    }
    if (*enough || first == slice.first) {
      break;
    }
    last = first - 1;
    size *= 4;
  }
  return {};
}

/// Outcomes come after their decisions: only the journal behind the oldest one is looked at.
[[nodiscard]] Result<void> join_outcomes(StoreReader& reader, std::vector<FoundDecision>& decisions) {
  if (decisions.empty()) {
    return {};
  }
  std::unordered_map<Uuid, std::size_t> index;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    index.emplace(decisions[i].id, i);
  }
  return walk_kind<OutcomeRecord>(reader, decisions.front().position, reader.last(), RecordKind::outcome,
                                  [&](const OutcomeRecord& record, const StoredRecord& /*stored*/) {
                                    if (const auto at = index.find(record.header.id); at != index.end()) {
                                      decisions[at->second].outcomes.push_back(outcome_of(record));
                                    }
                                  });
}

/// Finds the decisions of these outcomes by the time in their ids.
[[nodiscard]] Result<void> join_decisions(StoreReader& reader, std::vector<JoinedOutcome>& outcomes) {
  if (outcomes.empty()) {
    return {};
  }
  std::unordered_map<Uuid, std::vector<std::size_t>> index;
  Nanos oldest = time_of(outcomes.front().outcome.decision);
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    index[outcomes[i].outcome.decision].push_back(i);
    oldest = std::min(oldest, time_of(outcomes[i].outcome.decision));
    last = std::max(last, outcomes[i].outcome.position);
  }
  const Result<std::uint64_t> first = reader.position_of(oldest);
  if (!first) {
    return tl::unexpected(first.error());
  }
  return walk_kind<DecisionRecord>(reader, *first, reader.last(), RecordKind::decision,
                                   [&](const DecisionRecord& record, const StoredRecord& stored) {
                                     const auto at = index.find(record.header.id);
                                     if (at == index.end()) {
                                       return;
                                     }
                                     for (const std::size_t i : at->second) {
                                       outcomes[i].decision = decision_of(record, stored.arm);
                                     }
                                   });
}

}  // namespace

Result<std::vector<FoundDecision>> find_decisions(StoreReader& reader, const Options& options) {
  const Result<Conditions> wanted = conditions_of(reader, options);
  if (!wanted) {
    return tl::unexpected(wanted.error());
  }
  std::vector<FoundDecision> found;
  const Result<void> looked =
      backwards(wanted->slice, wanted->limit, [&](std::uint64_t first, std::uint64_t last) -> Result<bool> {
        std::deque<FoundDecision> here;
        const std::size_t room = wanted->limit - found.size();
        const Result<void> walked =
            walk_kind<DecisionRecord>(reader, first, last, RecordKind::decision,
                                      [&](const DecisionRecord& record, const StoredRecord& stored) {
                                        if (!wanted->header_fits(record.header)) {
                                          return;
                                        }
                                        FoundDecision decision = decision_of(record, stored.arm);
                                        if (wanted->choice_fits(decision)) {
                                          here.push_back(std::move(decision));
                                          if (here.size() > room) {
                                            here.pop_front();
                                          }
                                        }
                                      });
        if (!walked) {
          return tl::unexpected(walked.error());
        }
        found.insert(found.begin(), std::make_move_iterator(here.begin()),
                     std::make_move_iterator(here.end()));
        return found.size() >= wanted->limit;
      });
  Result<void> joined = looked ? join_outcomes(reader, found) : looked;
  return joined ? Result<std::vector<FoundDecision>>(std::move(found))
                : tl::unexpected(std::move(joined).error());
}

Result<std::vector<JoinedOutcome>> find_outcomes(StoreReader& reader, const Options& options) {
  const Result<Conditions> wanted = conditions_of(reader, options);
  if (!wanted) {
    return tl::unexpected(wanted.error());
  }
  const bool needs_decision = wanted->arm.has_value() || wanted->episode.has_value();
  std::vector<JoinedOutcome> found;
  const Result<void> looked =
      backwards(wanted->slice, wanted->limit, [&](std::uint64_t first, std::uint64_t last) -> Result<bool> {
        std::vector<JoinedOutcome> here;
        Result<void> done = walk_kind<OutcomeRecord>(
            reader, first, last, RecordKind::outcome,
            [&](const OutcomeRecord& record, const StoredRecord& /*stored*/) {
              if (wanted->header_fits(record.header)) {
                here.push_back({.outcome = outcome_of(record), .point = record.header.point, .decision = {}});
              }
            });
        const std::size_t room = wanted->limit - found.size();
        const auto cut = [&] {
          if (here.size() > room) {
            here.erase(here.begin(), here.end() - static_cast<std::ptrdiff_t>(room));
          }
        };
        if (!needs_decision) {
          cut();
        }
        done = done ? join_decisions(reader, here) : done;
        if (!done) {
          return tl::unexpected(done.error());
        }
        if (needs_decision) {
          std::erase_if(here, [&](const JoinedOutcome& outcome) {
            return !outcome.decision || !wanted->choice_fits(*outcome.decision);
          });
          cut();
        }
        found.insert(found.begin(), std::make_move_iterator(here.begin()),
                     std::make_move_iterator(here.end()));
        return found.size() >= wanted->limit;
      });
  return looked ? Result<std::vector<JoinedOutcome>>(std::move(found)) : tl::unexpected(looked.error());
}

Result<FoundDecision> find_decision(StoreReader& reader, const Uuid& id) {
  Options options;
  options.id = id;
  options.limit = 1;
  Result<std::vector<FoundDecision>> found = find_decisions(reader, options);
  if (!found) {
    return tl::unexpected(std::move(found).error());
  }
  if (found->empty()) {
    return fail(Errc::unknown_decision, "the journal has no decision " + id.to_string());
  }
  return std::move(found->front());
}

}  // namespace attune::tools
