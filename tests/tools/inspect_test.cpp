// SPDX-License-Identifier: Apache-2.0
// The program attune-inspect as an engineer on call meets it: a command, its tables, its exit code.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tools/inspect_fixture.hpp"

namespace attune::tools::inspect_test {
namespace {

using test::bytes_of_file;
using test::expect_one_line;
using test::inspect;
using test::InspectRun;
using test::make_traffic;
using test::open_or_die;
using test::RecordList;
using test::run_sql;
using test::state_of;
using test::TestFolder;
using Json = nlohmann::json;

TEST(Inspect, SumsAStoreUp) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const InspectRun text = inspect({path, "summary"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.err, "");
  for (const std::string_view line :
       {"records       12 (5 decisions, 5 outcomes, 2 events) at 1 point\n", "health        sound",
        "first         2023-11-14T22:13:21.000000Z\n", "last          2023-11-14T22:13:32.000000Z, ",
        "checkpoint    1 at record 10, 2023-11-14T22:13:30.000000Z, ", "5.86 KiB, sound; 2 records since\n",
        "writer        none\n", "rates         0.455 decisions/s, 0.455 outcomes/s over 11 s\n",
        "pending       not known: no engine was ever opened on this journal: it has no seed, node or "
        "configuration"}) {
    EXPECT_NE(text.out.find(line), std::string::npos) << line << "\n" << text.out;
  }
  const InspectRun answer = inspect({path, "summary", "--json"});
  EXPECT_EQ(answer.code, 0);
  const Json json = Json::parse(answer.out);
  EXPECT_EQ(json["records"], 12);
  EXPECT_EQ(json["checkpoint"]["position"], 10);
  EXPECT_EQ(json["checkpoint"]["records_since"], 2);
  EXPECT_EQ(json["checkpoint"]["sha256"], to_hex(sha256(state_of(6000, 1))));
  EXPECT_GT(json["checkpoint"]["age_seconds"], 0.0);
  EXPECT_TRUE(json["problems"].empty());
  EXPECT_TRUE(json["writer"].is_null());
}

TEST(Inspect, ListsPoints) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const Json json = Json::parse(inspect({path, "points", "--json"}).out);
  ASSERT_EQ(json["points"].size(), 2U);
  const Json& gateway = json["points"][0];
  EXPECT_EQ(gateway["point"], "gateway");
  EXPECT_EQ(gateway["decisions"], 4);
  EXPECT_EQ(gateway["outcomes"], 3);
  EXPECT_EQ(gateway["events"], 2);
  EXPECT_EQ(gateway["arms"], 3);
  EXPECT_EQ(gateway["explored"], 1);
  const Json& other = json["points"][1];
  EXPECT_TRUE(other["point"].is_null());
  EXPECT_EQ(other["number"], 1);
  EXPECT_EQ(other["deferred"], 1);
  const InspectRun text = inspect({path, "points", "--point", "gateway"});
  EXPECT_NE(
      text.out.find("gateway          4       50%         3       2     3       25%        0%        0%"),
      std::string::npos)
      << text.out;
  EXPECT_EQ(std::ranges::count(text.out, '\n'), 2) << text.out;
}

TEST(Inspect, JoinsRewardsToArms) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const Json json = Json::parse(inspect({path, "arms", "--json"}).out);
  ASSERT_EQ(json["arms"].size(), 4U);
  const Json& small = json["arms"][0];
  EXPECT_EQ(small["arm"], "small");
  EXPECT_EQ(small["decisions"], 3);
  EXPECT_EQ(small["explored"], 1);
  EXPECT_EQ(small["outcomes"], 3);
  EXPECT_EQ(small["components"]["quality"]["count"], 3);
  EXPECT_DOUBLE_EQ(small["components"]["quality"]["mean"].get<double>(), 0.5);  // (0.5 + 1 + 0) / 3
  EXPECT_DOUBLE_EQ(small["components"]["cost"]["mean"].get<double>(), 1.5);     // (1 + 3 + 0.5) / 3
  // Four decisions in twenty parts: parts 0, 5, 10 and 15 hold one each; the third decision took "large".
  EXPECT_EQ(small["share"], (Json{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(json["arms"][1]["arm"], "large");
  EXPECT_EQ(json["arms"][1]["state"], "disabled");
  EXPECT_EQ(json["arms"][1]["outcomes"], 0);
  EXPECT_EQ(json["arms"][2]["arm"], "huge");
  EXPECT_TRUE(json["arms"][2]["slot"].is_null());
  EXPECT_TRUE(json["arms"][3]["arm"].is_null());
  EXPECT_EQ(json["arms"][3]["slot"], 9);
  EXPECT_EQ(json["unmatched_outcomes"], 1);
  const InspectRun text = inspect({path, "arms", "--point", "gateway"});
  EXPECT_EQ(text.code, 0);
  EXPECT_NE(text.out.find("1.5 [-1.786, 4.786]  0.5 [-0.7421, 1.742]"), std::string::npos) << text.out;
  EXPECT_NE(inspect({path, "arms", "--bars"}).out.find("█····█·········█····\n"), std::string::npos);
  EXPECT_NE(text.out.find("not among the records looked at: 2\n"), std::string::npos) << text.out;
  EXPECT_EQ(Json::parse(inspect({path, "arms", "--last", "3", "--json"}).out)["arms"].size(), 2U)
      << "events name two";
}

TEST(Inspect, ShowsTheNewestDecisionsWithTheirOutcomes) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const Json json = Json::parse(inspect({path, "decisions", "--json"}).out)["decisions"];
  ASSERT_EQ(json.size(), 5U);
  EXPECT_EQ(json[4]["position"], 8) << "newest last";
  EXPECT_TRUE(json[4]["propensity"].is_null()) << "deferred";
  EXPECT_EQ(json[1]["id"], RecordList::uuid(2).to_string());
  EXPECT_EQ(json[1]["arm"], "small");
  EXPECT_EQ(json[1]["greedy"], false);
  EXPECT_EQ(json[1]["rung"], "policy");
  ASSERT_EQ(json[1]["outcomes"].size(), 2U);
  EXPECT_EQ(json[1]["outcomes"][0]["components"], (Json{{"quality", 1.0}, {"cost", 3.0}}));
  EXPECT_EQ(json[1]["outcomes"][0]["delay_s"], 1.0);
  EXPECT_EQ(json[1]["outcomes"][1]["position"], 10);

  const auto shown = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {path, "decisions", "--json"});
    std::vector<int> positions;
    const Json answer = Json::parse(inspect(options).out);
    for (const Json& decision : answer["decisions"]) {
      positions.push_back(decision["position"]);
    }
    return positions;
  };
  EXPECT_EQ(shown({"--limit", "2"}), (std::vector<int>{6, 8}));
  EXPECT_EQ(shown({"--before", "5"}), (std::vector<int>{1, 3}));
  EXPECT_EQ(shown({"--arm", "large"}), (std::vector<int>{5}));
  EXPECT_EQ(shown({"--point", "1"}), (std::vector<int>{8}));
  EXPECT_EQ(shown({"--point", "gateway", "--arm", "small", "--limit", "1"}), (std::vector<int>{6}));
  EXPECT_EQ(shown({"--id", RecordList::uuid(3).to_string()}), (std::vector<int>{5}));
  EXPECT_EQ(shown({"--arm", "' OR 1 --"}), (std::vector<int>{}));
  const InspectRun text = inspect({path, "decisions"});
  EXPECT_NE(text.out.find("deferred"), std::string::npos);
  EXPECT_NE(text.out.find("quality=1 cost=3 after 1 s; quality=0 cost=0.5 after 7 s"), std::string::npos)
      << text.out;
}

