// SPDX-License-Identifier: Apache-2.0
#include <attune/core/record.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace attune::record_test {
namespace {

template <class Record>
std::vector<std::uint64_t> encoded(const Record& record) {
  std::vector<std::uint64_t> words(encoded_size(record) / 8);
  encode(record, std::as_writable_bytes(std::span(words)));
  return words;
}

class Decision : public ::testing::Test {
 protected:
  std::vector<double> dense{1.0, -0.0, 3.5};
  std::vector<std::uint32_t> index{2, 9, 11};
  std::vector<double> value{0.5, 0.25, -1.0};
  std::vector<ArmIndex> offered{to_arm(4), to_arm(1)};
  std::vector<double> values{7.0};
  std::vector<double> action{0.1, 0.2};

  [[nodiscard]] DecisionRecord sample() const {
    DecisionRecord record;
    record.header.time = 123;
    record.header.point = 5;
    record.header.flags = DecisionRecord::kGreedy;
    record.header.id = Uuid::v7(1, 2, 3);
    record.sequence = 77;
    record.version = 78;
    record.propensity = std::numeric_limits<double>::quiet_NaN();
    record.score = 0.5;
    record.episode = 9;
    record.client_key = 10;
    record.arm = to_arm(4);
    record.arm_generation = 3;
    record.rung = Rung::fallback;
    record.input = {.dense = dense, .sparse = {.index = index, .value = value}};
    record.offered = offered;
    record.values = values;
    record.action_features = action;
    return record;
  }
};

TEST_F(Decision, ComesBackWhole) {
  const std::vector<std::uint64_t> words = encoded(sample());
  DecisionRecord read;
  ASSERT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::ok);
  EXPECT_EQ(read.header.time, 123);
  EXPECT_EQ(read.header.id, Uuid::v7(1, 2, 3));
  EXPECT_EQ(read.sequence, 77U);
  EXPECT_TRUE(std::isnan(read.propensity));
  EXPECT_EQ(read.arm, to_arm(4));
  EXPECT_EQ(read.arm_generation, 3U);
  EXPECT_EQ(read.rung, Rung::fallback);
  EXPECT_TRUE(std::ranges::equal(read.input.dense, dense));
  EXPECT_TRUE(std::signbit(read.input.dense[1]));
  EXPECT_TRUE(std::ranges::equal(read.input.sparse.index, index));
  EXPECT_TRUE(std::ranges::equal(read.input.sparse.value, value));
  EXPECT_TRUE(std::ranges::equal(read.offered, offered));
  EXPECT_TRUE(std::ranges::equal(read.values, values));
  EXPECT_TRUE(std::ranges::equal(read.action_features, action));
}

TEST_F(Decision, ASubjectIsTheLastWordAndItsAbsenceChangesNothing) {
  for (const std::size_t arms : {1U, 2U}) {  // with and without padding before it
    DecisionRecord record = sample();
    record.offered = std::span<const ArmIndex>(offered).first(arms);
    const std::vector<std::uint64_t> plain = encoded(record);
    record.subject = 0x1234'5678'9ABC'DEF0U;
    const std::vector<std::uint64_t> words = encoded(record);
    ASSERT_EQ(words.size(), plain.size() + 1);
    EXPECT_EQ(words.back(), record.subject);
    DecisionRecord read;
    ASSERT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::ok);
    EXPECT_EQ(read.subject, record.subject);
    EXPECT_EQ(read.header.flags, DecisionRecord::kGreedy | DecisionRecord::kSubject);
    EXPECT_TRUE(std::ranges::equal(read.offered, record.offered));
    ASSERT_EQ(decode(std::as_bytes(std::span(plain)), read), Errc::ok);
    EXPECT_EQ(read.subject, 0U);
    EXPECT_EQ(read.header.flags, DecisionRecord::kGreedy);
  }
}

TEST_F(Decision, AFlagWithoutASubjectIsRefused) {
  DecisionRecord record = sample();
  record.subject = 7;
  std::vector<std::uint64_t> words = encoded(record);
  words.back() = 0;
  DecisionRecord read;
  EXPECT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::corrupt_state);
  words = encoded(record);  // the word is there, the flag is not
  auto flags = static_cast<std::uint16_t>(DecisionRecord::kGreedy);
  std::memcpy(reinterpret_cast<std::byte*>(words.data()) + offsetof(RecordHeader, flags), &flags,
              sizeof flags);
  EXPECT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::corrupt_state);
  record.header.flags |= DecisionRecord::kSubject;  // encode() sets the flag by what there is
  record.subject = 0;
  words = encoded(record);
  ASSERT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::ok);
  EXPECT_EQ(read.header.flags, DecisionRecord::kGreedy);
}

