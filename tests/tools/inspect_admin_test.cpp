// SPDX-License-Identifier: Apache-2.0
// attune-inspect where it changes a store: it asks, it refuses a store in use, and what it does can be seen
// and undone.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/tools/inspect_engine.hpp"
#include "tests/tools/inspect_fixture.hpp"

namespace attune::tools::inspect_admin_test {
namespace {

using test::bytes_of_file;
using test::expect_one_line;
using test::inspect;
using test::InspectRun;
using test::StoreMaker;
using test::TestFolder;
using Json = nlohmann::json;

class InspectAdmin : public ::testing::Test {
 protected:
  /// `steps` of traffic, then a checkpoint, and no engine.
  void make(int steps) {
    StoreMaker maker(path_);
    maker.steps(steps);
    ASSERT_TRUE(maker.engine().checkpoint());
    last_ = maker.engine().metrics().position;
  }
  [[nodiscard]] Json json(std::vector<std::string> words) const {
    words.insert(words.begin(), path_);
    words.emplace_back("--json");
    const InspectRun run = inspect(words);
    EXPECT_EQ(run.code, 0) << run.err << run.out;
    return Json::parse(run.out, nullptr, false);
  }

  TestFolder folder_;
  std::string path_ = folder_.file("store.db");
  std::uint64_t last_ = 0;
};

TEST_F(InspectAdmin, AsksBeforeItChangesAnything) {
  make(40);
  const std::string before = bytes_of_file(path_);
  const std::string jsonl = folder_.file("some.jsonl");
  ASSERT_EQ(inspect({path_, "export", "--out", jsonl}).code, 0);
  expect_one_line(inspect({path_, "rollback", "--to", "c1"}), 2, "this will make record 60 the last one");
  expect_one_line(inspect({path_, "compact", "--keep", "10"}), 2, "Add --yes to do it; nothing was changed");
  expect_one_line(inspect({path_, "erase", "--subject", "user-1"}), 2,
                  "this will blank 8 decisions and 7 outcomes");
  expect_one_line(inspect({path_, "import", jsonl}), 2, "Add --yes");
  expect_one_line(inspect({path_, "repair", "--out", folder_.file("new.db")}), 2, "Add --yes");
  EXPECT_EQ(bytes_of_file(path_), before);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("new.db")));
}

TEST_F(InspectAdmin, RefusesAStoreThatIsOpenForWriting) {
  StoreMaker maker(path_);
  maker.steps(40);
  const std::string busy = "is open for writing by process " + std::to_string(::getpid());
  expect_one_line(inspect({path_, "rollback", "--to", "c1", "--yes"}), 2, busy);
  expect_one_line(inspect({path_, "compact", "--keep", "10", "--yes", "--checkpoints", "1"}), 2, busy);
  expect_one_line(inspect({path_, "erase", "--subject", "user-1", "--yes"}), 2, busy);
  expect_one_line(inspect({path_, "repair", "--out", folder_.file("new.db"), "--yes"}), 2, busy);
  maker.steps(5);
  EXPECT_EQ(maker.engine().metrics().store_errors, 0U);
}