TEST(Inspect, FindsAnOutcomeWhoseDecisionIdIsFromTheFuture) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  constexpr std::uint64_t kYear2255 = 9'000'000'000'000;  // milliseconds
  {
    RecordList list;
    list.outcome(kYear2255, 1.0).mixed(6000);
    ASSERT_TRUE(open_or_die(path)->append(list.views()));
  }
  const auto found = [&](const std::string& id) {
    return Json::parse(inspect({path, "outcomes", "--id", id, "--json"}).out)["outcomes"].size();
  };
  EXPECT_EQ(found(RecordList::uuid(kYear2255).to_string()), 1U);
  EXPECT_EQ(found("ffffffff-ffff-7fff-bfff-ffffffffffff"), 0U);
}

TEST(Inspect, ChecksCheckpointsAndSaysWhichAreDamaged) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    const std::unique_ptr<Journal> journal = make_traffic(path);
    ASSERT_TRUE(journal->append({}, state_of(100, 2), RecordList::time_of(12), "abc", 3));
  }
  EXPECT_EQ(inspect({path, "checkpoints"}).code, 0);
  EXPECT_EQ(
      inspect({path, "verify"}).out,
      "unproven: no engine was ever opened on this journal: it has no seed, node or configuration\n"
      "sound: 12 records and 2 checkpoints read and checked; 0 checkpoints replayed, equal bit for bit\n");
  run_sql(path,
          "UPDATE chunks SET data = zeroblob(100) WHERE hash = (SELECT chunks FROM checkpoints WHERE number "
          "= 2)");
  const InspectRun answer = inspect({path, "checkpoints", "--json"});
  EXPECT_EQ(answer.code, 1);
  const Json json = Json::parse(answer.out)["checkpoints"];
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["sound"], true);
  EXPECT_EQ(json[0]["position"], 10);
  EXPECT_EQ(json[1]["sound"], false);
  const InspectRun summary = inspect({path, "summary"});
  EXPECT_EQ(summary.code, 1);
  EXPECT_NE(summary.out.find("checkpoint    1 at record 10"), std::string::npos) << summary.out;
  EXPECT_NE(summary.out.find("problem       checkpoint 2 (position 12) was passed over"), std::string::npos)
      << summary.out;
  EXPECT_EQ(inspect({path, "verify"}).code, 1);
}

