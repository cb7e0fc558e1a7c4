// SPDX-License-Identifier: Apache-2.0
#include <attune/core/serial.hpp>

#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "core/hash.hpp"

namespace attune::serial_test {
namespace {

/// The smallest thing that save_state() takes.
struct Number {
  static constexpr std::string_view kName = "number";
  static constexpr std::uint32_t kStateVersion = 2;
  double value = 0.0;

  void save(Writer& writer) const { writer.f64(value); }
  [[nodiscard]] Result<void> load(Reader& reader) {
    const double read = reader.finite();
    if (!reader.ok() || !reader.at_end()) {
      return fail(Errc::corrupt_state, "number: not one finite double");
    }
    value = read;
    return {};
  }
};

TEST(Serial, ReadsBackWhatWasWritten) {
  Writer writer;
  writer.u8(7);
  writer.u32(0xDEADBEEF);
  writer.i64(-3);
  writer.f64(-0.0);
  writer.f64(std::numeric_limits<double>::quiet_NaN());
  writer.boolean(true);
  writer.text("arm");
  writer.numbers(std::vector<double>{1.5, -2.5});
  Reader reader(writer.view());
  EXPECT_EQ(reader.u8(), 7);
  EXPECT_EQ(reader.u32(), 0xDEADBEEF);
  EXPECT_EQ(reader.i64(), -3);
  EXPECT_TRUE(std::signbit(reader.f64()));
  EXPECT_TRUE(std::isnan(reader.f64()));
  EXPECT_TRUE(reader.boolean());
  EXPECT_EQ(reader.text(), "arm");
  EXPECT_EQ(reader.numbers<double>(), (std::vector<double>{1.5, -2.5}));
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
}

TEST(Serial, AFailedReadSticksAndGivesZeros) {
  Writer writer;
  writer.u32(5);
  Reader reader(writer.view());
  EXPECT_EQ(reader.u64(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u32(), 0U);
}

TEST(Serial, ALengthBeyondTheInputIsRefusedBeforeAnythingIsAllocated) {
  Writer writer;
  writer.u64(std::numeric_limits<std::uint64_t>::max());
  Reader doubles(writer.view());
  EXPECT_TRUE(doubles.numbers<double>(std::numeric_limits<std::size_t>::max()).empty());
  EXPECT_FALSE(doubles.ok());
  Reader text(writer.view());
  EXPECT_TRUE(text.text().empty());
  EXPECT_FALSE(text.ok());
}

TEST(Serial, BooleansAndFiniteNumbersAreChecked) {
  Writer writer;
  writer.u8(2);
  writer.f64(std::numeric_limits<double>::infinity());
  Reader flag(writer.view());
  static_cast<void>(flag.boolean());
  EXPECT_FALSE(flag.ok());
  Reader number(writer.view().subspan(1));
  EXPECT_EQ(number.finite(), 0.0);
  EXPECT_FALSE(number.ok());
}

TEST(State, ComesBack) {
  const Bytes bytes = save_state(Number{.value = 2.5});
  Number number;
  ASSERT_TRUE(load_state(number, bytes));
  EXPECT_EQ(number.value, 2.5);
}

TEST(State, EveryFlippedBitAndEveryCutIsNoticed) {
  const Bytes good = save_state(Number{.value = 2.5});
  for (std::size_t size = 0; size < good.size(); ++size) {
    Number number{.value = 1.0};
    EXPECT_FALSE(load_state(number, ByteView(good).first(size)));
    EXPECT_EQ(number.value, 1.0);
  }
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= std::byte{1} << (bit % 8);
    Number number{.value = 1.0};
    EXPECT_FALSE(load_state(number, bad)) << bit;
    EXPECT_EQ(number.value, 1.0);
  }
}

TEST(State, SaysWhatIsWrong) {
  const Bytes other = detail::seal_state("other", 1, {});
  Number number;
  const Result<void> foreign = load_state(number, other);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Errc::corrupt_state);
  EXPECT_NE(foreign.error().message.find("other"), std::string::npos);
  const Result<void> newer = load_state(number, detail::seal_state("number", 3, {}));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Errc::unsupported_version);
}

TEST(Crc32c, GivesThePublishedCheckValueBothWays) {
  const std::string_view digits = "123456789";
  const ByteView bytes(reinterpret_cast<const std::byte*>(digits.data()), digits.size());
  EXPECT_EQ(crc32c(bytes), 0xE3069283U);  // the check value of CRC-32/ISCSI
  EXPECT_EQ(detail::crc32c_table(bytes, 0), 0xE3069283U);
  EXPECT_EQ(crc32c(bytes.subspan(4), crc32c(bytes.first(4))), 0xE3069283U);
}

TEST(Hash64, GivesThePublishedValueOfTheEmptyInput) {
  EXPECT_EQ(hash64(std::string_view()), 0xEF46DB3751D8E999ULL);  // XXH64 of nothing, seed 0
}

}  // namespace
}  // namespace attune::serial_test
