// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/llm_drift.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/csv_table.hpp"
#include "simulations/feature_table.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/row_order.hpp"

namespace attune::sim {
namespace {

constexpr std::size_t kArms = 2;
constexpr std::size_t kComponents = 3;
constexpr std::size_t kCell = kArms * kComponents;

struct Snapshot {
  std::string_view model;
  std::size_t arm;
  bool after;
};
constexpr std::array<Snapshot, 4> kSnapshots{{{"gpt-3.5-turbo-0301", 0, false},
                                              {"gpt-3.5-turbo-0613", 0, true},
                                              {"gpt-4-0314", 1, false},
                                              {"gpt-4-0613", 1, true}}};

/// One query: its context and what each arm gave before and after the switch.
struct Query {
  std::size_t features_row = 0;
  std::size_t category = 0;
  std::array<std::array<double, kCell>, 2> outcome{};
  unsigned seen = 0;  ///< one bit a snapshot
};

struct DriftData {
  FeatureTable features;
  std::vector<Query> queries;
  std::uint64_t switch_at = 0;
};

class DriftWorld final : public World {
 public:
  DriftWorld(const DriftData& data, std::uint64_t seed, std::uint64_t horizon) : data_(data) {
    const std::size_t count = data.queries.size();
    for (std::uint64_t round = 0; order_.size() < horizon; ++round) {
      const std::vector<std::uint32_t> next = rows_shuffled(count, seed, round);
      order_.insert(order_.end(), next.begin(), next.end());
    }
  }

  void step(std::uint64_t t, Step& out) const override {
    const Query& query = data_.queries[order_[t]];
    const std::span<const double> context = data_.features.row(query.features_row);
    out.context.assign(context.begin(), context.end());
    out.category = query.category;
    const auto& cell = query.outcome[t >= data_.switch_at ? 1 : 0];
    out.outcome.assign(cell.begin(), cell.end());
    out.expected = out.outcome;
  }

 private:
  const DriftData& data_;
  std::vector<std::uint32_t> order_;
};

class LlmDrift final : public Environment {
 public:
  LlmDrift(DriftData data, EnvironmentInfo info) : data_(std::move(data)), info_(std::move(info)) {}

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t horizon) const override {
    return std::make_unique<DriftWorld>(data_, seed, horizon);
  }

 private:
  DriftData data_;
  EnvironmentInfo info_;
};

/// The columns of a table by name, or the first error.
Result<std::vector<std::size_t>> columns_of(const CsvTable& table,
                                            const std::vector<std::string_view>& names) {
  std::vector<std::size_t> out;
  for (const std::string_view name : names) {
    Result<std::size_t> column = table.column(name);
    if (!column) {
      return tl::unexpected(std::move(column).error());
    }
    out.push_back(*column);
  }
  return out;
}

/// The queries of the wanted tasks, without outcomes, by id.
Result<std::map<std::string_view, Query>> read_queries(const CsvTable& table,
                                                       const std::vector<std::string>& tasks) {
  const Result<std::vector<std::size_t>> columns = columns_of(table, {"query_id", "task"});
  if (!columns) {
    return tl::unexpected(columns.error());
  }
  std::map<std::string_view, Query> queries;
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    const auto task = std::find(tasks.begin(), tasks.end(), table.text(row, (*columns)[1]));
    if (task != tasks.end()) {
      queries[table.text(row, (*columns)[0])] = {row, static_cast<std::size_t>(task - tasks.begin()), {}, 0};
    }
  }
  return queries;
}

/// Fills in what the snapshots gave; of repeated survey questions the first answer counts.
Result<void> read_answers(const CsvTable& table, std::map<std::string_view, Query>& queries) {
  const Result<std::vector<std::size_t>> columns =
      columns_of(table, {"query_id", "model", "quality", "cost_usd", "latency_s"});
  if (!columns) {
    return tl::unexpected(columns.error());
  }
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    const auto query = queries.find(table.text(row, (*columns)[0]));
    const auto* snapshot = std::find_if(kSnapshots.begin(), kSnapshots.end(), [&](const Snapshot& s) {
      return s.model == table.text(row, (*columns)[1]);
    });
    if (query == queries.end() || snapshot == kSnapshots.end()) {
      continue;
    }
    const unsigned bit = 1U << static_cast<unsigned>(snapshot - kSnapshots.begin());
    if ((query->second.seen & bit) != 0) {
      continue;
    }
    query->second.seen |= bit;
    for (std::size_t component = 0; component < kComponents; ++component) {
      const Result<double> value = table.number(row, (*columns)[2 + component]);
      if (!value) {
        return tl::unexpected(value.error());
      }
      query->second.outcome.at(snapshot->after ? 1 : 0).at(snapshot->arm * kComponents + component) = *value;
    }
  }
  return {};
}

Result<CsvTable> read_shared(const FileRoots& roots, const std::string& name) {
  const Result<std::string> path = roots.resolve(name);
  return path ? CsvTable::read(*path) : tl::unexpected(path.error());
}

}  // namespace

Result<std::unique_ptr<Environment>> make_llm_drift(const nlohmann::json& options, const FileRoots& roots) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  std::vector<std::string> tasks = reader.texts("tasks", false);
  const std::uint64_t switch_at = reader.count("switch_at", Bounds{0, 1e9}, 3000);
  const std::uint64_t length = reader.count("length", Bounds{1, 1e7}, 6000);
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  if (tasks.empty()) {
    tasks = {"is_prime", "counthappynumber"};
  }

  const Result<CsvTable> prompts = read_shared(roots, "llmdrift/queries.csv.gz");
  const Result<CsvTable> answers = prompts ? read_shared(roots, "llmdrift/outcomes.csv.gz") : prompts;
  if (!answers) {
    return tl::unexpected(answers.error());
  }
  Result<std::map<std::string_view, Query>> queries = read_queries(*prompts, tasks);
  if (!queries) {
    return tl::unexpected(std::move(queries).error());
  }
  if (Result<void> good = read_answers(*answers, *queries); !good) {
    return tl::unexpected(std::move(good).error());
  }
  Result<FeatureTable> features = FeatureTable::make(
      *prompts, {.bias = true, .numeric = {}, .categorical = {"task"}, .embedding = {"lsa_*"}, .skip = {}});
  if (!features) {
    return tl::unexpected(std::move(features).error());
  }
  DriftData data{std::move(*features), {}, switch_at};
  for (const auto& [id, query] : *queries) {
    if (query.seen == 0b1111U) {
      data.queries.push_back(query);
    }
  }
  if (data.queries.empty()) {
    return fail(Errc::invalid_config, "environment.tasks names no task of llmdrift");
  }

  EnvironmentInfo info;
  info.type = "llm_drift";
  info.arms = {"gpt-3.5-turbo", "gpt-4"};
  info.components = {"quality", "cost", "latency"};
  info.features = data.features.names();
  info.categories = std::move(tasks);
  info.length = length;
  info.recorded = true;
  info.note = "recorded answers of two models before and after their update of June 2023, llmdrift";
  return std::make_unique<LlmDrift>(std::move(data), std::move(info));
}

}  // namespace attune::sim
