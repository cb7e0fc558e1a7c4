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

/// Time of one record; a sentence is added when it cannot be read.
[[nodiscard]] std::optional<Nanos> time_of(const StoreFile& store, const Head& head, std::uint64_t position,
                                           std::vector<std::string>& problems) {
  if (head.position == 0) {
    return std::nullopt;
  }
  Result<RecordCursor> cursor = RecordCursor::open(store, head, position, std::nullopt);
  const Result<bool> found = cursor ? cursor->next() : tl::unexpected(cursor.error());
  if (!found) {
    problems.push_back(found.error().message);
    return std::nullopt;
  }
  return cursor->header().time;
}

/// Sentences about damaged records; at most a handful, as one bad page may hold hundreds.
[[nodiscard]] Result<std::vector<std::string>> check_records(const StoreFile& store, const Head& head) {
  constexpr std::size_t kEnough = 10;
  std::vector<std::string> problems;
  for (std::uint64_t first = 1; first <= head.position && problems.size() < kEnough;) {
    Result<RecordCursor> cursor = RecordCursor::open(store, head, first, std::nullopt);
    Result<bool> more = cursor ? cursor->next() : tl::unexpected(cursor.error());
    while (more && *more) {
      more = cursor->next();
    }
    if (more) {
      break;
    }
    if (more.error().code == Errc::io) {
      return tl::unexpected(std::move(more).error());
    }
    problems.push_back(std::move(more).error().message);
    first = cursor ? cursor->expected() + 1 : head.position + 1;
  }
  return problems;
}

[[nodiscard]] Result<void> check_pages(const detail::Database& database, std::vector<std::string>& problems) {
  Result<Statement> check = database.prepare("PRAGMA quick_check(5)");
  if (!check) {
    return tl::unexpected(std::move(check).error());
  }
  Result<bool> row = check->step();
  for (; row && *row; row = check->step()) {
    if (check->text(0) != "ok") {
      problems.push_back("SQLite: " + std::string(check->text(0)));
    }
  }
  return row ? Result<void>{} : tl::unexpected(std::move(row).error());
}

}  // namespace

namespace detail {

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

}  // namespace detail

StoreView::StoreView(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
StoreView::StoreView(StoreView&&) noexcept = default;
StoreView& StoreView::operator=(StoreView&&) noexcept = default;
StoreView::~StoreView() = default;

Result<StoreView> StoreView::open(const std::string& path) {
  return detail::open_store_file(path, OpenMode::read_only).map([](StoreFile store) {
    return StoreView(std::make_unique<Impl>(Impl{.store = std::move(store)}));
  });
}

Result<std::map<std::uint32_t, std::string>> StoreView::Impl::point_names() const {
  Result<Statement> rows = store.database.prepare("SELECT number, name FROM points");
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

Result<StoreSummary> StoreView::summary() {
  const StoreFile& store = impl_->store;
  const auto witness = detail::WriterLock::peek(store.path);  // before the transaction: never ahead of it
  Result<Transaction> moment = Transaction::begin(store.database);
  const Result<Head> head = moment ? detail::read_head(store.database) : tl::unexpected(moment.error());
  if (!head) {
    return tl::unexpected(head.error());
  }
  StoreSummary summary;
  summary.path = store.path;
  summary.store_id = store.store_id;
  summary.schema_version = detail::kSchemaVersion;
  summary.file_bytes = size_of(store.path);
  summary.wal_bytes = size_of(store.path + "-wal");
  summary.position = head->position;
  summary.decisions = head->counts.decisions;
  summary.outcomes = head->counts.outcomes;
  summary.events = head->counts.events;
  summary.writer = detail::WriterLock::holder(store.path);
  Result<std::vector<std::string>> losses = detail::check_tail(store, *head, witness);
  const auto names = impl_->point_names();
  const Result<std::vector<CheckpointRow>> rows = detail::list_checkpoints(store.database);
  Result<std::optional<Checkpoint>> newest =
      detail::find_checkpoint(store.database, head->position, &summary.problems);
  if (!losses || !names || !rows || !newest) {
    return tl::unexpected(!losses  ? losses.error()
                          : !names ? names.error()
                          : !rows  ? rows.error()
                                   : newest.error());
  }
  summary.problems.insert(summary.problems.begin(), losses->begin(), losses->end());
  summary.points = names->size();
  summary.checkpoints = rows->size();
  if (*newest) {
    summary.checkpoint = (*newest)->info;
  }
  summary.first_time = time_of(store, *head, 1, summary.problems);
  summary.last_time = time_of(store, *head, head->position, summary.problems);
  return summary;
}

Result<std::vector<CheckpointReport>> StoreView::checkpoints() {
  const detail::Database& database = impl_->store.database;
  Result<Transaction> moment = Transaction::begin(database);
  const Result<Head> head = moment ? detail::read_head(database) : tl::unexpected(moment.error());
  Result<std::vector<CheckpointRow>> rows =
      head ? detail::list_checkpoints(database) : tl::unexpected(head.error());
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  std::vector<CheckpointReport> reports;
  for (CheckpointRow& row : *rows) {
    if (row.damage.empty() && row.info.position > head->position) {
      row.damage = "the journal ends before it, at record " + std::to_string(head->position);
    }
    if (row.damage.empty()) {
      const Result<Bytes> state = detail::read_state(database, row.info);
      if (!state && state.error().code == Errc::io) {
        return tl::unexpected(state.error());
      }
      row.damage = state ? "" : state.error().message;
    }
    reports.push_back({.info = std::move(row.info),
                       .stored_bytes = row.stored_bytes,
                       .codec = std::move(row.codec),
                       .damage = std::move(row.damage)});
  }
  return reports;
}

Result<std::vector<std::string>> StoreView::verify() {
  const StoreFile& store = impl_->store;
  const auto witness = detail::WriterLock::peek(store.path);
  std::vector<std::string> problems;
  {
    Result<Transaction> moment = Transaction::begin(store.database);
    const Result<Head> head = moment ? detail::read_head(store.database) : tl::unexpected(moment.error());
    if (!head) {
      return tl::unexpected(head.error());
    }
    for (Result<std::vector<std::string>> found :
         {detail::check_tail(store, *head, witness), check_records(store, *head)}) {
      if (!found) {
        return found;
      }
      problems.insert(problems.end(), found->begin(), found->end());
    }
    if (Result<void> checked = check_pages(store.database, problems); !checked) {
      return tl::unexpected(std::move(checked).error());
    }
  }
  return checkpoints().map([&](const std::vector<CheckpointReport>& reports) {
    for (const CheckpointReport& report : reports) {
      if (!report.damage.empty()) {
        problems.push_back("checkpoint " + std::to_string(report.info.number) + ": " + report.damage);
      }
    }
    return std::move(problems);
  });
}

}  // namespace attune
