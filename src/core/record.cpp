// SPDX-License-Identifier: Apache-2.0
#include <attune/core/record.hpp>

#include <algorithm>
#include <cstring>

#include "core/hash.hpp"

namespace attune {
namespace {

// Bodies follow the header: fixed part, doubles, 32-bit numbers, text, zero padding to 8 bytes.
struct DecisionBody {
  std::uint64_t sequence;
  std::uint64_t version;
  double propensity;
  double score;
  std::uint64_t episode;
  std::uint64_t client_key;
  std::uint32_t arm;
  std::uint32_t rung;
  std::uint32_t dense;
  std::uint32_t sparse;
  std::uint32_t values;
  std::uint32_t action_features;
  std::uint32_t offered;
  std::uint16_t reason;
  std::uint16_t arm_generation;
};
static_assert(sizeof(DecisionBody) == 80);

struct OutcomeBody {
  std::uint64_t key;
  std::uint32_t components;
  std::uint32_t text;
  std::uint32_t next_dense;
  std::uint32_t next_sparse;
};
static_assert(sizeof(OutcomeBody) == 24);

struct EventBody {
  std::uint64_t number;
  double value;
  double aux;
  std::uint32_t kind;
  std::uint32_t numbers;
  std::uint32_t text;
  std::uint32_t reserved;
};
static_assert(sizeof(EventBody) == 40);

constexpr std::size_t kChecksumOffset = 28;
static_assert(offsetof(RecordHeader, checksum) == kChecksumOffset);

constexpr std::size_t padded(std::size_t size) noexcept { return (size + 7) & ~std::size_t{7}; }

/// Writes parts one after another into a buffer of known size and zeroes what is left.
class Packer {
 public:
  explicit Packer(std::span<std::byte> out) noexcept : out_(out) {}
  template <class T>
  void put(const T& value) noexcept {
    raw(&value, sizeof value);
  }
  template <class T>
  void all(std::span<const T> values) noexcept {
    raw(values.data(), values.size_bytes());
  }
  void raw(const void* data, std::size_t size) noexcept {
    if (size > 0) {
      std::memcpy(out_.data() + at_, data, size);
      at_ += size;
    }
  }
  void pad() noexcept {
    std::memset(out_.data() + at_, 0, padded(at_) - at_);
    at_ = padded(at_);
  }
  void finish() noexcept { std::memset(out_.data() + at_, 0, out_.size() - at_); }

