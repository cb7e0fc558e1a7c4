// SPDX-License-Identifier: Apache-2.0
// The program attune-inspect as an engineer on call meets it: a command, its tables, its exit code.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/store/store_fixture.hpp"
#include "tools/inspect.hpp"
#include "tools/inspect_table.hpp"

namespace attune::tools {
namespace {

using test::bytes_of_file;
using test::open_or_die;
using test::RecordList;
using test::run_sql;
using test::state_of;
using test::TestFolder;
using Json = nlohmann::json;

constexpr const char* kProgram = ATTUNE_TEST_BINARY_DIR "/tools/attune-inspect";

struct Answer {
  int code = -1;
  std::string out;
  std::string err;
};

Answer run(std::vector<std::string> arguments) {
  const TestFolder folder;
  const std::string out = folder.file("out");
  const std::string err = folder.file("err");
  EXPECT_TRUE(std::filesystem::exists(kProgram)) << "build attune-inspect first";
  arguments.insert(arguments.begin(), "attune-inspect");
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files{};
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t process = 0;
  EXPECT_EQ(::posix_spawn(&process, kProgram, &files, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&files);
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, bytes_of_file(out), bytes_of_file(err)};
}

void expect_one_line(const Answer& answer, int code, std::string_view holds) {
  EXPECT_EQ(answer.code, code) << answer.err;
  EXPECT_EQ(std::ranges::count(answer.err, '\n'), 1) << answer.err;
  EXPECT_TRUE(answer.err.starts_with("attune-inspect: ")) << answer.err;
  EXPECT_NE(answer.err.find(holds), std::string::npos) << answer.err;
  EXPECT_EQ(answer.out, "");
}

/// A store with two points: "gateway" with arms small (3 decisions) and large (1), and number 1, without
/// names.
std::unique_ptr<Journal> make_traffic(const std::string& path) {
  std::unique_ptr<Journal> journal = open_or_die(path);
  journal->set_names(
      {.point =
           [](std::uint32_t point) { return point == 0 ? std::string_view("gateway") : std::string_view(); },
       .arm =
           [](std::uint32_t point, std::uint32_t arm) {
             return point != 0 ? std::string_view()
                    : arm == 0 ? std::string_view("small")
                               : std::string_view("large");
           }});
  RecordList list;
  list.decision(1, 0).outcome(1, 0.5, 1.0).decision(2, 0, 0, false).outcome(2, 1.0, 3.0).decision(3, 1);
  list.decision(4, 0).outcome(99, 1.0).decision(5, 9, 1).outcome(5, 0.25).outcome(2, 0.0);
  EXPECT_TRUE(journal->append(list.views(), state_of(6000, 1), RecordList::time_of(10), "abc", 3));
  RecordList more(11);
  more.event(EventKind::arm_added, "huge").event(EventKind::arm_disabled, "large");
  EXPECT_TRUE(journal->append(more.views()));
  return journal;
}

TEST(Inspect, SumsAStoreUp) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const Answer text = run({path, "summary"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.err, "");
  for (const std::string_view line :
       {"records       12 (5 decisions, 5 outcomes, 2 events)\n",
        "first         2023-11-14T22:13:21.000000Z\n", "last          2023-11-14T22:13:32.000000Z\n",
        "checkpoint    1 at record 10, 2023-11-14T22:13:30.000000Z, ", "5.86 KiB, sound\n",
        "since then    2 records\n", "writer        none\n", "points        1\n"}) {
    EXPECT_NE(text.out.find(line), std::string::npos) << line << "\n" << text.out;
  }
  const Answer answer = run({path, "summary", "--json"});
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
  const Json json = Json::parse(run({path, "points", "--json"}).out);
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
  const Answer text = run({path, "points", "--point", "gateway"});
  EXPECT_NE(text.out.find("gateway          4         3       2     3       25%        0%"),
            std::string::npos)
      << text.out;
  EXPECT_EQ(std::ranges::count(text.out, '\n'), 2) << text.out;
}

TEST(Inspect, JoinsRewardsToArms) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const Json json = Json::parse(run({path, "arms", "--json"}).out);
  ASSERT_EQ(json["arms"].size(), 4U);
  const Json& small = json["arms"][0];
  EXPECT_EQ(small["arm"], "small");
  EXPECT_EQ(small["decisions"], 3);
  EXPECT_EQ(small["explored"], 1);
  EXPECT_EQ(small["outcomes"], 3);
  EXPECT_EQ(small["components"]["quality"]["count"], 3);
  EXPECT_DOUBLE_EQ(small["components"]["quality"]["mean"].get<double>(), 0.5);  // (0.5 + 1 + 0) / 3
  EXPECT_DOUBLE_EQ(small["components"]["cost"]["mean"].get<double>(), 1.5);     // (1 + 3 + 0.5) / 3
  // Four decisions in ten parts: the 1st, 3rd, 6th and 8th part hold one each; the third decision took
  // "large".
  EXPECT_EQ(small["share"], (Json{1, 0, 1, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(json["arms"][1]["arm"], "large");
  EXPECT_EQ(json["arms"][1]["state"], "disabled");
  EXPECT_EQ(json["arms"][1]["outcomes"], 0);
  EXPECT_EQ(json["arms"][2]["arm"], "huge");
  EXPECT_TRUE(json["arms"][2]["slot"].is_null());
  EXPECT_TRUE(json["arms"][3]["arm"].is_null());
  EXPECT_EQ(json["arms"][3]["slot"], 9);
  EXPECT_EQ(json["unmatched_outcomes"], 1);
  const Answer text = run({path, "arms", "--point", "gateway"});
  EXPECT_EQ(text.code, 0);
  EXPECT_NE(text.out.find("cost=1.5 quality=0.5"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("not among the records looked at: 1\n"), std::string::npos) << text.out;
  EXPECT_EQ(Json::parse(run({path, "arms", "--last", "3", "--json"}).out)["arms"].size(), 2U)
      << "events name two";
}

TEST(Inspect, ShowsTheNewestDecisionsWithTheirOutcomes) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const Json json = Json::parse(run({path, "decisions", "--json"}).out)["decisions"];
  ASSERT_EQ(json.size(), 5U);
  EXPECT_EQ(json[0]["position"], 8) << "newest first";
  EXPECT_TRUE(json[0]["propensity"].is_null()) << "deferred";
  EXPECT_EQ(json[3]["id"], RecordList::uuid(2).to_string());
  EXPECT_EQ(json[3]["arm"], "small");
  EXPECT_EQ(json[3]["greedy"], false);
  EXPECT_EQ(json[3]["rung"], "policy");
  ASSERT_EQ(json[3]["outcomes"].size(), 2U);
  EXPECT_EQ(json[3]["outcomes"][0]["components"], (Json{{"quality", 1.0}, {"cost", 3.0}}));
  EXPECT_EQ(json[3]["outcomes"][1]["position"], 10);

  const auto shown = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {path, "decisions", "--json"});
    std::vector<int> positions;
    const Json answer = Json::parse(run(options).out);
    for (const Json& decision : answer["decisions"]) {
      positions.push_back(decision["position"]);
    }
    return positions;
  };
  EXPECT_EQ(shown({"--limit", "2"}), (std::vector<int>{8, 6}));
  EXPECT_EQ(shown({"--before", "5"}), (std::vector<int>{3, 1}));
  EXPECT_EQ(shown({"--arm", "large"}), (std::vector<int>{5}));
  EXPECT_EQ(shown({"--point", "1"}), (std::vector<int>{8}));
  EXPECT_EQ(shown({"--point", "gateway", "--arm", "small", "--limit", "1"}), (std::vector<int>{6}));
  EXPECT_EQ(shown({"--id", RecordList::uuid(3).to_string()}), (std::vector<int>{5}));
  EXPECT_EQ(shown({"--arm", "' OR 1 --"}), (std::vector<int>{}));
  const Answer text = run({path, "decisions"});
  EXPECT_NE(text.out.find("deferred"), std::string::npos);
  EXPECT_NE(text.out.find("quality=1 cost=3; quality=0 cost=0.5"), std::string::npos) << text.out;
}

TEST(Inspect, ChecksCheckpointsAndSaysWhichAreDamaged) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    const std::unique_ptr<Journal> journal = make_traffic(path);
    ASSERT_TRUE(journal->append({}, state_of(100, 2), RecordList::time_of(12), "abc", 3));
  }
  EXPECT_EQ(run({path, "checkpoints"}).code, 0);
  EXPECT_EQ(run({path, "verify"}).out, "sound: 12 records and 2 checkpoints read and checked\n");
  run_sql(path, "UPDATE checkpoints SET state = zeroblob(100) WHERE number = 2");
  const Answer answer = run({path, "checkpoints", "--json"});
  EXPECT_EQ(answer.code, 1);
  const Json json = Json::parse(answer.out)["checkpoints"];
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["sound"], true);
  EXPECT_EQ(json[0]["position"], 10);
  EXPECT_EQ(json[1]["sound"], false);
  const Answer summary = run({path, "summary"});
  EXPECT_EQ(summary.code, 1);
  EXPECT_NE(summary.out.find("checkpoint    1 at record 10"), std::string::npos) << summary.out;
  EXPECT_NE(summary.out.find("problem       checkpoint 2 (position 12) was passed over"), std::string::npos)
      << summary.out;
  EXPECT_EQ(run({path, "verify"}).code, 1);
}

