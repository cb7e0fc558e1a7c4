// SPDX-License-Identifier: Apache-2.0
// The seed corpora, and small changes of them, as plain tests; and how the binary seeds were made.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/sim_posix.hpp"
#include "tests/faults/small_store.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/fuzz/targets.hpp"

namespace attune::fuzz {

// For the names of tests: an address would give each run other ones.
static void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

namespace corpus_test {
namespace {

const std::filesystem::path kCorpus = std::filesystem::path(ATTUNE_TEST_SOURCE_DIR) / "tests/fuzz/corpus";

std::vector<std::uint8_t> bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class FuzzCorpus : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzCorpus, IsReplayedWithSmallChanges) {
  const Target& target = GetParam();
  const bool text = target.name == "config" || target.name == "protocol";
  test::FaultCount count(text ? "F28" : "F25",
                         "corpus of the fuzz target " + std::string(target.name) + ", with changes");
  Rng rng(1, name_stream(target.name));
  const std::uint64_t changes = (target.name == "store" ? 150 : 400) * test::fault_scale();
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus / target.name)) {
    const std::vector<std::uint8_t> seed = bytes_of(entry.path());
    target.run(seed);
    count.pass();
    ++files;
    for (std::uint64_t i = 0; i < changes && !seed.empty(); ++i) {
      std::vector<std::uint8_t> changed = seed;
      for (std::uint64_t times = 1 + rng.below(4); times > 0 && !changed.empty(); --times) {
        const auto at = static_cast<std::ptrdiff_t>(rng.below(changed.size()));
        switch (rng.below(4)) {
          case 0:
            changed[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << rng.below(8));
            break;
          case 1:
            changed[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(rng());
            break;
          case 2:
            changed.erase(changed.begin() + at);
            break;
          default:
            changed.insert(changed.begin() + at, static_cast<std::uint8_t>(rng()));
        }
      }
      target.run(changed);
      count.pass();
    }
  }
  EXPECT_GT(files, 0U) << "no corpus at " << kCorpus / target.name;
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, ::testing::ValuesIn(kTargets),
                         [](const auto& tested) { return std::string(tested.param.name); });

void write(const std::string& target, const std::string& name, ByteView bytes) {
  std::filesystem::create_directories(kCorpus / target);
  std::ofstream(kCorpus / target / name, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// ATTUNE_WRITE_CORPUS=1 test_fuzz --gtest_filter=FuzzSeeds.*: after a change of a format.
TEST(FuzzSeeds, AreWrittenOnRequest) {
  if (std::getenv("ATTUNE_WRITE_CORPUS") == nullptr) {
    GTEST_SKIP() << "only with ATTUNE_WRITE_CORPUS=1";
  }
  test::RecordList records;
  records.mixed(5).event(EventKind::arm_added, "new arm");
  int number = 0;
  for (const ByteView view : records.views()) {
    write("record", std::to_string(++number), view);
  }
  for (const int decisions : {0, 3}) {
    Result<Engine> engine = Engine::open(
        kStateConfig,
        {.clock = std::make_shared<ManualClock>(), .journal = {}, .credit_functions = {}, .log = {}});
    ASSERT_TRUE(engine);
    Bytes state = engine->state();
    for (int i = 0; i < decisions; ++i) {
      Decision decision;
      const std::array<double, 2> x{0.5, 1.0};
      ASSERT_EQ(engine->decide(PointId{1}, {.dense = x}, {}, decision), Errc::ok);
      ASSERT_EQ(engine->outcome(decision.id, 0.5), Errc::ok);
      ASSERT_EQ(engine->decide(PointId{0}, {}, {}, decision), Errc::ok);
      ASSERT_TRUE(engine->pump());
      state = engine->state();
      std::fill_n(state.begin() + 8, 8, std::byte{0});  // the position: the target's journal is empty
    }
    write("state", std::to_string(decisions) + "-decisions", state);
  }
  const test::SimDisk::Image image = test::small_store(3, false);
  write("store", "small", image.at(std::string(test::SimDisk::kRoot) + "store.db"));
}

}  // namespace
}  // namespace corpus_test
}  // namespace attune::fuzz
