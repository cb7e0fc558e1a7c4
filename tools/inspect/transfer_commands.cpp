// SPDX-License-Identifier: Apache-2.0
// export, import and audit.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/store/admin.hpp>

#include "tools/inspect/act.hpp"
#include "tools/inspect/commands.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/store_reader.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

/// Positions from the first to the last record that the options select.
[[nodiscard]] Result<PositionRange> range_of(StoreReader& reader, const Options& options) {
  const Result<Slice> slice = reader.slice(options);
  if (!slice) {
    return tl::unexpected(slice.error());
  }
  PositionRange range{.first = slice->first, .last = slice->last};
  if (!slice->from && !slice->to) {
    return range;
  }
  range = {.first = std::numeric_limits<std::uint64_t>::max(), .last = 0};
  Result<void> walked = reader.walk(slice->first, slice->last, [&](const StoredRecord& record) {
    if (slice->holds(record.header.time)) {
      range.first = std::min(range.first, record.position);
      range.last = record.position;
    }
    return true;
  });
  return walked ? Result<PositionRange>(range) : tl::unexpected(std::move(walked).error());
}

}  // namespace

Result<Answer> run_export(const Options& options, const Surroundings& around) {
  Result<StoreReader> reader = StoreReader::open(options);
  const Result<PositionRange> range =
      reader ? range_of(*reader, options) : tl::unexpected(std::move(reader).error());
  if (!range) {
    return tl::unexpected(range.error());
  }
  if (range->first > range->last) {
    return fail(Errc::invalid_argument, "no record fits; nothing was written");
  }
  const ExportFormat format = options.csv ? ExportFormat::csv : ExportFormat::json_lines;
  if (!options.out) {
    bool written = true;
    const Result<ExportReport> report = export_records(
        options.store, *range, format, [&](std::string_view text) { return written = around.write(text); });
    if (report && !written) {
      return fail(Errc::invalid_argument, "the records could not be written");
    }
    return report.map([](const ExportReport&) { return Answer{}; });
  }
  return export_records(options.store, *range, format, *options.out).map([&](const ExportReport& report) {
    if (options.json) {
      return Answer{.text = json_line({{"file", *options.out},
                                       {"records", report.records},
                                       {"erased", report.erased},
                                       {"first", range->first},
                                       {"last", range->last}})};
    }
    return Answer{.text = plural(report.records, "record") + " written to " + printable(*options.out) +
                          (report.erased > 0 ? "; " + grouped(report.erased) + " more were erased" : "") +
                          "\n"};
  });
}

Result<Answer> run_import(const Options& options, const Surroundings& around) {
  const std::string& file = options.operands.front();
  return carry_out<ImportReport>(
      options, around,
      "append the records of '" + file + "' to '" + options.store + "'; those it has already are skipped",
      [&](StoreAdmin& admin, const Act& act) { return admin.import_records(file, act); },
      [](const ImportReport& report) {
        return Done{.text = plural(report.added, "record") + " added, " + grouped(report.skipped) +
                            " were there already; the last is " + grouped(report.last_position) + " now",
                    .json = json_line({{"added", report.added},
                                       {"skipped", report.skipped},
                                       {"last_position", report.last_position}})};
      });
}

Result<Answer> run_audit(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
  Result<AuditTrail> trail = reader ? read_audit(options.store) : tl::unexpected(std::move(reader).error());
  return trail.map([&](const AuditTrail& found) {
    const bool sound = found.damage.empty();
    if (options.json) {
      Json list = Json::array();
      for (const AuditEntry& entry : found.entries) {
        list.push_back({{"number", entry.number},
                        {"time", time_text(entry.time)},
                        {"actor", entry.actor},
                        {"action", entry.action},
                        {"subject", json_text(entry.subject)},
                        {"before", json_text(entry.before)},
                        {"after", json_text(entry.after)},
                        {"chain", entry.chain}});
      }
      return Answer{
          .text = json_line(
              {{"sound", sound}, {"damage", json_text(found.damage)}, {"entries", std::move(list)}}),
          .sound = sound};
    }
    InspectTable table({">number", "time", "actor", "action", "subject", "before", "after", "chain"});
    for (const AuditEntry& entry : found.entries) {
      const auto cell = [](const std::string& text) {
        return text.empty() ? std::string(1, '-') : printable(text);
      };
      table.add({std::to_string(entry.number), time_text(entry.time), cell(entry.actor), cell(entry.action),
                 cell(entry.subject), cell(entry.before), cell(entry.after), entry.chain.substr(0, 16)});
    }
    return Answer{
        .text = (table.empty() ? "nothing was ever done to this store but appending\n" : table.text()) +
                (sound ? std::string() : "problem: " + printable(found.damage) + "\n"),
        .sound = sound};
  });
}

}  // namespace attune::tools
