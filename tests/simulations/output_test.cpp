// SPDX-License-Identifier: Apache-2.0
// Tables, charts, progress line and report: what people see.
#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/output.hpp"
#include "simulations/progress.hpp"
#include "simulations/report.hpp"
#include "simulations/svg_chart.hpp"
#include "simulations/text_table.hpp"
#include "tests/simulations/sandbox.hpp"

namespace attune::sim::output_test {
namespace {

TEST(TextTable, AlignsColumnsAndLeavesNoTrailingBlanks) {
  TextTable table({"name", "x", ""});
  table.add({"a", "1.5", ""});
  table.rule();
  table.add({"longer", "10", "y"});
  EXPECT_EQ(table.str(),
            "name      x\n"
            "--------------\n"
            "a       1.5\n"
            "--------------\n"
            "longer   10  y\n");
}

TEST(TextTable, WritesNumbersWithADotWhateverTheLocale) {
  EXPECT_EQ(fixed(1234.5678, 2), "1234.57");
  EXPECT_EQ(fixed(-0.5, 0), "-0");
  EXPECT_EQ(fixed(std::numeric_limits<double>::quiet_NaN(), 2), "-");
  EXPECT_EQ(with_error(0.5, 0.01, 3), "0.500 +- 0.010");
  EXPECT_EQ(decimals_for(1234.0), 0);
  EXPECT_EQ(decimals_for(0.001), 6);
}

TEST(SvgChart, TicksAreRoundAndInsideTheAxis) {
  EXPECT_EQ(axis_ticks(0.0, 10.0, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(axis_ticks(-1.0, 1.0, 4), (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
  EXPECT_EQ(axis_ticks(3.0, 3.0, 4), (std::vector<double>{3}));
  EXPECT_EQ(tick_text(12500), "12.5k");
  EXPECT_EQ(tick_text(0.25), "0.25");
  EXPECT_EQ(tick_text(0.0), "0");
  EXPECT_EQ(tick_text(-3e6), "-3M");
}

TEST(SvgChart, EscapesNames) {
  EXPECT_EQ(html_escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
}

TEST(ProgressLine, ShowsShareAndTimeLeft) {
  EXPECT_EQ(ProgressLine::line("runs", 0, 4, std::chrono::seconds(1)), "[........................] 0/4 runs");
  EXPECT_EQ(ProgressLine::line("runs", 1, 4, std::chrono::seconds(10)),
            "[######..................] 1/4 runs, 30 s left");
  EXPECT_EQ(ProgressLine::line("runs", 4, 4, std::chrono::seconds(10)),
            "[########################] 4/4 runs");
}

/// Every tag is closed in the right order; good enough a check for markup that we write ourselves.
std::string unbalanced(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    std::string tag = html.substr(at + 1, end - at - 1);
    if (tag.starts_with("!") || tag.ends_with("/") || tag.starts_with("meta")) {
      continue;
    }
    const bool closing = tag.starts_with("/");
    tag = tag.substr(closing ? 1 : 0, tag.find_first_of(" \n") - (closing ? 1 : 0));
    if (!closing) {
      open.push_back(tag);
      if (tag == "script" || tag == "style") {
        at = html.find("</" + tag, at) - 1;
      }
    } else if (open.empty() || open.back() != tag) {
      return "</" + tag + ">";
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + ">";
}

class Printed : public testing::Test {
 protected:
  Scenario scenario_ = test::scenario_of(R"({"name":"<two> & \"arms\"","about":"a, b","horizon":60,"seeds":3,
      "environment":{"type":"bernoulli","means":[0.2,0.7],"arms":["a<b","c\"d"]},
      "policies":[{"type":"ucb1"},{"name":"eps <1>","policy":{"type":"epsilon_greedy"}}]})");
  ScenarioResult result_ =
      run_scenario(scenario_, {.jobs = 1, .keep_steps = true, .progress = false}).value();
};

TEST_F(Printed, ReportIsOneBalancedFileThatAsksForNothing) {
  const std::string html = report_html(scenario_, result_, {{"More <things>", {{"key & co", "value"}}}});
  EXPECT_EQ(unbalanced(html), "");
  for (std::size_t at = html.find("http://"); at != std::string::npos; at = html.find("http://", at + 1)) {
    EXPECT_TRUE(html.substr(at).starts_with("http://www.w3.org/2000/svg"))
        << "nothing but the name of SVG itself looks like an address";
  }
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_EQ(html.find("src="), std::string::npos);
  EXPECT_EQ(html.find("<two>"), std::string::npos);
  EXPECT_EQ(html.find("nan"), std::string::npos);
  for (const char* part :
       {"eps &lt;1&gt;", "More &lt;things&gt;", "class=\"band\"", "a&lt;b", "Regret", "<table>"}) {
    EXPECT_NE(html.find(part), std::string::npos) << part;
  }
}

TEST_F(Printed, JsonReadsBackWithEveryRow) {
  const nlohmann::json document = nlohmann::json::parse(result_json(scenario_, result_).dump());
  ASSERT_EQ(document.at("results").size(), 5U);  // random, best single, oracle, two policies
  const nlohmann::json& ucb = document.at("results").at(3);
  EXPECT_EQ(ucb.at("name"), "ucb1");
  EXPECT_EQ(ucb.at("by_seed").size(), 3U);
  EXPECT_EQ(ucb.at("regret_curve").size(), 60U);
  EXPECT_EQ(ucb.at("engine").at("learned"), 180);
  EXPECT_NEAR(ucb.at("arm_share").at("a<b").get<double>() + ucb.at("arm_share").at("c\"d").get<double>(), 1.0,
              1e-12);
}

TEST_F(Printed, StepsFileHasOneRowAStepAndQuotesNames) {
  const test::Sandbox box;
  ASSERT_TRUE(write_steps_csv(box.path("steps.csv"), scenario_, result_));
  const std::string text = test::read_file(box.path("steps.csv"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 2 * 3 * 60);
  EXPECT_TRUE(text.starts_with("policy,seed,step,category,arm,reward,regret\nucb1,1,0,,"));
  EXPECT_NE(text.find("\"c\"\"d\""), std::string::npos);
  EXPECT_FALSE(write_steps_csv(box.path("no/such/folder.csv"), scenario_, result_));
}

TEST_F(Printed, TableNamesEveryRowAndTheBasisOfRegret) {
  const std::string table = result_table(scenario_, result_);
  for (const char* part :
       {"random", "best single", "oracle", "ucb1", "eps <1>", "against oracle, on expected rewards"}) {
    EXPECT_NE(table.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace attune::sim::output_test
