// SPDX-License-Identifier: Apache-2.0
#include "engine/config_history.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/hash.hpp"

namespace attune {
std::string hex_text(std::uint64_t value) {
  std::array<char, 17> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, 16);
  return {text.data(), end.ptr};
}

std::string config_digest_of(std::string_view canonical_text) {
  return hex_text(hash64(canonical_text, 1)) + "-" + hex_text(hash64(canonical_text, 2));
}

Result<ConfigHistory> ConfigHistory::read(const MetaReader& meta) {
  const Result<std::optional<std::string>> lines = meta("config_history");
  const Result<std::optional<std::string>> newest = meta("config");
  if (!lines || !newest) {
    return tl::unexpected(lines ? newest.error() : lines.error());
  }
  ConfigHistory history;
  if (!*lines) {
    if (*newest) {
      history.add(0, config_digest_of(**newest));
    }
    return history;
  }
  for (std::string_view rest = **lines; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::uint64_t after = 0;
    const auto read = std::from_chars(line.data(), line.data() + line.size(), after);
    const std::size_t space = line.find(' ');
    const bool ordered = history.changes_.empty() ? after == 0 : history.changes_.back().after <= after;
    if (read.ec != std::errc{} || space == std::string_view::npos || read.ptr != line.data() + space ||
        !ordered) {
      return fail(Errc::corrupt_state, "the store's config_history has a line '" +
                                           std::string(line.substr(0, 80)) + "', which is none");
    }
    history.add(after, std::string(line.substr(space + 1)));
  }
  return history;
}

ConfigHistory::Part ConfigHistory::part(std::uint64_t position) const {
  Part found;
  for (const Change& change : changes_) {
    if (change.after >= position) {
      found.last = change.after;
      break;
    }
    found.digest = change.digest;
  }
  return found;
}

std::string_view ConfigHistory::newest() const noexcept {
  return changes_.empty() ? std::string_view() : std::string_view(changes_.back().digest);
}

void ConfigHistory::add(std::uint64_t position, std::string digest) {
  if (!changes_.empty() && changes_.back().after == position) {
    changes_.back().digest = std::move(digest);  // nothing was ever written under the one before
    return;
  }
  changes_.push_back({.after = position, .digest = std::move(digest)});
}

std::string ConfigHistory::text() const {
  std::string lines;
  for (const Change& change : changes_) {
    lines += std::to_string(change.after) + ' ' + change.digest + '\n';
  }
  return lines;
}

Result<std::string> ConfigHistory::config(const MetaReader& meta, std::string_view digest) {
  for (const std::string& where : {key(digest), std::string("config")}) {
    Result<std::optional<std::string>> text = meta(where);
    if (!text) {
      return tl::unexpected(std::move(text).error());
    }
    if (*text && config_digest_of(**text) == digest) {
      return std::move(**text);
    }
  }
  return fail(Errc::corrupt_state,
              "the configuration " + std::string(digest) + " is not kept beside the journal any more");
}

}  // namespace attune
