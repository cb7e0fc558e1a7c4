// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <vector>

#include <attune/core/assert.hpp>
#include <attune/core/record.hpp>

#include "tests/fuzz/targets.hpp"

namespace attune::fuzz {
namespace {

template <class Record>
void round_trip(ByteView bytes) {
  Record record;
  if (decode(bytes, record) != Errc::ok) {
    return;
  }
  const std::size_t size = encoded_size(record);
  ATTUNE_ASSERT(size == bytes.size(), "what was decoded has the size of what was read");
  std::vector<std::uint64_t> words(size / 8);
  const std::span<std::byte> out = std::as_writable_bytes(std::span(words));
  encode(record, out);
  // Not to the bytes that were read: fields that are reserved are not looked at, and are written as zero.
  Record again;
  ATTUNE_ASSERT(decode(out, again) == Errc::ok, "what was encoded is decoded");
  std::vector<std::uint64_t> twice(size / 8);
  encode(again, std::as_writable_bytes(std::span(twice)));
  ATTUNE_ASSERT(twice == words, "what was decoded is encoded to the same bytes");
}

}  // namespace

void record(Input input) {
  std::vector<std::uint64_t> words((input.size() + 7) / 8);
  std::memcpy(words.data(), input.data(), input.size());
  const ByteView bytes = std::as_bytes(std::span(words)).first(input.size());
  RecordHeader header;
  if (read_header(bytes, header) != Errc::ok) {
    return;
  }
  ATTUNE_ASSERT(header.size <= bytes.size(), "a record lies within its bytes");
  static_cast<void>(verify_record(bytes.first(header.size)));
  const ByteView exact = bytes.first(header.size);
  round_trip<DecisionRecord>(exact);
  round_trip<OutcomeRecord>(exact);
  round_trip<EventRecord>(exact);
}

}  // namespace attune::fuzz