TEST(Inspect, FindsEveryDamagedRecord) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  run_sql(path,
          "UPDATE outcomes SET record = zeroblob(length(record)) WHERE position = 4;"
          "UPDATE decisions SET record = zeroblob(length(record)) WHERE position = 8");
  const InspectRun verify = inspect({path, "verify", "--json"});
  EXPECT_EQ(verify.code, 1);
  const Json json = Json::parse(verify.out);
  EXPECT_EQ(json["sound"], false);
  ASSERT_EQ(json["problems"].size(), 2U);
  EXPECT_NE(json["problems"][0].get<std::string>().find("record 4 is damaged"), std::string::npos);
  EXPECT_NE(json["problems"][1].get<std::string>().find("record 8 is damaged"), std::string::npos);
  expect_one_line(inspect({path, "arms"}), 1, "record 4 is damaged");
}

TEST(Inspect, SaysThatAcknowledgedRecordsAreGone) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = make_traffic(path);
  const std::string crashed = folder.file("crashed.db");  // a copy that lost its write-ahead log
  test::write_file(crashed, bytes_of_file(path));
  test::write_file(crashed + "-lock", bytes_of_file(path + "-lock"));
  const InspectRun answer = inspect({crashed, "summary"});
  EXPECT_EQ(answer.code, 1);
  EXPECT_NE(answer.out.find("records 1 to 12 were acknowledged as durable and are gone"), std::string::npos)
      << answer.out;
}

TEST(Inspect, WorksBesideAWriterAndChangesNothing) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> writer = make_traffic(path);
  const std::string file = bytes_of_file(path);
  const std::string log = bytes_of_file(path + "-wal");
  const InspectRun summary = inspect({path, "summary"});
  EXPECT_EQ(summary.code, 0) << summary.err;
  EXPECT_NE(summary.out.find("writer        process " + std::to_string(::getpid())), std::string::npos)
      << summary.out;
  for (const std::string_view command :
       {"points", "arms", "decisions", "outcomes", "checkpoints", "verify", "doctor"}) {
    EXPECT_EQ(inspect({path, std::string(command)}).code, 0) << command;
  }
  EXPECT_EQ(bytes_of_file(path), file);
  EXPECT_EQ(bytes_of_file(path + "-wal"), log);
  EXPECT_TRUE(writer->append(RecordList(13).mixed(3).views())) << "the writer never noticed";
  EXPECT_EQ(Json::parse(inspect({path, "summary", "--json"}).out)["records"], 15);
}