TEST_F(InspectAdmin, ExportsWhatImportTakesBackAfterARollback) {
  make(60);
  const Json before = json({"show"});
  const std::string all = inspect({path_, "export"}).out;
  EXPECT_EQ(std::ranges::count(all, '\n'), static_cast<long>(last_));
  EXPECT_TRUE(Json::accept(all.substr(0, all.find('\n'))));
  const std::string cut = folder_.file("cut.jsonl");
  const InspectRun back =
      inspect({path_, "rollback", "--to", "c2", "--out", cut, "--yes", "--by", "ticket-1"});
  EXPECT_EQ(back.code, 0) << back.err;
  EXPECT_NE(back.err.find("this will make record 120 the last one"), std::string::npos) << back.err;
  EXPECT_EQ(json({"summary"})["records"], 120);
  EXPECT_EQ(json({"verify"})["sound"], true);
  const InspectRun again = inspect({path_, "import", cut, "--yes"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(json({"show"})["points"], before["points"]) << "the same records give the same state";
  const Json audit = json({"audit"});
  ASSERT_EQ(audit["entries"].size(), 2U) << audit;
  EXPECT_EQ(audit["entries"][0]["action"], "rollback");
  EXPECT_EQ(audit["entries"][0]["actor"], "ticket-1");
  EXPECT_EQ(audit["entries"][1]["action"], "import");
  expect_one_line(inspect({path_, "rollback", "--to", "c1", "--out", cut, "--yes"}), 2, "exists already");
  expect_one_line(inspect({path_, "rollback", "--yes"}), 2, "needs --to");
  expect_one_line(inspect({path_, "export", "--out", cut}), 2, "exists");
}

TEST_F(InspectAdmin, ExportsRangesAsCsv) {
  make(30);
  const InspectRun csv = inspect({path_, "export", "--csv", "--first", "5", "--before", "9"});
  EXPECT_EQ(csv.code, 0) << csv.err;
  EXPECT_EQ(std::ranges::count(csv.out, '\n'), 5) << csv.out;
  const std::string out = folder_.file("range.jsonl");
  const Json report =
      json({"export", "--from", "2026-01-31T12:00:10Z", "--to", "2026-01-31T12:00:12Z", "--out", out});
  EXPECT_EQ(report["records"], 8) << "two steps of two decisions and two outcomes";
  expect_one_line(inspect({path_, "export", "--first", "1000000"}), 2, "no record fits");
}

TEST_F(InspectAdmin, RemovesOldRecordsAndStillVerifies) {
  make(100);
  const Json before = json({"show"});
  const InspectRun done = inspect({path_, "compact", "--keep", "50", "--yes"});
  EXPECT_EQ(done.code, 0) << done.err;
  const Json after = json({"summary"});
  EXPECT_EQ(after["records"], last_) << "the end stays where it was";
  EXPECT_EQ(json({"show"})["points"], before["points"]);
  EXPECT_EQ(json({"verify"})["sound"], true);
  EXPECT_EQ(inspect({path_, "doctor"}).code, 0) << inspect({path_, "doctor"}).out;
  EXPECT_LT(json({"points"})["records"], last_);
  expect_one_line(inspect({path_, "show", "--at", "1"}), 2, "");
  EXPECT_EQ(json({"audit"})["entries"][0]["action"], "compact");
}

TEST_F(InspectAdmin, ErasesASubjectWithoutBreakingTheChain) {
  make(40);
  const Json before = json({"show"});
  const InspectRun done =
      inspect({path_, "erase", "--subject", "user-1", "--checkpoints", "1", "--yes", "--by", "desk"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("8 decisions and 7 outcomes blanked"), std::string::npos) << done.out;
  EXPECT_EQ(json({"verify"})["sound"], true);
  EXPECT_EQ(json({"show"})["points"], before["points"]) << "what was learned stays";
  EXPECT_EQ(json({"summary"})["erased"], 15);
  EXPECT_EQ(json({"points"})["points"][0]["decisions"], 32);
  const InspectRun nobody = inspect({path_, "erase", "--subject", "nobody", "--yes"});
  EXPECT_NE(nobody.out.find("no record is about that subject"), std::string::npos);
  expect_one_line(inspect({path_, "erase"}), 2, "needs --subject");
  const StoreMaker maker(path_);  // an engine goes on from it
}

TEST_F(InspectAdmin, SavesWhatIsLeftOfADamagedStore) {
  make(40);
  test::run_sql(path_, "UPDATE outcomes SET record = zeroblob(length(record)) WHERE position = 4");
  EXPECT_EQ(inspect({path_, "verify"}).code, 1);
  const InspectRun doctor = inspect({path_, "doctor"});
  EXPECT_EQ(doctor.code, 1);
  EXPECT_TRUE(doctor.out.starts_with("critical: ")) << doctor.out;
  EXPECT_NE(doctor.out.find("record 4 is damaged"), std::string::npos) << doctor.out;
  EXPECT_NE(doctor.out.find("repair --out NEW"), std::string::npos) << doctor.out;
  const std::string damaged = bytes_of_file(path_);
  const std::string saved = folder_.file("saved.db");
  const InspectRun repair = inspect({path_, "repair", "--out", saved, "--yes", "--json"});
  EXPECT_EQ(repair.code, 0) << repair.err << repair.out;
  const Json report = Json::parse(repair.out);
  EXPECT_EQ(report["records"], last_ - 1);
  EXPECT_EQ(report["lost"], (Json{{{"first", 4}, {"last", 4}}}));
  EXPECT_EQ(report["recoverable"], true);
  EXPECT_EQ(bytes_of_file(path_), damaged) << "never in place";
  EXPECT_EQ(inspect({saved, "verify"}).code, 0) << inspect({saved, "verify"}).out;
  expect_one_line(inspect({path_, "repair", "--out", saved, "--yes"}), 2, "exists already");
  expect_one_line(inspect({path_, "repair"}), 2, "needs --out");
}

TEST_F(InspectAdmin, LooksBesideALiveEngineWithoutDisturbingIt) {
  const pid_t child = ::fork();
  if (child == 0) {
    StoreMaker maker(path_);
    for (;;) {
      maker.step();
      ::usleep(200);
    }
  }
  while (!std::filesystem::exists(path_)) {
    ::usleep(1000);
  }
  while (inspect({path_, "checkpoints", "--json"}).out.find("position") == std::string::npos) {
    ::usleep(1000);
  }
  std::uint64_t before = 0;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"summary"},
                                                {"points"},
                                                {"arms"},
                                                {"decisions"},
                                                {"outcomes"},
                                                {"checkpoints"},
                                                {"doctor"},
                                                {"explain", "1"},
                                                {"verify"},
                                                {"show"},
                                                {"diff", "10"},
                                                {"replay"},
                                                {"export"},
                                                {"audit"}}) {
    std::vector<std::string> all{path_};
    all.insert(all.end(), words.begin(), words.end());
    const InspectRun run = inspect(all);
    EXPECT_EQ(run.code, 0) << words[0] << ": " << run.err << run.out.substr(0, 2000);
    const Json summary = Json::parse(inspect({path_, "summary", "--json"}).out);
    EXPECT_EQ(summary["writer"], child);
    EXPECT_GE(summary["records"], before);
    before = summary["records"];
  }
  EXPECT_GT(before, 0U);
  expect_one_line(inspect({path_, "compact", "--keep", "1", "--checkpoints", "1", "--yes"}), 2,
                  "is open for writing by process " + std::to_string(child));
  EXPECT_EQ(::kill(child, 0), 0) << "it never noticed";
  ::kill(child, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it was writing to the end";
  EXPECT_EQ(inspect({path_, "verify"}).code, 0) << "and what it left is whole";
}

}  // namespace
}  // namespace attune::tools::inspect_admin_test
