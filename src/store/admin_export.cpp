// SPDX-License-Identifier: Apache-2.0
// Export of a journal's range as text.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <attune/store/admin.hpp>

#include "store/record_cursor.hpp"
#include "store/record_text.hpp"
#include "store/store_view.hpp"
#include "store/sync_folder.hpp"

namespace attune {
namespace {

using detail::RecordCursor;

constexpr std::size_t kPiece = std::size_t{1} << 16U;

/// A file that is made by us or not at all.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path),
        descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640)) {
    if (descriptor_ < 0) {
      note_error();
    }
  }
  ~NewFile() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
      if (!kept_) {
        ::unlink(path_.c_str());  // half an export is none
      }
    }
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  NewFile(NewFile&&) = delete;
  NewFile& operator=(NewFile&&) = delete;

  bool write(std::string_view text) {
    while (error_ == 0 && !text.empty()) {
      const ssize_t done = ::write(descriptor_, text.data(), text.size());
      if (done < 0 && errno == EINTR) {
        continue;
      }
      if (done < 0) {
        note_error();
      } else {
        text.remove_prefix(static_cast<std::size_t>(done));
      }
    }
    return error_ == 0;
  }
  [[nodiscard]] Result<void> finish() {
    if (error_ == 0 && ::fsync(descriptor_) != 0) {
      note_error();
    }
    if (error_ == 0) {
      error_ = detail::sync_folder_of(path_);  // a rollback deletes next what this file has
    }
    if (error_ != 0) {
      return fail(error_ == EEXIST ? Errc::invalid_argument : Errc::io,
                  "'" + path_ + "' could not be written: " + std::generic_category().message(error_));
    }
    kept_ = true;
    return {};
  }
  [[nodiscard]] bool is_good() const noexcept { return error_ == 0; }

 private:
  void note_error() { error_ = errno; }
  std::string path_;
  int descriptor_ = -1;
  int error_ = 0;
  bool kept_ = false;
};

[[nodiscard]] Errc append_line(std::string& out, ExportFormat format, const RecordCursor& cursor,
                               const detail::LineNames& names) {
  return format == ExportFormat::csv ? detail::append_csv_line(out, cursor.record(), names)
                                     : detail::append_json_line(out, cursor.record(), names);
}

}  // namespace

Result<ExportReport> export_records(const std::string& store, const PositionRange& range, ExportFormat format,
                                    const std::function<bool(std::string_view)>& write) {
  Result<detail::StoreFile> opened = detail::open_store_file(store, {.mode = OpenMode::read_only});
  if (!opened) {
    return tl::unexpected(std::move(opened).error());
  }
  Result<detail::Transaction> moment = detail::Transaction::begin(opened->database);
  const auto names = moment ? detail::read_point_names(opened->database) : tl::unexpected(moment.error());
  const Result<detail::Head> head = names ? detail::read_head(*opened) : tl::unexpected(names.error());
  Result<RecordCursor> cursor =
      head ? RecordCursor::open(*opened, *head, range.first) : tl::unexpected(head.error());
  if (!cursor) {
    return tl::unexpected(std::move(cursor).error());
  }
  ExportReport report;
  std::string text(format == ExportFormat::csv ? detail::kCsvHeader : std::string_view());
  bool wanted = true;
  while (wanted && cursor->expected() <= range.last) {
    const Result<bool> more = cursor->next();
    if (!more) {
      return tl::unexpected(more.error());
    }
    if (!*more) {
      break;
    }
    if (cursor->erased()) {
      ++report.erased;
      if (format == ExportFormat::json_lines) {
        detail::append_erased_line(text, cursor->position(), cursor->header().kind);
      }
      continue;
    }
    const auto point = names->find(cursor->header().point);
    const detail::LineNames line_names{
        .point = point != names->end() ? std::string_view(point->second) : std::string_view(),
        .arm = cursor->arm()};
    if (append_line(text, format, *cursor, line_names) != Errc::ok) {
      return fail(Errc::corrupt_state, "record " + std::to_string(cursor->position()) + " cannot be decoded");
    }
    ++report.records;
    if (text.size() >= kPiece) {
      wanted = write(text);
      text.clear();
    }
  }
  if (wanted && !text.empty()) {
    static_cast<void>(write(text));
  }
  return report;
}

Result<ExportReport> export_records(const std::string& store, const PositionRange& range, ExportFormat format,
                                    const std::string& file) {
  NewFile out(file);
  Result<ExportReport> report =
      out.is_good()
          ? export_records(store, range, format, [&](std::string_view text) { return out.write(text); })
          : Result<ExportReport>(ExportReport{});
  if (!report) {
    return report;
  }
  return out.finish().map([&] { return *report; });
}

}  // namespace attune
