// SPDX-License-Identifier: Apache-2.0
// attune-inspect over stores that the real engine wrote: show, diff, verify, explain, replay, plot, time
// ranges.
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/tools/inspect_engine.hpp"
#include "tests/tools/inspect_fixture.hpp"

namespace attune::tools::inspect_state_test {
namespace {

using test::bytes_of_file;
using test::expect_one_line;
using test::inspect;
using test::InspectRun;
using test::StoreMaker;
using test::TestFolder;
using Json = nlohmann::json;

Json json_of(const std::vector<std::string>& words) {
  const InspectRun run = inspect(words);
  EXPECT_EQ(run.code, 0) << run.err << run.out;
  return Json::parse(run.out, nullptr, false);
}

TEST(InspectState, ShowsWhatThePolicyBelieves) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  StoreMaker maker(path);
  maker.steps(50);
  const Json shown = json_of({path, "show", "model", "--json"});
  const EngineMetrics metrics = maker.engine().metrics();
  const Description believed = maker.engine().describe(maker.point("model")).value();
  ASSERT_EQ(shown["points"].size(), 1U);
  EXPECT_EQ(shown["position"], metrics.position);
  const Json& point = shown["points"][0];
  EXPECT_EQ(point["policy"], "epsilon_greedy");
  EXPECT_EQ(point["values"]["reward_sum"], metrics.points[0].rewards.reward_sum);
  for (std::size_t row = 0; row < believed.rows.size(); ++row) {
    EXPECT_EQ(point["rows"][row]["arm"], metrics.points[0].arms[row]);
    EXPECT_EQ(point["rows"][row]["pulls"], metrics.points[0].selections[row]);
    for (std::size_t column = 0; column < believed.columns.size(); ++column) {
      EXPECT_EQ(point["rows"][row]["values"][believed.columns[column]], believed.rows[row][column]);
    }
  }
  const InspectRun text = inspect({path, "show"});
  EXPECT_NE(text.out.find("model: Epsilon-greedy over 3 arms"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("colour: "), std::string::npos);
  EXPECT_NE(text.out.find("\nsmall "), std::string::npos);
  const InspectRun csv = inspect({path, "show", "model", "--csv"});
  EXPECT_TRUE(csv.out.starts_with("point,row,name,value\nmodel,,version,")) << csv.out;
  expect_one_line(inspect({path, "show", "modell"}), 2,
                  "no decision point 'modell'; there are: model, colour");
}

TEST(InspectState, ShowsEarlierStates) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  StoreMaker maker(path);
  maker.steps(13);
  const EngineMetrics then = maker.engine().metrics();
  const double mean = maker.engine().describe(maker.point("model")).value().rows[0][1];
  ASSERT_TRUE(maker.engine().checkpoint());
  maker.steps(40);
  for (const std::string& where : {std::to_string(then.position), std::string("c1")}) {
    const Json point = json_of({path, "show", "model", "--at", where, "--json"})["points"][0];
    EXPECT_EQ(point["values"]["version"], then.points[0].version) << where;
    EXPECT_EQ(point["rows"][0]["values"]["mean"], mean) << where;
  }
  EXPECT_EQ(json_of({path, "show", "--at", "0", "--json"})["points"][0]["values"]["decisions"], 0);
}

TEST(InspectState, ComparesTwoStates) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::string twin = folder.file("twin.db");
  {
    StoreMaker maker(path);
    StoreMaker other(twin);
    maker.steps(60);
    other.steps(60);
  }
  EXPECT_EQ(json_of({path, "diff", twin, "--json"})["equal"], true) << "same seed, same traffic, same state";
  const Json found = json_of({path, "diff", "c1", "c2", "--json"});
  EXPECT_EQ(found["equal"], false);
  const auto value = [&](const char* column) {
    for (const Json& one : found["differences"]) {
      if (one["point"] == "model" && one["row"].is_null() && one["value"] == column) {
        return one["b"].get<double>() - one["a"].get<double>();
      }
    }
    return std::nan("");
  };
  // 60 records apart: each seven steps of two decisions have six answered ones, so 26 of them are records.
  EXPECT_GT(value("decisions"), 10.0);
  EXPECT_EQ(value("version"), value("decisions") + value("learned"));
  const InspectRun text = inspect({path, "diff", "c1", "--limit", "3", "--point", "model"});
  EXPECT_NE(text.out.find("A: checkpoint 1, record "), std::string::npos) << text.out;
  EXPECT_NE(text.out.find(" more values; --limit shows more"), std::string::npos) << text.out;
}

