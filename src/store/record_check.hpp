// SPDX-License-Identifier: Apache-2.0
/// @file
/// Checks that both journals make on every record, with their sentences.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/record.hpp>

namespace attune::detail {

/// Checks a record that is to be appended at `position`: whole, intact, of a known kind, the next in line.
/// Errors: invalid_argument.
[[nodiscard]] Result<RecordHeader> check_appended(ByteView record, std::uint64_t position);

/// Checks a record that was read from `position`. Errors: corrupt_state, naming the position.
[[nodiscard]] Result<RecordHeader> check_stored(ByteView record, std::uint64_t position);

/// `where` holds records 1 ... last, but this one is not there.
[[nodiscard]] Error missing_record(std::string_view where, std::uint64_t position, std::uint64_t last);

/// Copies a record to where it is 8-byte aligned, as decode() asks; reuses its memory.
class AlignedRecord {
 public:
  [[nodiscard]] ByteView copy(ByteView record);

 private:
  std::vector<std::uint64_t> words_;
};

[[nodiscard]] inline bool is_aligned(ByteView record) noexcept {
  return reinterpret_cast<std::uintptr_t>(record.data()) % alignof(std::uint64_t) == 0;
}

}  // namespace attune::detail
