// SPDX-License-Identifier: Apache-2.0
/// @file
/// What is in the stores of tests/compat/stores, whichever version wrote them: the recipe by which they are
/// made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/store/store_fixture.hpp"

namespace attune::test {

/// One store of every format has this content. Changing it means writing all fixtures anew, which nobody can:
/// it never changes.
struct Recipe {
  static constexpr std::uint64_t kRecords = 60;
  static constexpr std::uint64_t kBatch = 20;  ///< with a checkpoint at the end of each

  static RecordList records() {
    RecordList list;
    list.event(EventKind::arm_added, "small").event(EventKind::arm_added, "large");
    list.mixed(kRecords - 2);
    return list;
  }
  /// Half of it can be compressed. Number `number` differs from the one before in its middle only.
  static Bytes state(std::uint64_t number) {
    Bytes state = state_of(3000, 11);
    state.resize(6000, std::byte{0x40});
    const Bytes middle = state_of(500, static_cast<unsigned>(number));
    std::copy(middle.begin(), middle.end(), state.begin() + 2000);
    return state;
  }
  static Nanos checkpoint_time(std::uint64_t number) {
    return RecordList::time_of(number * kBatch) + kSecond / 2;
  }
  static Names names() {
    return {.point = [](std::uint32_t point) { return std::string_view(point == 0 ? "gateway" : ""); },
            .arm = [](std::uint32_t, std::uint32_t arm,
                      std::uint16_t) { return std::string_view(arm == 0 ? "small" : ""); }};
  }

  /// Writes it at `path`; `after_batch(number)` is called while it is open.
  template <class AfterBatch>
  static void make(const std::string& path, AfterBatch&& after_batch) {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    journal->set_names(names());
    ASSERT_TRUE(journal->set_meta("seed", "7"));
    ASSERT_TRUE(journal->set_meta("config", R"({"points": []})"));
    const RecordList list = records();
    const std::vector<ByteView> views = list.views();
    for (std::uint64_t number = 1; number * kBatch <= kRecords; ++number) {
      ASSERT_TRUE(journal->append(std::span(views).subspan((number - 1) * kBatch, kBatch), state(number),
                                  checkpoint_time(number), "digest-" + std::to_string(number), 3));
      after_batch(number);
    }
  }
};

}  // namespace attune::test
