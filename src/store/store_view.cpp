// SPDX-License-Identifier: Apache-2.0
#include "store/store_view.hpp"

#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "store/checkpoint_rows.hpp"
#include "store/schema.hpp"

namespace attune {
namespace {

using detail::CheckpointRow;
using detail::Head;
using detail::RecordCursor;
using detail::Statement;
using detail::StoreFile;
using detail::Transaction;

[[nodiscard]] std::uint64_t size_of(const std::string& path) {
  std::error_code missing;
  const std::uintmax_t size = std::filesystem::file_size(path, missing);
  return missing ? 0 : size;
}

/// Time of the first record from a position on; a sentence is added when it cannot be read.
[[nodiscard]] std::optional<Nanos> time_of(const StoreFile& store, const Head& head, std::uint64_t position,
                                           std::vector<std::string>& problems) {
  Result<RecordCursor> cursor = RecordCursor::open(store, head, position);
  Result<bool> found = cursor ? cursor->next() : tl::unexpected(cursor.error());
  while (found && *found && cursor->erased()) {
    found = cursor->next();
  }
  if (!found) {
    problems.push_back(found.error().message);
  }
  return found && *found ? std::optional(cursor->header().time) : std::nullopt;
}

}  // namespace

namespace detail {

Result<std::map<std::uint32_t, std::string>> read_point_names(const Database& database) {
  Result<Statement> rows = database.prepare("SELECT number, name FROM points");
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  std::map<std::uint32_t, std::string> names;
  Result<bool> row = rows->step();
  for (; row && *row; row = rows->step()) {
    names.emplace(static_cast<std::uint32_t>(rows->integer(0)), rows->text(1));
  }
  return row ? Result<std::map<std::uint32_t, std::string>>(std::move(names))
             : tl::unexpected(std::move(row).error());
}

}  // namespace detail

Result<std::optional<std::uint32_t>> find_point(const std::map<std::uint32_t, std::string>& names,
                                                const std::optional<std::string>& wanted) {
  if (!wanted) {
    return std::nullopt;
  }
  std::string known;
  for (const auto& [number, name] : names) {
    if (name == *wanted) {
      return number;
    }
    known += known.empty() ? "" : ", ";
    known += name;
  }
  std::uint32_t number = 0;
  const auto [end, code] = std::from_chars(wanted->data(), wanted->data() + wanted->size(), number);
  if (code == std::errc{} && end == wanted->data() + wanted->size()) {
    return number;
  }
  return fail(Errc::unknown_point, "the store has no decision point '" + *wanted +
                                       (known.empty() ? "'; it has none yet" : "'; it has: " + known));
}

StoreView::StoreView(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
StoreView::StoreView(StoreView&&) noexcept = default;
StoreView& StoreView::operator=(StoreView&&) noexcept = default;
StoreView::~StoreView() = default;

Result<StoreView> StoreView::open(const std::string& path) { return open(path, StoreOptions{}); }

Result<StoreView> StoreView::open(const std::string& path, const StoreOptions& options) {
  StoreOptions reading = options;
  reading.mode = OpenMode::read_only;
  return detail::open_store_file(path, reading).map([](StoreFile store) {
    return StoreView(std::make_unique<Impl>(Impl{.store = std::move(store)}));
  });
}

Result<std::map<std::uint32_t, std::string>> StoreView::Impl::point_names() const {
  return detail::read_point_names(store.database);
}

Result<StoreSummary> StoreView::summary() {
  const StoreFile& store = impl_->store;
  Result<Transaction> moment = Transaction::begin(store.database);
  const Result<Head> head = moment ? detail::read_head(store) : tl::unexpected(moment.error());
  if (!head) {
    return tl::unexpected(head.error());
  }
  StoreSummary summary;
  summary.path = store.path;
  summary.store_id = store.store_id;
  summary.schema_version = store.version;
  summary.file_bytes = size_of(store.path);
  summary.wal_bytes = size_of(store.path + "-wal");
  summary.position = head->position;
  summary.first_position = head->first + 1;
  summary.erased = head->erased;
  summary.decisions = head->counts.decisions;
  summary.outcomes = head->counts.outcomes;
  summary.events = head->counts.events;
  summary.writer = detail::WriterLock::holder(store.path);
  summary.problems = store.notes;
  const Result<std::vector<std::string>> losses = detail::check_tail(store, *head);
  const auto names = impl_->point_names();
  const Result<std::vector<CheckpointRow>> rows = detail::list_checkpoints(store);
  if (!losses || !names || !rows) {
    return tl::unexpected(!losses ? losses.error() : !names ? names.error() : rows.error());
  }
  summary.problems.insert(summary.problems.end(), losses->begin(), losses->end());
  const Result<std::vector<CheckpointRow>> newest =
      detail::usable_checkpoints(store, *head, 1, &summary.problems);
  if (!newest) {
    return tl::unexpected(newest.error());
  }
  summary.points = names->size();
  summary.checkpoints = rows->size();
  if (!newest->empty()) {
    summary.checkpoint = newest->front().info;
  }
  summary.first_time = time_of(store, *head, 1, summary.problems);
  summary.last_time = time_of(store, *head, head->position, summary.problems);
  return summary;
}

}  // namespace attune
