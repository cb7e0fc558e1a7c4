// SPDX-License-Identifier: Apache-2.0
#include "engine/arm_table.hpp"

#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

#include "tests/support/allocation_counter.hpp"

namespace attune::arm_table_test {
namespace {

Bytes bytes_of(const ArmTable& table) {
  Writer writer;
  table.save(writer);
  return std::move(writer).take();
}

ArmTable three_arms() {
  ArmTable table(2);
  for (const char* id : {"small", "große", "三"}) {
    EXPECT_TRUE(table.add(id, std::array{1.0, 2.0}));
  }
  return table;
}

TEST(ArmTable, FindsArmsByTheirIds) {
  const ArmTable table = three_arms();
  EXPECT_EQ(table.find("small"), to_arm(0));
  EXPECT_EQ(table.find("große"), to_arm(1));
  EXPECT_EQ(table.find("三"), to_arm(2));
  EXPECT_EQ(table.find("smal"), kNoArm);
  EXPECT_EQ(table.find(""), kNoArm);
  EXPECT_EQ(table.id(to_arm(1)), "große");
  EXPECT_EQ(table.id(to_arm(3)), "");
  EXPECT_EQ(table.id(kNoArm), "");
  EXPECT_EQ(table.arm_count(), 3U);
  EXPECT_EQ(table.enabled_count(), 3U);
}

TEST(ArmTable, GivesTheLowestFreeSlotWithANewIncarnation) {
  ArmTable table = three_arms();
  ASSERT_EQ(table.remove(to_arm(1)), Errc::ok);
  ASSERT_EQ(table.remove(to_arm(0)), Errc::ok);
  EXPECT_EQ(table.find("small"), kNoArm);
  EXPECT_EQ(table.arm_count(), 1U);
  EXPECT_EQ(table.slot_count(), 3U);

  EXPECT_EQ(table.add("fourth", std::array{3.0, 4.0}).value(), to_arm(0));
  EXPECT_EQ(table.incarnation(to_arm(0)), 2U);
  EXPECT_EQ(table.incarnation(to_arm(1)), 1U);
  EXPECT_EQ(table.add("fifth", std::array{5.0, 6.0}).value(), to_arm(1));
  EXPECT_EQ(table.add("sixth", std::array{7.0, 8.0}).value(), to_arm(3));
  EXPECT_EQ(table.features(to_arm(0))[1], 4.0);
  EXPECT_EQ(table.features().rows[7], 8.0);
}

TEST(ArmTable, ForgetsWhatItKnewOfARemovedArm) {
  ArmTable table = three_arms();
  table.note_selection(to_arm(2));
  EXPECT_EQ(table.selections(to_arm(2)), 1U);
  ASSERT_EQ(table.remove(to_arm(2)), Errc::ok);
  EXPECT_EQ(table.selections(to_arm(2)), 0U);
  table.note_selection(to_arm(2));
  table.note_selection(kNoArm);
  EXPECT_EQ(table.selections(to_arm(2)), 0U);
  EXPECT_TRUE(table.features(to_arm(2)).empty());
  EXPECT_EQ(table.features().rows[5], 0.0);
  EXPECT_FALSE(table.enabled(to_arm(2)));
  EXPECT_EQ(table.enabled_count(), 2U);
}

TEST(ArmTable, EnablesAndDisablesAndCountsOnce) {
  ArmTable table = three_arms();
  EXPECT_EQ(table.set_enabled(to_arm(1), false), Errc::ok);
  EXPECT_EQ(table.set_enabled(to_arm(1), false), Errc::ok);
  EXPECT_EQ(table.enabled_count(), 2U);
  EXPECT_FALSE(table.enabled(to_arm(1)));
  EXPECT_EQ(table.set_enabled(to_arm(1), true), Errc::ok);
  EXPECT_EQ(table.enabled_count(), 3U);
  EXPECT_EQ(table.set_enabled(to_arm(3), true), Errc::unknown_arm);
  EXPECT_EQ(table.set_enabled(kNoArm, true), Errc::unknown_arm);
  EXPECT_EQ(table.remove(kNoArm), Errc::unknown_arm);
  ASSERT_EQ(table.remove(to_arm(1)), Errc::ok);
  EXPECT_EQ(table.remove(to_arm(1)), Errc::unknown_arm);
  EXPECT_EQ(table.set_enabled(to_arm(1), true), Errc::unknown_arm);
}

TEST(ArmTable, RefusesBadArmsAndChangesNothing) {
  ArmTable table = three_arms();
  const ArmTable before = table;
  const std::array<double, 2> good{0.0, 0.0};
  const std::array<double, 2> bad{0.0, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_EQ(table.add("small", good).error().code, Errc::duplicate);
  EXPECT_EQ(table.add("", good).error().code, Errc::invalid_argument);
  EXPECT_EQ(table.add(std::string(256, 'x'), good).error().code, Errc::invalid_argument);
  EXPECT_EQ(table.add("line\n", good).error().code, Errc::invalid_argument);
  EXPECT_EQ(table.add("new").error().code, Errc::dimension_mismatch);
  EXPECT_EQ(table.add("new", bad).error().code, Errc::non_finite);
  EXPECT_TRUE(table == before);
  EXPECT_TRUE(table.add(std::string(255, 'x'), good));
}

TEST(ArmTable, KnowsUtf8) {
  for (const char* good :
       {"", "a", "ß", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  // Lone continuation, overlong, surrogate, above U+10FFFF, cut, and bytes that never occur.
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xFF", "ok\xFE"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
  EXPECT_NE(broken_name_rule("a\x7F").find("control"), std::string::npos);
  EXPECT_NE(broken_name_rule("a\xC2\x85").find("control"), std::string::npos);
  EXPECT_EQ(broken_name_rule("a\xC2\xA0"), "");
}

TEST(ArmTable, SavesAndLoadsBitForBit) {
  ArmTable table = three_arms();
  table.note_selection(to_arm(2));
  ASSERT_EQ(table.remove(to_arm(0)), Errc::ok);
  ASSERT_EQ(table.set_enabled(to_arm(1), false), Errc::ok);
  const Bytes bytes = bytes_of(table);

  ArmTable copy(2);
  Reader reader(bytes);
  ASSERT_TRUE(copy.load(reader));
  EXPECT_TRUE(reader.at_end());
  EXPECT_TRUE(copy == table);
  EXPECT_EQ(bytes_of(copy), bytes);
  EXPECT_EQ(copy.find("三"), to_arm(2));
  EXPECT_EQ(copy.enabled_count(), 1U);
  EXPECT_EQ(copy.add("next", std::array{0.0, 0.0}).value(), to_arm(0));
}

TEST(ArmTable, RefusesDamagedBytesAndChangesNothing) {
  ArmTable table = three_arms();
  ASSERT_EQ(table.remove(to_arm(0)), Errc::ok);
  const Bytes bytes = bytes_of(table);
  ArmTable target(2);
  ASSERT_TRUE(target.add("kept", std::array{1.0, 1.0}));
  const ArmTable before = target;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    Reader reader(ByteView(bytes).first(cut));
    EXPECT_FALSE(target.load(reader)) << "cut at " << cut;
    EXPECT_TRUE(target == before);
  }
  // A flipped bit is refused, or gives a table that keeps its invariants and saves what was read.
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= std::byte{static_cast<unsigned char>(1U << (bit % 8))};
    ArmTable loaded(2);
    Reader reader(flipped);
    if (loaded.load(reader)) {
      EXPECT_EQ(bytes_of(loaded), flipped) << "bit " << bit;
      EXPECT_TRUE(loaded.add("another one", std::array{0.0, 0.0}));
    }
  }
  ArmTable other(3);
  Reader reader(bytes);
  EXPECT_EQ(other.load(reader).error().code, Errc::dimension_mismatch);
}

TEST(ArmTable, AgreesWithAMapUnderRandomOperations) {
  Rng rng(7);
  ArmTable table;
  std::map<std::string, bool> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::string id = "arm-" + std::to_string(rng.below(200));
    switch (rng.below(3)) {
      case 0:
        EXPECT_EQ(table.add(id).has_value(), model.emplace(id, true).second);
        break;
      case 1:
        EXPECT_EQ(table.remove(table.find(id)) == Errc::ok, model.erase(id) == 1);
        break;
      default:
        const bool on = rng.below(2) == 0;
        const auto known = model.find(id);
        EXPECT_EQ(table.set_enabled(table.find(id), on) == Errc::ok, known != model.end());
        if (known != model.end()) {
          known->second = on;
        }
    }
  }
  ASSERT_EQ(table.arm_count(), model.size());
  EXPECT_LE(table.slot_count(), 200U);
  std::size_t enabled = 0;
  for (const auto& [id, on] : model) {
    const ArmIndex arm = table.find(id);
    ASSERT_EQ(table.id(arm), id);
    EXPECT_EQ(table.enabled(arm), on);
    enabled += on ? 1 : 0;
  }
  EXPECT_EQ(table.enabled_count(), enabled);
}

TEST(ArmTable, LooksUpWithoutAllocation) {
  const ArmTable table = three_arms();
  const std::string_view known = "große";
  const std::string_view unknown = "an id that is longer than what fits a small string";
  const test::AllocationCount allocations;
  const ArmIndex found = table.find(known);
  const ArmIndex missing = table.find(unknown);
  EXPECT_EQ(allocations.count(), 0U);
  EXPECT_EQ(found, to_arm(1));
  EXPECT_EQ(missing, kNoArm);
}

TEST(ArmTable, HoldsAHundredThousandArms) {
  ArmTable table;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(table.add(std::to_string(i)));
  }
  EXPECT_EQ(table.find("99999"), to_arm(99'999));
  const ArmTable copy = table;
  EXPECT_TRUE(copy == table);
  EXPECT_EQ(copy.find("12345"), to_arm(12'345));
}

}  // namespace
}  // namespace attune::arm_table_test