TEST(InspectState, ReplaysFromEachCheckpointToTheNext) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    StoreMaker maker(path);
    maker.steps(100);
  }
  const Json json = json_of({path, "verify", "--json"});
  EXPECT_EQ(json["sound"], true);
  EXPECT_GE(json["checkpoints"], 5);
  EXPECT_EQ(json["checkpoints_replayed"], json["checkpoints"]);
  EXPECT_TRUE(json["unproven"].empty()) << json;
  EXPECT_EQ(inspect({path, "doctor", "--full"}).code, 0);
}

TEST(InspectState, NamesACheckpointThatTheRecordsDoNotLeadTo) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::string other = folder.file("other.db");
  Bytes foreign;
  {
    StoreMaker maker(path);
    maker.steps(40);
    StoreMaker wrong(
        other,
        std::string(test::kInspectConfig).replace(std::string(test::kInspectConfig).find("0.25"), 4, "0.75"));
    wrong.steps(40);
    foreign = wrong.engine().state();
    ASSERT_EQ(maker.engine().metrics().position, wrong.engine().metrics().position);
  }
  {
    // A state that is sealed, has the right position and the right configuration, and is wrong.
    const std::unique_ptr<Journal> journal = test::open_or_die(path);
    const CheckpointInfo last = journal->checkpoints().value().back();
    ASSERT_TRUE(journal->append({}, foreign, last.time, last.config_digest, 9));
  }
  const InspectRun run = inspect({path, "verify"});
  EXPECT_EQ(run.code, 1) << run.out;
  EXPECT_NE(run.out.find("give another state than it holds; "), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("at 'model'"), std::string::npos) << run.out;
  EXPECT_EQ(inspect({path, "checkpoints"}).code, 0) << "each checkpoint is whole in itself";
  EXPECT_EQ(inspect({path, "doctor", "--full"}).code, 1);
}

TEST(InspectState, DerivesEveryDecisionAgain) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  StoreMaker maker(path);
  maker.steps(30);
  for (std::size_t i = 0; i < maker.ids().size(); i += 7) {
    const Json json = json_of({path, "explain", maker.ids()[i].to_string(), "--json"});
    EXPECT_EQ(json["equal"], true) << json;
    EXPECT_EQ(json["derived"]["arm"], json["record"]["arm"]);
    EXPECT_EQ(json["derived"]["propensity"], json["record"]["propensity"]);
  }
  const std::string id = maker.ids()[0].to_string();
  const Json first = json_of({path, "explain", id, "--json"});
  EXPECT_EQ(first["policy"], "epsilon_greedy");
  ASSERT_EQ(first["arms"].size(), 3U);
  double sum = 0.0;
  for (const Json& arm : first["arms"]) {
    sum += arm["probability"].get<double>();
  }
  EXPECT_NEAR(sum, 1.0, 1e-12);
  ASSERT_EQ(first["record"]["outcomes"].size(), 1U);
  EXPECT_EQ(first["record"]["outcomes"][0]["fate"], "learned");
  EXPECT_EQ(first["record"]["outcomes"][0]["delay_s"], 0.5);
  const InspectRun text = inspect({path, "explain", id});
  EXPECT_NE(text.out.find("the record says the same, bit for bit"), std::string::npos) << text.out;
  EXPECT_EQ(inspect({path, "explain", "1"}).out, text.out) << "by its position";
  const std::string drawn = maker.ids()[1].to_string();
  EXPECT_NE(inspect({path, "explain", drawn}).out.find("probabilities by quadrature, error about"),
            std::string::npos);
  const Json sampled = json_of({path, "explain", drawn, "--json"});
  EXPECT_EQ(sampled["probability_method"], "quadrature");
  EXPECT_TRUE(sampled["derived"]["propensity"].is_null()) << "as it was recorded";
  sum = 0.0;
  for (const Json& arm : sampled["arms"]) {
    sum += arm["probability"].get<double>();
  }
  EXPECT_NEAR(sum, 1.0, 1e-6);
  expect_one_line(inspect({path, "explain", "018bd031-c6c8-785a-9b42-c6f129a074c3"}), 2, "has no decision");
  expect_one_line(inspect({path, "explain", "3"}), 2, "record 3 is no decision");
  for (const char* name : {"x", "", "1.0", "99999999999999999999999"}) {
    expect_one_line(inspect({path, "explain", name}), 2, "neither the id");
  }
}

