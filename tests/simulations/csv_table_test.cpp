// SPDX-License-Identifier: Apache-2.0
#include "simulations/csv_table.hpp"

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

#include "tests/simulations/sandbox.hpp"

namespace attune::sim::csv_table_test {
namespace {

using test::Sandbox;

std::string refusal_of(const std::string& path, const CsvLimits& limits = {}) {
  const Result<CsvTable> table = CsvTable::read(path, limits);
  return table ? "" : table.error().message;
}

TEST(CsvTable, ReadsPlainAndGzipAlike) {
  const Sandbox box;
  const std::string text = "a,b,name\n1,2.5,x\n-3e2,0,\"y, \"\"z\"\"\nnext\"\n";
  for (const char* name : {"t.csv", "t.csv.gz"}) {
    const Result<CsvTable> table = CsvTable::read(box.write(name, text));
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(table->row_count(), 2U);
    EXPECT_EQ(table->columns(), (std::vector<std::string>{"a", "b", "name"}));
    EXPECT_EQ(table->number(0, 1).value(), 2.5);
    EXPECT_EQ(table->number(1, 0).value(), -300.0);
    EXPECT_EQ(table->text(1, 2), "y, \"z\"\nnext");
  }
}

TEST(CsvTable, KeepsBlanksInsideAField) {
  const Sandbox box;
  const Result<CsvTable> table = CsvTable::read(box.write("t.csv", "a,b\n x ,y\t\n"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->text(0, 0), " x ");
  EXPECT_EQ(table->text(0, 1), "y\t");
}

TEST(CsvTable, TakesCarriageReturnsAndAMissingLastNewline) {
  const Sandbox box;
  const Result<CsvTable> table = CsvTable::read(box.write("t.csv", "a,b\r\n1,2\r\n3,4"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->row_count(), 2U);
  EXPECT_EQ(table->number(1, 1).value(), 4.0);
}

TEST(CsvTable, SplitsPlainLinesAsItSplitsQuotedOnes) {
  const Sandbox box;
  Rng rng(6);
  const std::string letters = "abc 1.-\xC3\xBC,\"\n\r";
  std::string mixed = "p,q,r\n";
  std::string quoted = mixed;
  std::vector<std::string> cells;
  for (int row = 0; row < 40'000; ++row) {  // several blocks of what is read at once
    for (int column = 0; column < 3; ++column) {
      std::string cell;
      const bool wild = rng.uniform() < 0.02;
      for (std::uint64_t i = rng.below(24); i > 0; --i) {
        cell += letters[rng.below(letters.size() - (wild ? 0 : 4))];
      }
      if (cell.empty() && column == 0) {
        cell = "x";  // a line must not be empty
      }
      std::string safe = "\"";
      for (const char c : cell) {
        safe += c == '"' ? "\"\"" : std::string(1, c);
      }
      safe += "\"";
      const bool needs = cell.find_first_of(",\"\n\r") != std::string::npos;
      mixed += needs || rng.uniform() < 0.01 ? safe : cell;
      quoted += safe;
      mixed += column < 2 ? "," : (rng.uniform() < 0.5 ? "\n" : "\r\n");
      quoted += column < 2 ? "," : "\n";
      cells.push_back(cell);
    }
    if (rng.uniform() < 0.01) {
      mixed += rng.uniform() < 0.5 ? "\n" : "\r\n";  // no record
    }
  }
  for (const std::string& text : {mixed, quoted, mixed.substr(0, mixed.find_last_not_of("\r\n") + 1)}) {
    const Result<CsvTable> table = CsvTable::read(box.write("t.csv", text));
    ASSERT_TRUE(table) << table.error().message;
    ASSERT_EQ(table->row_count(), cells.size() / 3);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      ASSERT_EQ(table->text(i / 3, i % 3), cells[i]) << i;
    }
  }
}

TEST(CsvTable, ReadsNumbersOfSeveralColumnsWhereTheyShouldGo) {
  const Sandbox box;
  const CsvTable table = CsvTable::read(box.write("t.csv", "a,b,c\n1,2,3e1\n-4.5,5,.25\n")).value();
  std::vector<double> out(8, 7.0);
  ASSERT_TRUE(table.numbers({2, 0}, out.data() + 1, 4));
  EXPECT_EQ(out, (std::vector<double>{7.0, 30.0, 1.0, 7.0, 7.0, 0.25, -4.5, 7.0}));
  const CsvTable wrong = CsvTable::read(box.write("t.csv", "a,b\n1,2\n3,x\n")).value();
  EXPECT_NE(wrong.numbers({0, 1}, out.data(), 2).error().message.find("record 3: b"), std::string::npos);
}

TEST(CsvTable, NamesTheRecordWithAWrongNumberOfFields) {
  const Sandbox box;
  EXPECT_NE(refusal_of(box.write("t.csv", "a,b\n1,2\n1,2,3\n")).find("record 3: has 3 fields"),
            std::string::npos);
  EXPECT_NE(refusal_of(box.write("t.csv", "a,b\n1\n")).find("record 2: has 1 fields"), std::string::npos);
}

TEST(CsvTable, RefusesBrokenQuotesEmptyFilesAndEqualColumns) {
  const Sandbox box;
  EXPECT_NE(refusal_of(box.write("t.csv", "a,b\n\"1,2\n3,4\n")).find("quote"), std::string::npos);
  EXPECT_NE(refusal_of(box.write("t.csv", "a,b\n1\"x,2\n")).find("quote"), std::string::npos);
  EXPECT_NE(refusal_of(box.write("t.csv", "")).find("empty"), std::string::npos);
  EXPECT_NE(refusal_of(box.write("t.csv", "a,a\n1,2\n")).find("two columns"), std::string::npos);
  EXPECT_NE(refusal_of(box.path("none.csv")).find("cannot be opened"), std::string::npos);
  EXPECT_NE(refusal_of(box.path("")).find("read"), std::string::npos) << "a folder is no file";
}

TEST(CsvTable, RefusesAGzipStreamThatIsCutOrDamagedAtAnyLength) {
  const Sandbox box;
  std::string text = "a,b\n";
  for (int i = 0; i < 300; ++i) {
    text += std::to_string(i * 7919 % 1000) + "," + std::to_string(i) + "\n";
  }
  const std::string whole = test::read_file(box.write("t.csv.gz", text));
  ASSERT_GT(whole.size(), 100U);
  for (std::size_t length = 2; length < whole.size(); length += 13) {
    const std::string path = box.path("cut.gz");
    std::ofstream(path, std::ios::binary).write(whole.data(), static_cast<std::streamsize>(length));
    EXPECT_FALSE(CsvTable::read(path)) << "cut after " << length << " of " << whole.size() << " bytes";
  }
  for (std::size_t at = 12; at < whole.size(); at += 29) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const std::string path = box.path("damaged.gz");
    std::ofstream(path, std::ios::binary).write(damaged.data(), static_cast<std::streamsize>(damaged.size()));
    EXPECT_FALSE(CsvTable::read(path)) << "byte " << at;
  }
}

TEST(CsvTable, StopsAtItsLimitsBeforeTheMemoryIsFull) {
  const Sandbox box;
  // A megabyte of zeros in about a kilobyte of gzip.
  const std::string bomb = box.write("bomb.csv.gz", "a\n" + std::string(1'000'000, '0') + "\n");
  EXPECT_NE(refusal_of(bomb, {.bytes = 100'000}).find("more than 100000 bytes"), std::string::npos);
  EXPECT_NE(refusal_of(box.write("t.csv", "a,b,c\n1,2,3\n"), {.columns = 2}).find("columns"),
            std::string::npos);
  EXPECT_NE(refusal_of(box.write("t.csv", "a\n1\n2\n3\n"), {.rows = 2}).find("rows"), std::string::npos);
}

TEST(CsvTable, NumbersAreWholeCellsAndFinite) {
  const Sandbox box;
  const Result<CsvTable> table =
      CsvTable::read(box.write("t.csv", "a\n1x\nnan\ninf\n1e999\nno\n\"\"\n0x1\n"));
  ASSERT_TRUE(table);
  for (std::size_t row = 0; row < table->row_count(); ++row) {
    const Result<double> number = table->number(row, 0);
    ASSERT_FALSE(number) << table->text(row, 0);
    EXPECT_NE(number.error().message.find("is not a finite number"), std::string::npos);
  }
  EXPECT_NE(table->number(0, 0).error().message.find("record 2: a = \"1x\""), std::string::npos);
}

TEST(CsvTable, ShowsControlCharactersAsQuestionMarks) {
  const Sandbox box;
  const Result<CsvTable> table = CsvTable::read(box.write("t.csv", "a\n\x1b[31mred\n"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->number(0, 0).error().message.find('\x1b'), std::string::npos);
}

TEST(CsvTable, FindsColumnsByNameAndPrefix) {
  const Sandbox box;
  const Result<CsvTable> table = CsvTable::read(box.write("t.csv", "q,score:a,score:b\n1,2,3\n"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->column("score:b").value(), 2U);
  EXPECT_EQ(table->columns_with_prefix("score:"), (std::vector<std::size_t>{1, 2}));
  EXPECT_FALSE(table->has_column("score"));
  EXPECT_NE(table->column("nothing").error().message.find("it has q, score:a, score:b"), std::string::npos);
}

}  // namespace
}  // namespace attune::sim::csv_table_test
