// SPDX-License-Identifier: Apache-2.0
// What answers are made of: text, times, help.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/inspect/command_line.hpp"
#include "tools/inspect/command_table.hpp"
#include "tools/inspect/moment.hpp"
#include "tools/inspect/stats.hpp"
#include "tools/inspect/svg.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools::inspect_text_test {
namespace {

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

TEST(InspectText, DrawsBars) {
  EXPECT_EQ(bars(std::vector<double>{0.0, 0.01, 0.125, 0.126, 0.5, 1.0}), "·▁▁▂▄█");
  EXPECT_EQ(width_of("·▁▁▂▄█"), 6U);
}

TEST(InspectText, WritesSpansInOneUnit) {
  EXPECT_EQ(span_text(0), "0 ns");
  EXPECT_EQ(span_text(1500), "1.5 us");
  EXPECT_EQ(span_text(90 * kSecond), "90 s");
  EXPECT_EQ(span_text(-120 * kSecond), "-2 min");
  EXPECT_EQ(span_text(1'103 * 86'400 * kSecond), "1,103 d");
}

TEST(InspectText, CutsNoCharacterInTwo) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefg", 6), "abc...");
  EXPECT_EQ(shortened("ab\xc3\xa9"
                      "efg",
                      6),
            "ab...");
  EXPECT_EQ(shortened("a\xf0\x9f\x98\x80"
                      "fgh",
                      7),
            "a...");
}

TEST(InspectText, DrawsNumbersOfAnySize) {
  constexpr double kMax = std::numeric_limits<double>::max();
  const std::string svg = curves_svg(
      "c", 3, {{.title = "t", .curves = {{.name = "n", .y = {-kMax, 0.0, kMax}, .low = {}, .high = {}}}}});
  EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
}