TEST(Inspect, ReadsAStoreWhoseProcessWasKilled) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const pid_t child = ::fork();
  if (child == 0) {
    const std::unique_ptr<Journal> journal = make_traffic(path);
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(std::filesystem::exists(path + "-wal"));
  const std::string file = bytes_of_file(path);
  const InspectRun answer = inspect({path, "summary", "--json"});
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_EQ(Json::parse(answer.out)["records"], 12);
  EXPECT_TRUE(Json::parse(answer.out)["writer"].is_null()) << "its lock died with it";
  EXPECT_EQ(inspect({path, "verify"}).code, 0);
  EXPECT_EQ(bytes_of_file(path), file);
}

TEST(Inspect, ReadsAnEmptyStore) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  static_cast<void>(open_or_die(path));
  for (const std::string_view command :
       {"summary", "points", "arms", "decisions", "outcomes", "checkpoints", "verify", "doctor"}) {
    EXPECT_EQ(inspect({path, std::string(command)}).code, 0) << command;
    EXPECT_TRUE(Json::accept(inspect({path, std::string(command), "--json"}).out)) << command;
  }
  EXPECT_NE(inspect({path, "summary"}).out.find("checkpoint    none\n"), std::string::npos);
}

TEST(Inspect, AnswersEachBadInputWithOneLine) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const std::string notes = folder.file("notes\n.txt");
  test::write_file(notes, "not a store");
  expect_one_line(inspect({}), 2, "STORE is missing");
  expect_one_line(inspect({"summary"}), 2, "STORE is missing");
  expect_one_line(inspect({path, "sumary"}), 2, "did you mean summary?");
  expect_one_line(inspect({path, "summary", "more"}), 2, "one word too many");
  expect_one_line(inspect({path, "decisions", "--from", "yesterday"}), 2, "is no time");
  expect_one_line(inspect({path, "decisions", "--from", "-1h", "--to", "-2h"}), 2,
                  "--from is not before --to");
  expect_one_line(inspect({path, "points", "--json", "--csv"}), 2, "exclude");
  expect_one_line(inspect({path, "diff"}), 2, "diff needs A [B]");
  expect_one_line(inspect({path, "show", "--at", "99"}), 2, "ends at record 12");
  expect_one_line(inspect({path, "show", "--at", "c9"}), 2, "no checkpoint 9");
  expect_one_line(inspect({path, "show", "--at", "x"}), 2, "neither a position");
  expect_one_line(inspect({"help", "sumary"}), 2, "did you mean summary?");
  expect_one_line(inspect({path, "summary", "--nonsense"}), 2, "--nonsense");
  expect_one_line(inspect({path, "summary", "--limit", "3"}), 2, "--limit");
  expect_one_line(inspect({path, "decisions", "--limit", "0"}), 2, "--limit");
  expect_one_line(inspect({path, "decisions", "--limit", "-1"}), 2, "--limit");
  expect_one_line(inspect({path, "decisions", "--limit", "many"}), 2, "--limit");
  expect_one_line(inspect({path, "decisions", "--id", "7"}), 2, "--id");
  expect_one_line(inspect({path, "decisions", "--before", "1e300"}), 2, "--before");
  expect_one_line(inspect({path, "arms", "--last", "0"}), 2, "--last");
  expect_one_line(inspect({path, "arms", "--point", "gatewy"}), 2,
                  "no decision point 'gatewy'; it has: gateway");
  expect_one_line(inspect({folder.file("none.db"), "summary"}), 2, "there is no store at");
  expect_one_line(inspect({notes, "summary"}), 1, "not an attune store");
  expect_one_line(inspect({folder.path().string(), "summary"}), 2, "is a directory");
  EXPECT_EQ(inspect({"--help"}).code, 0);
  EXPECT_NE(inspect({path, "decisions", "--help"}).out.find("--before"), std::string::npos);
}

}  // namespace
}  // namespace attune::tools::inspect_test
