// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim_checker.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "engine/config.hpp"
#include "tests/rewards/collector_model.hpp"

namespace attune::test {
namespace {

[[noreturn]] void violate(const std::string& what) { throw Violation(what); }

/// Feeds one point's records to the model.
class PointModel {
 public:
  explicit PointModel(const PointConfig& config) : config_(config), model_(spec_of(config)) {}

  void fold(ByteView bytes) {
    RecordHeader header;
    static_cast<void>(read_header(bytes, header));
    if (header.kind == RecordKind::decision) {
      DecisionRecord record;
      static_cast<void>(decode(bytes, record));
      // The state only shows in the model's calls, which are not compared; it wants one.
      static_cast<void>(model_.decide(number(header.id), header.time, record.episode, {0.0}));
      ++decisions;
    } else if (header.kind == RecordKind::outcome) {
      OutcomeRecord record;
      static_cast<void>(decode(bytes, record));
      CollectorModel::Outcome said{.decision = number(header.id),
                                   .time = header.time,
                                   .parts = {},
                                   .key = record.key,
                                   .terminal = (header.flags & OutcomeRecord::kTerminal) != 0,
                                   .truncated = (header.flags & OutcomeRecord::kTruncated) != 0,
                                   .next = {record.next.dense.begin(), record.next.dense.end()}};
      for (const Component& component : record.all()) {
        said.parts.push_back({.component = component_number(component.name), .value = component.value});
      }
      static_cast<void>(model_.outcome(said));
    } else {
      EventRecord record;
      static_cast<void>(decode(bytes, record));
      if (record.kind == EventKind::episode_ended) {
        model_.end(record.number, header.time);
      } else {
        model_.wait_until(header.time);
      }
    }
  }

  void compare(const PointMetrics& metrics) {
    const auto same = [&](const char* what, std::uint64_t engine, std::uint64_t model) {
      if (engine != model) {
        violate("point '" + config_.name + "': " + what + " is " + std::to_string(engine) +
                ", the model counts " + std::to_string(model));
      }
    };
    const CollectorCounters& counters = metrics.rewards;
    same("decisions", metrics.decisions, decisions);
    same("pending", metrics.pending, model_.pending());
    same("outcomes", counters.outcomes, model_.counters.outcomes);
    same("learned", counters.learned, model_.counters.learned);
    same("learned_late", counters.learned_late, model_.counters.learned_late);
    same("duplicate", counters.duplicate, model_.counters.duplicate);
    same("conflict", counters.conflict, model_.counters.conflict);
    same("late", counters.late, model_.counters.late);
    same("unknown_decision", counters.unknown_decision, model_.counters.unknown_decision);
    CollectorCounters expected = model_.counters;
    if (std::abs(expected.reward_sum - counters.reward_sum) > 1e-6) {
      violate("point '" + config_.name + "': rewards sum to " + std::to_string(counters.reward_sum) +
              ", in the model to " + std::to_string(expected.reward_sum));
    }
    expected.reward_sum = counters.reward_sum;
    if (!(expected == counters)) {
      violate("point '" + config_.name + "': the counters of the collector are not the model's");
    }
  }

 private:
  static RewardSpec spec_of(const PointConfig& config) {
    RewardSpec spec = config.reward;
    if (config.policy_json.find("q_learning") != std::string::npos) {
      spec.credit = Credit::transition;  // as the engine settles it for agents
    }
    return spec;
  }
  std::uint64_t number(const Uuid& id) { return numbers_.emplace(id, numbers_.size() + 1).first->second; }
  [[nodiscard]] std::uint32_t component_number(std::string_view name) const {
    const auto& all = config_.reward.components;
    return static_cast<std::uint32_t>(std::ranges::find(all, name, &ComponentSpec::name) - all.begin());
  }