 private:
  std::span<std::byte> out_;
  std::size_t at_ = 0;
};

/// Takes parts off the front of bytes; every take is checked.
class Unpacker {
 public:
  explicit Unpacker(ByteView bytes) noexcept : bytes_(bytes) {}
  template <class T>
  void get(T& out) noexcept {
    const ByteView part = take(sizeof(T));
    if (ok_) {
      std::memcpy(&out, part.data(), sizeof(T));
    }
  }
  template <class T>
  [[nodiscard]] std::span<const T> all(std::size_t count) noexcept {
    if (count > bytes_.size() / sizeof(T)) {
      ok_ = false;
      return {};
    }
    const ByteView part = take(count * sizeof(T));
    return {reinterpret_cast<const T*>(part.data()), ok_ ? count : 0};
  }
  /// Zero bytes up to the next multiple of 8, counted from the end.
  void skip_padding() noexcept {
    const ByteView part = take(bytes_.size() % 8);
    ok_ = ok_ && std::ranges::all_of(part, [](std::byte b) { return b == std::byte{0}; });
  }
  [[nodiscard]] std::string_view text(std::size_t size) noexcept {
    const ByteView part = take(size);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  /// What is left must be fewer than 8 zero bytes.
  [[nodiscard]] bool finished() const noexcept {
    return ok_ && bytes_.size() < 8 &&
           std::ranges::all_of(bytes_, [](std::byte b) { return b == std::byte{0}; });
  }

 private:
  [[nodiscard]] ByteView take(std::size_t size) noexcept {
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const ByteView part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }
  ByteView bytes_;
  bool ok_ = true;
};

[[nodiscard]] std::size_t names_size(const OutcomeRecord& record) noexcept {
  std::size_t size = 0;
  for (const Component& component : record.all()) {
    size += 1 + component.name.size();
  }
  return size;
}

template <class Record>
[[nodiscard]] RecordHeader sized_header(const Record& record, RecordKind kind) noexcept {
  RecordHeader header = record.header;
  header.kind = kind;
  header.size = static_cast<std::uint32_t>(encoded_size(record));
  return header;
}

[[nodiscard]] Errc open_record(ByteView bytes, RecordKind kind, RecordHeader& header) noexcept {
  const Errc verdict = read_header(bytes, header);
  if (verdict != Errc::ok) {
    return verdict;
  }
  return header.kind == kind ? Errc::ok : Errc::corrupt_state;
}

}  // namespace

std::string_view to_string(Rung rung) noexcept {
  switch (rung) {
    case Rung::policy:
      return "policy";
    case Rung::snapshot:
      return "snapshot";
    case Rung::fallback:
      return "fallback";
    case Rung::uniform:
      return "uniform";
    case Rung::allocation:
      return "static";
  }
  return "unknown";
}

std::string_view to_string(ChoiceReason reason) noexcept {
  switch (reason) {
    case ChoiceReason::usual:
      return "usual";
    case ChoiceReason::killed:
      return "killed";
    case ChoiceReason::policy_failed:
      return "policy_failed";
    case ChoiceReason::policy_tripped:
      return "policy_tripped";
    case ChoiceReason::no_sound_arm:
      return "no_sound_arm";
    case ChoiceReason::trial:
      return "trial";
    case ChoiceReason::probation:
      return "probation";
    case ChoiceReason::exploration_cap:
      return "exploration_cap";
    case ChoiceReason::baseline:
      return "baseline";
    case ChoiceReason::drift:
      return "drift";
    case ChoiceReason::unfamiliar:
      return "unfamiliar";
    case ChoiceReason::share_floor:
      return "share_floor";
  }
  return "unknown";
}

std::uint64_t text_key(std::string_view text) noexcept {
  return text.empty() ? 0 : std::max<std::uint64_t>(1, hash64(text));
}

std::size_t encoded_size(const DecisionRecord& record) noexcept {
  const std::size_t doubles = record.input.dense.size() + record.input.sparse.value.size() +
                              record.values.size() + record.action_features.size();
  const std::size_t words = record.input.sparse.index.size() + record.offered.size();
  return padded(sizeof(RecordHeader) + sizeof(DecisionBody) + doubles * sizeof(double) +
                words * sizeof(std::uint32_t)) +
         (record.subject != 0 ? sizeof record.subject : 0);
}

std::size_t encoded_size(const OutcomeRecord& record) noexcept {
  const std::size_t doubles =
      record.component_count + record.next.dense.size() + record.next.sparse.value.size();
  return padded(sizeof(RecordHeader) + sizeof(OutcomeBody) + doubles * sizeof(double) +
                record.next.sparse.index.size() * sizeof(std::uint32_t) + names_size(record)) +
         (record.source != 0 ? sizeof record.source : 0);
}

std::size_t encoded_size(const EventRecord& record) noexcept {
  return padded(sizeof(RecordHeader) + sizeof(EventBody) + record.numbers.size() * sizeof(double) +
                record.text.size());
}

void encode(const DecisionRecord& record, std::span<std::byte> out) noexcept {
  const Input& input = record.input;
  Packer packer(out);
  RecordHeader header = sized_header(record, RecordKind::decision);
  header.flags = static_cast<std::uint16_t>((header.flags & ~DecisionRecord::kSubject) |
                                            (record.subject != 0 ? DecisionRecord::kSubject : 0));
  packer.put(header);
  packer.put(DecisionBody{.sequence = record.sequence,
                          .version = record.version,
                          .propensity = record.propensity,
                          .score = record.score,
                          .episode = record.episode,
                          .client_key = record.client_key,
                          .arm = static_cast<std::uint32_t>(record.arm),
                          .rung = static_cast<std::uint32_t>(record.rung),
                          .dense = static_cast<std::uint32_t>(input.dense.size()),
                          .sparse = static_cast<std::uint32_t>(input.sparse.index.size()),
                          .values = static_cast<std::uint32_t>(record.values.size()),
                          .action_features = static_cast<std::uint32_t>(record.action_features.size()),
                          .offered = static_cast<std::uint32_t>(record.offered.size()),
                          .reason = static_cast<std::uint16_t>(record.reason),
                          .arm_generation = record.arm_generation});
  packer.all(input.dense);
  packer.all(input.sparse.value);
  packer.all(record.values);
  packer.all(record.action_features);
  packer.all(input.sparse.index);
  packer.all(record.offered);
  if (record.subject != 0) {
    packer.pad();
    packer.put(record.subject);
  }
  packer.finish();
}

void encode(const OutcomeRecord& record, std::span<std::byte> out) noexcept {
  Packer packer(out);
  RecordHeader header = sized_header(record, RecordKind::outcome);
  header.flags = static_cast<std::uint16_t>((header.flags & ~OutcomeRecord::kSource) |
                                            (record.source != 0 ? OutcomeRecord::kSource : 0));
  packer.put(header);
  packer.put(OutcomeBody{.key = record.key,
                         .components = record.component_count,
                         .text = static_cast<std::uint32_t>(names_size(record)),
                         .next_dense = static_cast<std::uint32_t>(record.next.dense.size()),
                         .next_sparse = static_cast<std::uint32_t>(record.next.sparse.index.size())});
  for (const Component& component : record.all()) {
    packer.put(component.value);
  }
  packer.all(record.next.dense);
  packer.all(record.next.sparse.value);
  packer.all(record.next.sparse.index);
  for (const Component& component : record.all()) {
    packer.put(static_cast<std::uint8_t>(component.name.size()));
    packer.raw(component.name.data(), component.name.size());
  }
  if (record.source != 0) {
    packer.pad();
    packer.put(record.source);
  }
  packer.finish();
}

void encode(const EventRecord& record, std::span<std::byte> out) noexcept {
  Packer packer(out);
  packer.put(sized_header(record, RecordKind::event));
  packer.put(EventBody{.number = record.number,
                       .value = record.value,
                       .aux = record.aux,
                       .kind = static_cast<std::uint32_t>(record.kind),
                       .numbers = static_cast<std::uint32_t>(record.numbers.size()),
                       .text = static_cast<std::uint32_t>(record.text.size()),
                       .reserved = 0});
  packer.all(record.numbers);
  packer.raw(record.text.data(), record.text.size());
  packer.finish();
}

Errc read_header(ByteView bytes, RecordHeader& out) noexcept {
  if (bytes.size() < sizeof(RecordHeader)) {
    return Errc::corrupt_state;
  }
  std::memcpy(&out, bytes.data(), sizeof(RecordHeader));
  return out.size == bytes.size() && out.size % 8 == 0 ? Errc::ok : Errc::corrupt_state;
}

Errc decode(ByteView bytes, DecisionRecord& out) noexcept {
  if (const Errc verdict = open_record(bytes, RecordKind::decision, out.header); verdict != Errc::ok) {
    return verdict;
  }
  Unpacker unpacker(bytes.subspan(sizeof(RecordHeader)));
  DecisionBody body{};
  unpacker.get(body);
  out.sequence = body.sequence;
  out.version = body.version;
  out.propensity = body.propensity;
  out.score = body.score;
  out.episode = body.episode;
  out.client_key = body.client_key;
  out.arm = static_cast<ArmIndex>(body.arm);
  out.rung = static_cast<Rung>(body.rung);
  out.reason = static_cast<ChoiceReason>(body.reason);
  out.arm_generation = body.arm_generation;
  out.input.dense = unpacker.all<double>(body.dense);
  out.input.sparse.value = unpacker.all<double>(body.sparse);
  out.values = unpacker.all<double>(body.values);
  out.action_features = unpacker.all<double>(body.action_features);
  out.input.sparse.index = unpacker.all<std::uint32_t>(body.sparse);
  out.offered = unpacker.all<ArmIndex>(body.offered);
  out.subject = 0;
  if ((out.header.flags & DecisionRecord::kSubject) != 0) {
    unpacker.skip_padding();
    unpacker.get(out.subject);
    if (out.subject == 0) {
      return Errc::corrupt_state;  // cut short, or a flag without what it announces
    }
  }
  const bool known_rung = body.rung < kRungs && body.reason < kChoiceReasons;
  return unpacker.finished() && known_rung ? Errc::ok : Errc::corrupt_state;
}

Errc decode(ByteView bytes, OutcomeRecord& out) noexcept {
  if (const Errc verdict = open_record(bytes, RecordKind::outcome, out.header); verdict != Errc::ok) {
    return verdict;
  }
  Unpacker unpacker(bytes.subspan(sizeof(RecordHeader)));
  OutcomeBody body{};
  unpacker.get(body);
  if (body.components > OutcomeRecord::kMaxComponents) {
    return Errc::corrupt_state;
  }
  out.key = body.key;
  out.component_count = body.components;
  for (std::uint32_t i = 0; i < body.components; ++i) {
    unpacker.get(out.components[i].value);
  }
  out.next.dense = unpacker.all<double>(body.next_dense);
  out.next.sparse.value = unpacker.all<double>(body.next_sparse);
  out.next.sparse.index = unpacker.all<std::uint32_t>(body.next_sparse);
  std::size_t text = 0;
  for (std::uint32_t i = 0; i < body.components; ++i) {
    std::uint8_t length = 0;
    unpacker.get(length);
    out.components[i].name = unpacker.text(length);
    text += std::size_t{1} + length;
  }
  out.source = 0;
  if ((out.header.flags & OutcomeRecord::kSource) != 0) {
    unpacker.skip_padding();
    unpacker.get(out.source);
    if (out.source == 0) {
      return Errc::corrupt_state;  // cut short, or a flag without what it announces
    }
  }
  return unpacker.finished() && text == body.text ? Errc::ok : Errc::corrupt_state;
}

Errc decode(ByteView bytes, EventRecord& out) noexcept {
  if (const Errc verdict = open_record(bytes, RecordKind::event, out.header); verdict != Errc::ok) {
    return verdict;
  }
  Unpacker unpacker(bytes.subspan(sizeof(RecordHeader)));
  EventBody body{};
  unpacker.get(body);
  out.kind = static_cast<EventKind>(body.kind);
  out.number = body.number;
  out.value = body.value;
  out.aux = body.aux;
  out.numbers = unpacker.all<double>(body.numbers);
  out.text = unpacker.text(body.text);
  const bool known = body.kind >= static_cast<std::uint32_t>(EventKind::tick) &&
                     body.kind <= static_cast<std::uint32_t>(EventKind::frozen);
  return unpacker.finished() && known ? Errc::ok : Errc::corrupt_state;
}

void finish_record(std::span<std::byte> bytes, std::uint64_t position) noexcept {
  RecordHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.position = position;
  header.checksum = 0;
  std::memcpy(bytes.data(), &header, sizeof header);
  const std::uint32_t checksum = crc32c(bytes);
  std::memcpy(bytes.data() + kChecksumOffset, &checksum, sizeof checksum);
}

bool verify_record(ByteView bytes) noexcept {
  RecordHeader header;
  if (read_header(bytes, header) != Errc::ok) {
    return false;
  }
  const std::uint32_t stored = header.checksum;
  header.checksum = 0;
  std::array<std::byte, sizeof header> front{};
  std::memcpy(front.data(), &header, sizeof header);
  return crc32c(bytes.subspan(sizeof header), crc32c(front)) == stored;
}

}  // namespace attune