TEST(InspectState, JudgesTheLoggedPolicyByItself) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    StoreMaker maker(path);
    maker.steps(140);
  }
  const Json points = json_of({path, "replay", "--json"})["points"];
  const Json& model = points[0]["evaluation"];
  EXPECT_EQ(model["known"], true);
  EXPECT_EQ(model["rows"], 120) << "six of seven have their outcome";
  EXPECT_NEAR(model["mean_weight"].get<double>(), 1.0, 1e-12)
      << "every decision was made by the state folded so far";
  EXPECT_NEAR(model["ips"]["value"].get<double>(), model["logged"]["mean"].get<double>(), 1e-9);
  EXPECT_NEAR(model["snips"]["value"].get<double>(), model["logged"]["mean"].get<double>(), 1e-9);
  EXPECT_NEAR(model["effective_rows"].get<double>(), 120.0, 1e-9);
  const Json& colour = points[1]["evaluation"];
  EXPECT_EQ(colour["known"], true) << "what was left open is found";
  EXPECT_EQ(colour["filled"], 140);
  EXPECT_EQ(colour["without_propensity"], 0);
  EXPECT_NEAR(colour["mean_weight"].get<double>(), 1.0, 1e-6);
  EXPECT_NEAR(colour["ips"]["value"].get<double>(), colour["logged"]["mean"].get<double>(), 1e-6);
}

TEST(InspectState, FindsThePropensitiesThatWereLeftOpen) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    StoreMaker maker(path);
    maker.steps(60);
  }
  const Json open = json_of({path, "decisions", "--point", "colour", "--limit", "30", "--json"})["decisions"];
  const Json found = json_of(
      {path, "decisions", "--point", "colour", "--limit", "30", "--propensities", "--json"})["decisions"];
  ASSERT_EQ(found.size(), 30U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(open[i]["propensity"].is_null());
    EXPECT_FALSE(open[i].contains("propensity_method"));
    EXPECT_EQ(found[i]["propensity_method"], "quadrature");
    EXPECT_LT(found[i]["propensity_error"].get<double>(), 1e-6);
    const Json told = json_of({path, "explain", found[i]["id"].get<std::string>(), "--json"});
    for (const Json& arm : told["arms"]) {
      if (arm["arm"] == found[i]["arm"]) {
        EXPECT_EQ(arm["probability"], found[i]["propensity"]) << "derived one at a time";
      }
    }
  }
  const Json stated = json_of(
      {path, "decisions", "--point", "model", "--limit", "5", "--propensities", "--json"})["decisions"];
  EXPECT_FALSE(stated[0].contains("propensity_method")) << "it was recorded";
}

TEST(InspectState, SaysWhatAnotherPolicyWouldHaveLearnedAndHowSureThatIs) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    StoreMaker maker(path);
    maker.steps(140);
  }
  const std::string with = folder.file("with.json");
  test::write_file(with, R"({"points":{"model":{"policy":{"type":"ucb1"}}}})");
  const Json model = json_of({path, "replay", "--with", with, "--point", "model", "--json"})["points"][0];
  EXPECT_EQ(model["policy"], "ucb1");
  EXPECT_EQ(model["values"]["learned"], 120);
  const Json& judged = model["evaluation"];
  EXPECT_EQ(judged["rows"], 120);
  EXPECT_LT(judged["effective_rows"].get<double>(), 120.0);
  EXPECT_FALSE(judged["doubts"].empty()) << "so few rows are worth a warning";
  const InspectRun text = inspect({path, "replay", "--with", with});
  EXPECT_NE(text.out.find("UCB1 over 3 arms after 120 rewards"), std::string::npos) << text.out;
  test::write_file(with, R"({"points":{"model":{"policy":{"type":"nothing"}}}})");
  expect_one_line(inspect({path, "replay", "--with", with}), 2, "points.model.policy");
  test::write_file(with, R"({"points":{"shape":{}}})");
  expect_one_line(inspect({path, "replay", "--with", with}), 2, "no such decision point");
  expect_one_line(inspect({path, "replay", "--with", folder.file("none.json")}), 2, "there is no file");
  test::write_file(with, R"({"points":)" + std::string(2'000'000, '[') + std::string(2'000'000, ']') + "}");
  expect_one_line(inspect({path, "replay", "--with", with}), 2, "no JSON object");
}

