// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/fold.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace attune::tools {
namespace {

/// Part of a store as an engine's journal. What is written to it goes nowhere.
class FrozenJournal final : public Journal {
 public:
  FrozenJournal(StoreReader& reader, std::uint64_t last, std::optional<Checkpoint> start)
      : reader_(&reader), last_(last), start_(std::move(start)) {}

  Result<void> append(std::span<const ByteView> /*records*/) override { return {}; }
  Result<CheckpointInfo> append(std::span<const ByteView> /*records*/, ByteView /*state*/, Nanos /*time*/,
                                std::string_view /*config_digest*/, std::uint32_t /*keep*/) override {
    return CheckpointInfo{};
  }
  [[nodiscard]] std::uint64_t last_position() const noexcept override { return last_; }
  Result<void> read(std::uint64_t first, const std::function<bool(ByteView)>& visit) override {
    return reader_->walk(first, last_, [&](const StoredRecord& record) { return visit(record.bytes); });
  }
  Result<std::optional<Checkpoint>> newest_checkpoint(std::vector<std::string>* /*skipped*/) override {
    return std::move(start_);
  }
  Result<std::vector<CheckpointInfo>> checkpoints() override { return std::vector<CheckpointInfo>{}; }
  Result<std::optional<std::string>> meta(std::string_view key) override { return reader_->view().meta(key); }
  Result<void> set_meta(std::string_view /*key*/, std::string_view /*value*/) override { return {}; }
  [[nodiscard]] std::string describe() const override { return "'" + reader_->summary().path + "'"; }
  void set_names(Names /*names*/) override {}

 private:
  StoreReader* reader_;
  std::uint64_t last_;
  std::optional<Checkpoint> start_;
};

/// The configuration without threads of its own.
[[nodiscard]] Result<std::string> quiet_config(const std::string& text) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(text, nullptr, false, true);
  if (!json.is_object()) {
    return fail(Errc::invalid_config, "the configuration kept in the store is no JSON object");
  }
  json["mode"] = "pump";
  return json.dump();
}

/// The newest checkpoint at or before a position that can be used.
[[nodiscard]] Result<std::optional<Checkpoint>> start_for(StoreReader& reader, std::uint64_t position) {
  Result<std::vector<CheckpointReport>> reports = reader.view().checkpoints();
  if (!reports) {
    return tl::unexpected(std::move(reports).error());
  }
  for (auto report = reports->rbegin(); report != reports->rend(); ++report) {
    if (report->damage.empty() && report->info.position <= position) {
      Result<Checkpoint> found = reader.view().checkpoint(report->info.number);
      return found ? Result<std::optional<Checkpoint>>(std::move(*found))
                   : tl::unexpected(std::move(found).error());
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> stored_config(StoreReader& reader) {
  Result<std::optional<std::string>> text = reader.view().meta("config");
  if (!text) {
    return tl::unexpected(std::move(text).error());
  }
  if (!*text) {
    return fail(Errc::invalid_argument, "the store keeps no configuration: no engine has opened it yet");
  }
  return std::move(**text);
}

Result<FoldedEngine> fold_from(StoreReader& reader, const std::string& config,
                               std::optional<Checkpoint> start, std::uint64_t position) {
  const Result<std::string> quiet = quiet_config(config);
  if (!quiet) {
    return tl::unexpected(quiet.error());
  }
  std::optional<CheckpointInfo> info;
  if (start) {
    info = start->info;
  } else if (reader.first() > 1) {
    return fail(Errc::invalid_argument, "records before " + std::to_string(reader.first()) +
                                            " are gone and no checkpoint is left at or before record " +
                                            std::to_string(position));
  }
  Result<Engine> engine =
      Engine::open(*quiet, {.clock = std::make_shared<ManualClock>(),
                            .journal = std::make_unique<FrozenJournal>(reader, position, std::move(start)),
                            .credit_functions = {},
                            .log = {}});
  if (!engine) {
    return tl::unexpected(std::move(engine).error());
  }
  return FoldedEngine{.engine = std::move(*engine), .position = position, .start = std::move(info)};
}

Result<FoldedEngine> fold_to(StoreReader& reader, std::uint64_t position) {
  const Result<std::string> config = stored_config(reader);
  Result<std::optional<Checkpoint>> start =
      config ? start_for(reader, position) : tl::unexpected(config.error());
  return start ? fold_from(reader, *config, std::move(*start), position)
               : tl::unexpected(std::move(start).error());
}

Result<std::uint64_t> position_named(StoreReader& reader, const std::optional<std::string>& text) {
  if (!text) {
    return reader.last();
  }
  const bool by_checkpoint = text->starts_with('c');
  const std::string_view digits = std::string_view(*text).substr(by_checkpoint ? 1 : 0);
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (code != std::errc{} || end != digits.data() + digits.size()) {
    return fail(Errc::invalid_argument, "'" + *text + "' is neither a position (1200) nor a checkpoint (c7)");
  }
  if (by_checkpoint) {
    const Result<std::vector<CheckpointReport>> reports = reader.view().checkpoints();
    if (!reports) {
      return tl::unexpected(reports.error());
    }
    for (const CheckpointReport& report : *reports) {
      if (report.info.number == number) {
        return report.info.position;
      }
    }
    return fail(Errc::invalid_argument, "the store has no checkpoint " + std::to_string(number) +
                                            "; the command checkpoints lists them");
  }
  if (number > reader.last()) {
    return fail(Errc::invalid_argument, "the journal ends at record " + std::to_string(reader.last()) +
                                            ", before " + std::to_string(number));
  }
  return number;
}

}  // namespace attune::tools