TEST(InspectText, QuotesCsvCells) {
  EXPECT_EQ(csv_cell("plain"), "plain");
  EXPECT_EQ(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
}

TEST(InspectMoment, ReadsRfc3339) {
  constexpr Nanos kNoon = 1'769'860'800 * kSecond;  // date -u -d 2026-01-31T12:00:00Z +%s
  for (const char* text :
       {"2026-01-31T12:00:00Z", "2026-01-31t12:00:00z", "2026-01-31 12:00:00Z", "2026-01-31T14:00:00+02:00",
        "2026-01-31T06:30:00-05:30", "2026-01-31T12:00:00.000Z"}) {
    const Result<Moment> moment = parse_moment(text);
    ASSERT_TRUE(moment) << text;
    EXPECT_FALSE(moment->relative);
    EXPECT_EQ(moment->value, kNoon) << text;
  }
  EXPECT_EQ(parse_moment("2026-01-31")->value, kNoon - 12 * 3600 * kSecond);
  EXPECT_EQ(parse_moment("2026-01-31T12:00:00.0000000019Z")->value, kNoon + 1);
  for (const char* text : {"", "now", "2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00",
                           "2026-01-31T12:00Z", "2026-1-31", "1600-01-01", "2026-01-31T12:00:00Zx"}) {
    EXPECT_FALSE(parse_moment(text)) << text;
  }
}

TEST(InspectMoment, ReadsTimesBeforeTheLastRecord) {
  EXPECT_EQ(parse_moment("-90s")->at(100 * kSecond), 10 * kSecond);
  EXPECT_EQ(parse_moment("-1.5h")->value, -5400 * kSecond);
  EXPECT_EQ(parse_moment("-7d")->value, -7 * 86'400 * kSecond);
  EXPECT_EQ(parse_moment("-250ms")->value, -kSecond / 4);
  for (const char* text : {"-", "-h", "-1", "-1y", "--1h", "-inf h", "-1e300d", "-nans"}) {
    EXPECT_FALSE(parse_moment(text)) << text;
  }
}

TEST(InspectMoment, SpansEndWhereNanosecondsEnd) {
  constexpr Nanos kFirst = std::numeric_limits<Nanos>::min();
  constexpr Nanos kLast = std::numeric_limits<Nanos>::max();
  EXPECT_EQ(span_between(3, 10), 7);
  EXPECT_EQ(span_between(10, 3), -7);
  EXPECT_EQ(span_between(kFirst, kLast), kLast);
  EXPECT_EQ(span_between(kLast, kFirst), kFirst);
  EXPECT_EQ(span_between(kFirst, 0), kLast);
  EXPECT_EQ(span_between(0, kFirst), kFirst);
  EXPECT_EQ(span_between(1, kFirst), kFirst);
  EXPECT_EQ(span_between(kFirst, -1), kLast);
  EXPECT_EQ(span_between(kFirst, kFirst), 0);
  EXPECT_EQ(span_between(-1, kLast), kLast);
  EXPECT_EQ(time_before(kFirst + 5, 9), kFirst);
  EXPECT_EQ(time_before(5, 9), -4);
  EXPECT_EQ(parse_moment("-7d")->at(kFirst + 1), kFirst);
  EXPECT_EQ(time_text(kFirst + 1'000), "1677-09-21T00:12:43.145225Z");
}

TEST(InspectStats, GivesStudentsAndWilsonsIntervals) {
  Moments plain;
  for (const double x : {0.5, 1.0, 0.0, 0.5}) {
    plain.add(x);
  }
  // mean 0.5, s = sqrt(0.5 / 3), t(3; 0.975) = 3.182446: half = 3.182446 * 0.408248 / 2 = 0.649614
  EXPECT_NEAR(plain.interval().low, 0.5 - 0.649614, 1e-6);
  EXPECT_NEAR(plain.interval().high, 0.5 + 0.649614, 1e-6);
  Moments binary;
  for (int i = 0; i < 10; ++i) {
    binary.add(i < 4 ? 1.0 : 0.0);
  }
  // Wilson for 4 of 10: (0.4 + 0.192073 +- 1.959964 sqrt(0.024 + 0.009604)) / 1.384146
  EXPECT_NEAR(binary.interval().low, 0.168180, 1e-5);
  EXPECT_NEAR(binary.interval().high, 0.687326, 1e-5);
  EXPECT_TRUE(std::isnan(Moments{}.mean()));
}

TEST(InspectHelp, HasAPageForEveryCommand) {
  const std::string all = overview();
  for (const CommandInfo& info : commands()) {
    EXPECT_NE(all.find("  " + std::string(info.name) + " "), std::string::npos) << info.name;
    const std::string page = manual_page(info);
    for (const char* part : {"NAME\n", "SYNOPSIS\n", "DESCRIPTION\n", "EXIT CODE\n", "EXAMPLES\n"}) {
      EXPECT_NE(page.find(part), std::string::npos) << info.name << " lacks " << part;
    }
    std::size_t start = 0;
    for (std::size_t end = page.find('\n'); end != std::string::npos; end = page.find('\n', start)) {
      EXPECT_LE(end - start, 110U) << info.name << ": " << page.substr(start, end - start);
      start = end + 1;
    }
  }
}

TEST(InspectCommandLine, TakesStoreAndCommandInBothOrders) {
  const Result<Options> one = parse_command_line({"a.db", "decisions", "--from", "-1h", "--limit=5"});
  const Result<Options> other = parse_command_line({"decisions", "a.db", "--limit", "5", "--from=-1h"});
  for (const Result<Options>* options : {&one, &other}) {
    ASSERT_TRUE(*options) << options->error().message;
    EXPECT_EQ((*options)->store, "a.db");
    EXPECT_EQ((*options)->command, Command::decisions);
    EXPECT_EQ((*options)->limit, 5U);
    EXPECT_EQ((*options)->from->value, -3600 * kSecond);
  }
  EXPECT_EQ(parse_command_line({"a.db"})->command, Command::summary);
  EXPECT_TRUE(parse_command_line({"a.db", "--json"})->json);
  EXPECT_EQ(parse_command_line({"a.db", "arms", "--help"})->command, Command::help);
  EXPECT_EQ(parse_command_line({"help", "arms"})->operands, std::vector<std::string>{"arms"});
}

}  // namespace
}  // namespace attune::tools::inspect_text_test