TEST_F(Decision, ItsChecksumNoticesEveryFlippedBit) {
  std::vector<std::uint64_t> words = encoded(sample());
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(words));
  finish_record(bytes, 42);
  ASSERT_TRUE(verify_record(bytes));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(verify_record(bytes)) << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST_F(Decision, HostileBytesAreRefusedOrDecodeInBounds) {
  DecisionRecord sound = sample();
  sound.subject = 99;
  const std::vector<std::uint64_t> words = encoded(sound);
  const std::size_t size = words.size() * 8;
  for (std::size_t bit = 0; bit < 8 * size; ++bit) {
    std::vector<std::uint64_t> bad = words;
    std::as_writable_bytes(std::span(bad))[bit / 8] ^= std::byte{1} << (bit % 8);
    DecisionRecord read;
    if (decode(std::as_bytes(std::span(bad)), read) == Errc::ok) {
      double sum = 0.0;  // the sanitizers watch these reads
      for (const double x : read.input.dense) {
        sum += std::isfinite(x) ? 1.0 : 0.0;
      }
      EXPECT_LE(sum, static_cast<double>(size));
    }
  }
  for (std::size_t cut = 0; cut < size; cut += 8) {
    DecisionRecord read;
    EXPECT_EQ(decode(std::as_bytes(std::span(words)).first(cut), read), Errc::corrupt_state) << cut;
  }
}

TEST(Outcome, ComesBackWhole) {
  OutcomeRecord record;
  record.header.id = Uuid::v7(1, 2, 3);
  record.header.flags = OutcomeRecord::kTruncated;
  record.key = 99;
  const std::string longest(255, 'x');
  record.components[0] = {.name = "quality", .value = 0.5};
  record.components[1] = {.name = longest, .value = -2.0};
  record.component_count = 2;
  const std::vector<double> next{4.0};
  record.next.dense = next;
  const std::vector<std::uint64_t> words = encoded(record);
  OutcomeRecord read;
  ASSERT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::ok);
  ASSERT_EQ(read.component_count, 2U);
  EXPECT_EQ(read.components[0].name, "quality");
  EXPECT_EQ(read.components[1].name, longest);
  EXPECT_EQ(read.components[1].value, -2.0);
  EXPECT_EQ(read.next.dense.size(), 1U);
  EXPECT_EQ(read.header.flags, OutcomeRecord::kTruncated);
  DecisionRecord wrong;
  EXPECT_EQ(decode(std::as_bytes(std::span(words)), wrong), Errc::corrupt_state);
}

TEST(Outcome, ASourceIsTheLastWordAndItsAbsenceChangesNothing) {
  for (std::size_t length = 1; length <= 9; ++length) {  // every padding before it
    OutcomeRecord record;
    record.header.flags = OutcomeRecord::kTerminal;
    const std::string name(length, 'x');
    record.components[0] = {.name = name, .value = 0.5};
    record.component_count = 1;
    const std::vector<std::uint64_t> plain = encoded(record);
    record.source = 0x1234'5678'9ABC'DEF0U;
    std::vector<std::uint64_t> words = encoded(record);
    ASSERT_EQ(words.size(), plain.size() + 1);
    EXPECT_EQ(words.back(), record.source);
    OutcomeRecord read;
    ASSERT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::ok);
    EXPECT_EQ(read.source, record.source);
    EXPECT_EQ(read.components[0].name, name);
    EXPECT_EQ(read.header.flags, OutcomeRecord::kTerminal | OutcomeRecord::kSource);
    words.back() = 0;
    EXPECT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::corrupt_state);
    ASSERT_EQ(decode(std::as_bytes(std::span(plain)), read), Errc::ok);
    EXPECT_EQ(read.source, 0U);
    EXPECT_EQ(read.header.flags, OutcomeRecord::kTerminal);
  }
}

TEST(Event, ComesBackWhole) {
  EventRecord record;
  record.kind = EventKind::arm_added;
  record.text = "gpt";
  record.value = 0.5;
  record.aux = 2.0;
  const std::vector<double> numbers{1.0, 2.0};
  record.numbers = numbers;
  const std::vector<std::uint64_t> words = encoded(record);
  EventRecord read;
  ASSERT_EQ(decode(std::as_bytes(std::span(words)), read), Errc::ok);
  EXPECT_EQ(read.kind, EventKind::arm_added);
  EXPECT_EQ(read.text, "gpt");
  EXPECT_TRUE(std::ranges::equal(read.numbers, numbers));
  EXPECT_EQ(read.aux, 2.0);
}

}  // namespace
}  // namespace attune::record_test
