// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/fold.hpp"

#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::tools {

ReplaySource replay_source(StoreReader& reader) {
  return {.records =
              [&reader](std::uint64_t first, const std::function<bool(ByteView)>& visit) {
                return reader.walk(first, reader.last(),
                                   [&](const StoredRecord& record) { return visit(record.bytes); });
              },
          .checkpoints = [&reader]() -> Result<std::vector<CheckpointInfo>> {
            const Result<std::vector<CheckpointReport>> reports = reader.view().checkpoints();
            if (!reports) {
              return tl::unexpected(reports.error());
            }
            std::vector<CheckpointInfo> infos;
            for (const CheckpointReport& report : *reports) {
              infos.push_back(report.info);
            }
            return infos;
          },
          .checkpoint = [&reader](std::uint64_t number) { return reader.view().checkpoint(number); },
          .meta = [&reader](std::string_view key) { return reader.view().meta(key); }};
}

Result<FoldedState> fold_to(StoreReader& reader, std::uint64_t position) {
  Result<Replay> replay = Replay::open(replay_source(reader));
  Result<void> moved = replay ? replay->restart_before(position) : tl::unexpected(replay.error());
  if (!moved) {
    return tl::unexpected(std::move(moved).error());
  }
  const std::uint64_t start = replay->position();
  if (Result<void> folded = replay->fold_to(position); !folded) {
    return tl::unexpected(std::move(folded).error());
  }
  FoldedState state{.replay = std::move(*replay), .checkpoint = {}};
  if (start > 0) {
    const Result<std::vector<CheckpointReport>> reports = reader.view().checkpoints();
    for (const CheckpointReport& report : reports ? *reports : std::vector<CheckpointReport>{}) {
      state.checkpoint = report.info.position == start ? std::optional(report.info.number) : state.checkpoint;
    }
  }
  return state;
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
