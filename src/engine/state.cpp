// SPDX-License-Identifier: Apache-2.0
// The state of an engine as bytes: what checkpoints hold. docs/format/state.md describes them.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::uint32_t kStateMagic = 0x45545441;  // "ATTE"
// 2: client keys, fates of unknown decisions; 3: safety of points; 4: drift watches; 5: screening;
// 6: decisions that arms were owed
constexpr std::uint32_t kStateVersion = 6;
constexpr std::uint32_t kScreeningVersion = 5;  // of one where none was
constexpr std::uint32_t kDriftVersion = 4;      // of one without screening
constexpr std::uint32_t kSafetyVersion = 3;     // of one without drift watches
constexpr std::uint32_t kPlainVersion =
    2;  // of a state without guards and switches: its bytes stay as they were

}  // namespace

Bytes Engine::Impl::state() const {
  Writer writer;
  // A state of many megabytes that grows by doubling costs more in new pages than in writing.
  writer.reserve(state_size + state_size / 16);
  writer.u32(kStateMagic);
  const bool safety =
      std::ranges::any_of(points, [](const auto& point) { return point->has_safety_state(); });
  const bool drift = std::ranges::any_of(points, [](const auto& point) { return point->has_drift_state(); });
  const bool screens =
      std::ranges::any_of(points, [](const auto& point) { return point->has_screening_state(); });
  const bool owed = std::ranges::any_of(points, [](const auto& point) { return point->counts_floors(); });
  const std::uint32_t version = owed      ? kStateVersion
                                : screens ? kScreeningVersion
                                : drift   ? kDriftVersion
                                : safety  ? kSafetyVersion
                                          : kPlainVersion;
  writer.u32(version);
  writer.u64(position);
  writer.u64(points.size());
  for (const std::unique_ptr<Point>& point : points) {
    const std::size_t begun = writer.begin_blob();
    point->save(writer, version);
    writer.end_blob(begun);
  }
  client_keys.save(writer);
  state_size = writer.size();
  return std::move(writer).take();
}

Result<void> Engine::Impl::load_state(ByteView bytes) {
  Reader reader(bytes);
  if (reader.u32() != kStateMagic) {
    return fail(Errc::corrupt_state, "the checkpoint does not hold the state of an engine");
  }
  const std::uint32_t version = reader.u32();
  if (version < 1 || version > kStateVersion) {
    return fail(Errc::unsupported_version, "the checkpoint has state version " + std::to_string(version) +
                                               ", this build reads 1 to " + std::to_string(kStateVersion));
  }
  const std::uint64_t at = reader.u64();
  const std::uint64_t count = reader.u64();
  if (!reader.ok() || count > points.size()) {
    return fail(Errc::invalid_config,
                "the store has " + std::to_string(count) + " decision points, the configuration " +
                    std::to_string(points.size()) + "; points may be appended, not removed");
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    Reader part(reader.blob(reader.left()));
    if (Result<void> loaded = points[i]->load(part, version); !loaded) {
      return loaded;
    }
  }
  if (version >= 2) {
    if (Result<void> loaded = client_keys.load(reader); !loaded) {
      return loaded;
    }
  }
  if (!reader.ok() || !reader.at_end()) {
    return fail(Errc::corrupt_state, "the checkpoint's state is cut short or too long");
  }
  position = at;
  return {};
}

}  // namespace attune