  const PointConfig& config_;
  CollectorModel model_;
  std::map<Uuid, std::uint64_t> numbers_;
  std::uint64_t decisions = 0;
};

}  // namespace

std::string difference(ByteView bytes, const Issued& said) {
  RecordHeader header;
  if (read_header(bytes, header) != Errc::ok || header.kind != said.kind) {
    return "is of another kind";
  }
  if ((header.point != said.point && !said.anywhere) ||
      (header.kind != RecordKind::event && header.id != said.id)) {
    return "is about another decision";
  }
  if (header.kind == RecordKind::decision) {
    DecisionRecord record;
    const bool same =
        decode(bytes, record) == Errc::ok && record.arm == said.arm && record.version == said.version &&
        record.sequence == said.sequence &&
        std::bit_cast<std::uint64_t>(record.propensity) == std::bit_cast<std::uint64_t>(said.propensity);
    return same ? "" : "is not the decision that was given";
  }
  if (header.kind == RecordKind::outcome) {
    OutcomeRecord record;
    if (decode(bytes, record) != Errc::ok || record.all().size() != said.components.size()) {
      return "is not the outcome that was reported";
    }
    for (std::size_t i = 0; i < said.components.size(); ++i) {
      if (record.all()[i].name != said.components[i].name ||
          record.all()[i].value != said.components[i].value) {
        return "is not the outcome that was reported";
      }
    }
    return "";
  }
  EventRecord record;
  const bool same =
      decode(bytes, record) == Errc::ok && record.kind == said.event && record.text == said.text;
  return same ? "" : "is another event";
}

bool is_tick(ByteView bytes) {
  EventRecord record;
  RecordHeader header;
  return read_header(bytes, header) == Errc::ok && header.kind == RecordKind::event &&
         decode(bytes, record) == Errc::ok && record.kind == EventKind::tick;
}

Account::Verdict Account::check(const std::vector<Bytes>& records, bool may_lose) const {
  Verdict verdict;
  std::set<Uuid> decided;
  for (const Bytes& record : records) {
    RecordHeader header;
    ++verdict.records;
    const std::string where = "record " + std::to_string(verdict.records) + " ";
    if (read_header(record, header) != Errc::ok || header.position != verdict.records ||
        !verify_record(record)) {
      violate(where + "is damaged or in another's place");
    }
    if (is_tick(record)) {
      continue;
    }
    if (verdict.found == issued_.size()) {
      violate(where + "is a ghost: nobody said it");
    }
    if (header.kind == RecordKind::decision && !decided.insert(header.id).second) {
      violate(where + "is a duplicate: its decision was there before");
    }
    if (const std::string found = difference(record, issued_[verdict.found]); !found.empty()) {
      violate(where + found);
    }
    ++verdict.found;
  }
  if (!may_lose && (verdict.found < acknowledged_ || verdict.records < acknowledged_position_)) {
    violate("lost: " + std::to_string(acknowledged_) + " calls were acknowledged, up to record " +
            std::to_string(acknowledged_position_) + ", " + std::to_string(verdict.found) +
            " are there, up to record " + std::to_string(verdict.records));
  }
  for (std::size_t i = verdict.found; i < issued_.size(); ++i) {
    if (issued_[i].kind == RecordKind::decision) {
      verdict.lost.push_back(issued_[i].id);
    }
  }
  return verdict;
}

Result<std::vector<Bytes>> records_of(Journal& journal) {
  std::vector<Bytes> records;
  return journal
      .read(1,
            [&](ByteView record) {
              records.emplace_back(record.begin(), record.end());
              return true;
            })
      .map([&] { return std::move(records); });
}

void check_keys(const std::vector<Bytes>& records, std::uint64_t keep) {
  std::map<std::uint64_t, std::uint64_t> last;  // number of the newest decision with each key
  std::uint64_t number = 0;
  for (const Bytes& record : records) {
    RecordHeader header;
    DecisionRecord decision;
    if (read_header(record, header) != Errc::ok || header.kind != RecordKind::decision ||
        decode(record, decision) != Errc::ok || decision.client_key == 0) {
      continue;
    }
    const auto [before, first] = last.try_emplace(decision.client_key, ++number);
    if (!first && number - before->second <= keep) {
      violate("record " + std::to_string(header.position) + " is a second decision for one client key");
    }
    before->second = number;
  }
}

void check_state(const Engine& engine, std::string_view config, const std::vector<Bytes>& records,
                 const std::shared_ptr<const Clock>& clock) {
  std::unique_ptr<Journal> memory = make_memory_journal();
  const std::vector<ByteView> views(records.begin(), records.end());
  if (const Result<void> fed = memory->append(views); !fed) {
    violate("the records cannot be appended elsewhere: " + fed.error().message);
  }
  const Result<Engine> twin =
      Engine::open(config, {.clock = clock, .journal = std::move(memory), .credit_functions = {}, .log = {}});
  if (!twin) {
    violate("an engine in memory refuses the records: " + twin.error().message);
  }
  if (sha256(engine.state()) != sha256(twin->state())) {
    violate("the state is not that of an engine in memory that was fed the same records");
  }
  const Result<EngineConfig> parsed = parse_config(config);
  std::vector<PointModel> models;
  for (const PointConfig& point : parsed.value().points) {
    models.emplace_back(point);
  }
  for (const Bytes& record : records) {
    RecordHeader header;
    static_cast<void>(read_header(record, header));
    models.at(header.point).fold(record);
  }
  const EngineMetrics metrics = engine.metrics();
  for (std::size_t i = 0; i < models.size(); ++i) {
    models[i].compare(metrics.points.at(i));
  }
}

}  // namespace attune::test
