// SPDX-License-Identifier: Apache-2.0
/// @file
/// ConfigHistory: which configuration each part of a journal was written under.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>

namespace attune {

/// Reads the records from `first` on until the visitor returns false: Journal::read.
using RecordReader = std::function<Result<void>(std::uint64_t first, const std::function<bool(ByteView)>&)>;
/// Journal::meta.
using MetaReader = std::function<Result<std::optional<std::string>>(std::string_view key)>;

/// Hexadecimal digits, without leading zeros.
[[nodiscard]] std::string hex_text(std::uint64_t value);
/// Short name of a configuration's canonical text.
[[nodiscard]] std::string config_digest_of(std::string_view canonical_text);

/// Kept beside the journal: under "config_history" one line "position digest" for each change, and the texts
/// under "config/<digest>". "config" has the newest text; stores of before this rule have only that.
class ConfigHistory {
 public:
  static constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();

  /// Errors: corrupt_state, and those of `meta`.
  [[nodiscard]] static Result<ConfigHistory> read(const MetaReader& meta);

  struct Part {
    std::uint64_t last = kEnd;  ///< its last position
    std::string digest;         ///< empty: not known
  };
  /// The part that the record at `position` belongs to.
  [[nodiscard]] Part part(std::uint64_t position) const;
  /// Digest of the newest configuration; empty: none yet.
  [[nodiscard]] std::string_view newest() const noexcept;
  void add(std::uint64_t position, std::string digest);
  [[nodiscard]] std::string text() const;

  [[nodiscard]] static std::string key(std::string_view digest) { return "config/" + std::string(digest); }
  /// The text of a configuration. Errors: corrupt_state when it is gone.
  [[nodiscard]] static Result<std::string> config(const MetaReader& meta, std::string_view digest);

 private:
  struct Change {
    std::uint64_t after = 0;  ///< holds for positions above
    std::string digest;
  };
  std::vector<Change> changes_;  // in order of position
};

}  // namespace attune