TEST(Inspect, FindsEveryDamagedRecord) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  run_sql(path,
          "UPDATE outcomes SET record = zeroblob(length(record)) WHERE position = 4;"
          "UPDATE decisions SET record = zeroblob(length(record)) WHERE position = 8");
  const Answer verify = run({path, "verify", "--json"});
  EXPECT_EQ(verify.code, 1);
  const Json json = Json::parse(verify.out);
  EXPECT_EQ(json["sound"], false);
  ASSERT_EQ(json["problems"].size(), 2U);
  EXPECT_NE(json["problems"][0].get<std::string>().find("record 4 is damaged"), std::string::npos);
  EXPECT_NE(json["problems"][1].get<std::string>().find("record 8 is damaged"), std::string::npos);
  expect_one_line(run({path, "arms"}), 1, "record 4 is damaged");
}

TEST(Inspect, SaysThatAcknowledgedRecordsAreGone) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = make_traffic(path);
  const std::string crashed = folder.file("crashed.db");  // a copy that lost its write-ahead log
  test::write_file(crashed, bytes_of_file(path));
  test::write_file(crashed + "-lock", bytes_of_file(path + "-lock"));
  const Answer answer = run({crashed, "summary"});
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
  const Answer summary = run({path, "summary"});
  EXPECT_EQ(summary.code, 0) << summary.err;
  EXPECT_NE(summary.out.find("writer        process " + std::to_string(::getpid())), std::string::npos)
      << summary.out;
  for (const std::string_view command : {"points", "arms", "decisions", "checkpoints", "verify"}) {
    EXPECT_EQ(run({path, std::string(command)}).code, 0) << command;
  }
  EXPECT_EQ(bytes_of_file(path), file);
  EXPECT_EQ(bytes_of_file(path + "-wal"), log);
  EXPECT_TRUE(writer->append(RecordList(13).mixed(3).views())) << "the writer never noticed";
  EXPECT_EQ(Json::parse(run({path, "summary", "--json"}).out)["records"], 15);
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
  const Answer answer = run({path, "summary", "--json"});
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_EQ(Json::parse(answer.out)["records"], 12);
  EXPECT_TRUE(Json::parse(answer.out)["writer"].is_null()) << "its lock died with it";
  EXPECT_EQ(run({path, "verify"}).code, 0);
  EXPECT_EQ(bytes_of_file(path), file);
}