TEST(InspectState, DrawsPicturesAndOverwritesNone) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    StoreMaker maker(path);
    maker.steps(120);
  }
  const std::string out = folder.file("pictures");
  const Json json = json_of({path, "plot", "--out", out, "--json"});
  ASSERT_EQ(json["files"].size(), 4U) << json;
  for (const Json& file : json["files"]) {
    const std::string svg = bytes_of_file(file.get<std::string>());
    EXPECT_TRUE(svg.starts_with("<svg xmlns=")) << file;
    EXPECT_TRUE(svg.ends_with("</svg>\n")) << file;
    EXPECT_EQ(svg.find("nan"), std::string::npos) << file;
    EXPECT_EQ(svg.find("href"), std::string::npos) << "self-contained";
  }
  EXPECT_NE(bytes_of_file(out + "/model-shares.svg").find("huge"), std::string::npos);
  expect_one_line(inspect({path, "plot", "--out", out}), 2, "nothing is overwritten");
}

TEST(InspectState, DrawsPointsWhoseNamesMakeTheSameFileName) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::vector<std::string> names{
      "a/b", "a b", "A_b", "a_b-2", std::string(120, 'x'), std::string(130, 'x')};
  {
    const std::unique_ptr<Journal> journal = test::open_or_die(path);
    journal->set_names(
        {.point = [&](std::uint32_t point) { return std::string_view(names.at(point)); }, .arm = {}});
    test::RecordList list;
    for (std::uint32_t point = 0; point < names.size(); ++point) {
      list.decision(point + 1, 0, point);
    }
    ASSERT_TRUE(journal->append(list.views()));
  }
  const std::string out = folder.file("pictures");
  const Json json = json_of({path, "plot", "--out", out, "--json"});
  const std::string cut(100, 'x');
  std::vector<std::string> expected;
  for (const std::string& part : {std::string("a_b"), std::string("a_b-2"), std::string("A_b-3"),
                                  std::string("a_b-2-2"), cut, cut + "-2"}) {
    expected.push_back(out + "/" + part + "-shares.svg");
  }
  EXPECT_EQ(json["files"].get<std::vector<std::string>>(), expected);
}

TEST(InspectState, FindsRecordsByTimeAndEpisode) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    StoreMaker maker(path);
    maker.steps(100);
  }
  const auto count = [&](std::vector<std::string> words, const char* list) {
    words.insert(words.begin(), path);
    words.insert(words.end(), {"--limit", "1000", "--json"});
    return json_of(words)[list].size();
  };
  EXPECT_EQ(count({"decisions"}, "decisions"), 200U);
  EXPECT_EQ(count({"decisions", "--episode", "session-3"}, "decisions"), 10U);
  EXPECT_EQ(count({"decisions", "--episode", "session-99"}, "decisions"), 0U);
  // Decisions are made at 12:00:00.5, 12:00:01.5, ...
  EXPECT_EQ(
      count({"decisions", "--from", "2026-01-31T12:00:10Z", "--to", "2026-01-31T12:00:20Z"}, "decisions"),
      20U);
  EXPECT_EQ(count({"decisions", "--from", "-9.6s", "--point", "colour"}, "decisions"), 10U);
  EXPECT_EQ(count({"outcomes", "--episode", "session-0"}, "outcomes"), 9U) << "the seventh got none";
  EXPECT_EQ(count({"outcomes", "--point", "colour", "--arm", "red"}, "outcomes") +
                count({"outcomes", "--point", "colour", "--arm", "blue"}, "outcomes"),
            86U);
  const Json points = json_of({path, "points", "--from", "-9.6s", "--json"})["points"];
  EXPECT_EQ(points[0]["decisions"], 10);
  EXPECT_EQ(points[0]["delay_p50_s"], 0.5);
  const Json summary = json_of({path, "summary", "--json"});
  EXPECT_NEAR(summary["rates"][0]["decisions_per_s"].get<double>(), 2.0, 0.05);
  EXPECT_EQ(summary["pending"][0]["pending"], 14);
  EXPECT_EQ(summary["pending"][1]["learned"], 86);
}

}  // namespace
}  // namespace attune::tools::inspect_state_test
