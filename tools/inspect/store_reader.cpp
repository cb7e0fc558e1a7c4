// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/store_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "tools/inspect/files.hpp"

namespace attune::tools {

ExitCode exit_code_of(const Error& error) noexcept {
  const bool store_is_bad =
      error.code == Errc::corrupt_state || error.code == Errc::unsupported_version || error.code == Errc::io;
  return store_is_bad ? ExitCode::problem : ExitCode::refused;
}

StoreReader::StoreReader(StoreView view, StoreSummary summary, std::map<std::uint32_t, std::string> points)
    : view_(std::move(view)),
      summary_(std::move(summary)),
      points_(std::move(points)),
      first_(summary_.first_position) {}

Result<StoreOptions> store_options(const Options& options) {
  StoreOptions store;
  store.mode = OpenMode::read_only;
  if (!options.key_file) {
    return store;
  }
  Result<std::string> text = read_text_file(*options.key_file);
  if (!text) {
    return tl::unexpected(std::move(text).error());
  }
  text->erase(text->find_last_not_of("\r\n") + 1);
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) {
    return fail(Errc::invalid_argument,
                "'" + *options.key_file + "' is no key: write its id, a colon and its secret");
  }
  store.key = SealKey{.id = text->substr(0, colon), .secret = text->substr(colon + 1)};
  return store;
}

Result<StoreReader> StoreReader::open(const Options& options) {
  const std::string& path = options.store;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) {
    return fail(Errc::invalid_argument,
                "there is no store at '" + path + "'" + (code ? ": " + code.message() : std::string()));
  }
  if (std::filesystem::is_directory(path, code)) {
    return fail(Errc::invalid_argument, "'" + path + "' is a directory; name the store's file in it");
  }
  const Result<StoreOptions> asked = store_options(options);
  Result<StoreView> view = asked ? StoreView::open(path, *asked) : tl::unexpected(asked.error());
  if (!view) {
    return tl::unexpected(std::move(view).error());
  }
  Result<StoreSummary> summary = view->summary();
  if (!summary) {
    return tl::unexpected(std::move(summary).error());
  }
  Result<std::map<std::uint32_t, std::string>> points = view->point_names();
  if (!points) {
    return tl::unexpected(std::move(points).error());
  }
  return StoreReader(std::move(*view), std::move(*summary), std::move(*points));
}

std::string StoreReader::point_name(std::uint32_t number) const {
  const auto found = points_.find(number);
  return found == points_.end() ? std::string() : found->second;
}

Result<std::optional<std::uint32_t>> StoreReader::find_point(const std::optional<std::string>& wanted) const {
  return attune::find_point(points_, wanted);
}

Result<void> StoreReader::walk(std::uint64_t first, std::uint64_t last,
                               const std::function<bool(const StoredRecord&)>& visit) {
  first = std::max(first, first_);
  last = std::min(last, this->last());
  if (first > last) {
    return {};
  }
  return view_.walk(first, [&](const StoredRecord& record) {
    return record.position <= last && (record.erased || visit(record)) && record.position < last;
  });
}

Result<Nanos> StoreReader::time_at(std::uint64_t position) {
  Nanos time = 0;
  Result<void> read = walk(position, last(), [&](const StoredRecord& record) {
    time = record.header.time;
    return false;
  });
  return read ? Result<Nanos>(time) : tl::unexpected(std::move(read).error());
}

Result<std::uint64_t> StoreReader::position_of(Nanos time) {
  constexpr std::uint64_t kSlack = 4096;
  std::uint64_t low = first_;
  std::uint64_t high = last() + 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const Result<Nanos> at = time_at(middle);
    if (!at) {
      return tl::unexpected(at.error());
    }
    if (*at < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::max(first_, low > kSlack ? low - kSlack : 1);
}

Result<Slice> StoreReader::slice(const Options& options) {
  Slice slice{.first = std::max(first_, options.first), .last = last(), .from = {}, .to = {}};
  if (options.last > 0 && last() >= options.last) {
    slice.first = std::max(slice.first, last() - options.last + 1);
  }
  if (options.before > 0) {
    slice.last = std::min(slice.last, options.before - 1);
  }
  if (!options.from && !options.to) {
    return slice;
  }
  const Nanos end = summary_.last_time.value_or(0);
  if (options.from) {
    slice.from = options.from->at(end);
    const Result<std::uint64_t> position = position_of(*slice.from);
    if (!position) {
      return tl::unexpected(position.error());
    }
    slice.first = std::max(slice.first, *position);
  }
  if (options.to) {
    constexpr std::uint64_t kSlack = 8192;
    slice.to = options.to->at(end);
    const Result<std::uint64_t> position = position_of(*slice.to);
    if (!position) {
      return tl::unexpected(position.error());
    }
    slice.last = std::min(slice.last, *position + kSlack);
  }
  if (slice.from && slice.to && *slice.from >= *slice.to) {
    return fail(Errc::invalid_argument, "--from is not before --to");
  }
  return slice;
}

}  // namespace attune::tools
