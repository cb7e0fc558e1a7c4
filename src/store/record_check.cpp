// SPDX-License-Identifier: Apache-2.0
#include "store/record_check.hpp"

#include <cstring>
#include <string>

namespace attune::detail {

Result<RecordHeader> check_appended(ByteView record, std::uint64_t position) {
  RecordHeader header;
  if (read_header(record, header) != Errc::ok || !verify_record(record)) {
    return fail(Errc::invalid_argument, "the record for position " + std::to_string(position) +
                                            " is cut or was not finished: its size or checksum is wrong");
  }
  if (header.position != position) {
    return fail(Errc::invalid_argument, "a record with position " + std::to_string(header.position) +
                                            " was given where position " + std::to_string(position) +
                                            " is next");
  }
  return header;
}

Result<RecordHeader> check_stored(ByteView record, std::uint64_t position) {
  RecordHeader header;
  if (read_header(record, header) != Errc::ok || !verify_record(record)) {
    return fail(Errc::corrupt_state,
                "record " + std::to_string(position) + " is damaged: its checksum is wrong");
  }
  if (header.position != position) {
    return fail(Errc::corrupt_state, "record " + std::to_string(position) + " is damaged: record " +
                                         std::to_string(header.position) + " is stored in its place");
  }
  return header;
}

Error missing_record(std::string_view where, std::uint64_t position, std::uint64_t last) {
  return {Errc::corrupt_state, std::string(where) + " is damaged: record " + std::to_string(position) +
                                   " of " + std::to_string(last) + " is missing"};
}

ByteView AlignedRecord::copy(ByteView record) {
  words_.resize((record.size() + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  if (!record.empty()) {
    std::memcpy(words_.data(), record.data(), record.size());
  }
  return std::as_bytes(std::span(words_)).first(record.size());
}

}  // namespace attune::detail