TEST(Inspect, ReadsAnEmptyStore) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  static_cast<void>(open_or_die(path));
  for (const std::string_view command : {"summary", "points", "arms", "decisions", "checkpoints", "verify"}) {
    EXPECT_EQ(run({path, std::string(command)}).code, 0) << command;
    EXPECT_TRUE(Json::accept(run({path, std::string(command), "--json"}).out)) << command;
  }
  EXPECT_NE(run({path, "summary"}).out.find("checkpoint    none\n"), std::string::npos);
}

TEST(Inspect, AnswersEachBadInputWithOneLine) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  make_traffic(path);
  const std::string notes = folder.file("notes\n.txt");
  test::write_file(notes, "not a store");
  expect_one_line(run({}), 2, "required");
  expect_one_line(run({path}), 2, "a command is required");
  expect_one_line(run({path, "sumary"}), 2, "sumary");
  expect_one_line(run({path, "summary", "--nonsense"}), 2, "--nonsense");
  expect_one_line(run({path, "summary", "--limit", "3"}), 2, "--limit");
  expect_one_line(run({path, "decisions", "--limit", "0"}), 2, "--limit");
  expect_one_line(run({path, "decisions", "--limit", "-1"}), 2, "--limit");
  expect_one_line(run({path, "decisions", "--limit", "many"}), 2, "--limit");
  expect_one_line(run({path, "decisions", "--id", "7"}), 2, "--id");
  expect_one_line(run({path, "decisions", "--before", "1e300"}), 2, "--before");
  expect_one_line(run({path, "arms", "--last", "0"}), 2, "--last");
  expect_one_line(run({path, "arms", "--point", "gatewy"}), 2, "no decision point 'gatewy'; it has: gateway");
  expect_one_line(run({folder.file("none.db"), "summary"}), 1, "there is no store at");
  expect_one_line(run({notes, "summary"}), 1, "not an attune store");
  expect_one_line(run({folder.path().string(), "summary"}), 1, "is a directory");
  EXPECT_EQ(run({"--help"}).code, 0);
  EXPECT_NE(run({path, "decisions", "--help"}).out.find("--before"), std::string::npos);
}

TEST(InspectText, WritesTimesInRfc3339) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(time_text(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(time_text(951'782'400'123'456'789), "2000-02-29T00:00:00.123456Z");  // date -d @951782400
  EXPECT_EQ(time_text(std::numeric_limits<Nanos>::max()), "2262-04-11T23:47:16.854775Z");
  EXPECT_EQ(time_text(std::numeric_limits<Nanos>::min()), "1677-09-21T00:12:43.145224Z");
}

TEST(InspectText, KeepsControlCharactersFromTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(rounded(0.123456), "0.1235");
}

TEST(InspectText, AlignsColumns) {
  InspectTable table({"name", ">count"});
  table.add({"\xc3\xa9t\xc3\xa9", "7"});
  table.add({"winter", "1,000"});
  EXPECT_EQ(table.text(), "name    count\n\xc3\xa9t\xc3\xa9         7\nwinter  1,000\n");
}

}  // namespace
}  // namespace attune::tools
