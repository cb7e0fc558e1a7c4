// SPDX-License-Identifier: Apache-2.0
// Export and import of journal ranges.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/store/admin.hpp>

#include "tests/store/store_fixture.hpp"

namespace attune::test::export_test {
namespace {

using Json = nlohmann::json;
const Act kAct{.actor = "operator", .time = 1};

std::string make_store(const TestFolder& folder, const std::string& name = "store.db") {
  static const std::string kOdd = "arm, \"odd\"\nname";
  std::string path = folder.file(name);
  const std::unique_ptr<Journal> journal = open_or_die(path);
  journal->set_names(
      {.point = [](std::uint32_t) { return std::string_view("gateway"); },
       .arm = [](std::uint32_t, std::uint32_t, std::uint16_t) { return std::string_view(kOdd); }});
  RecordList list;
  list.mixed(20).about(text_key("ann"), 21).outcome(21, 1.0);
  EXPECT_TRUE(journal->append(list.views(), state_of(100, 1), 1, "", 2));
  return path;
}

std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> lines;
  std::istringstream in(bytes_of_file(file));
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

TEST(Export, JsonLinesComeBackByteForByte) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  const std::string file = folder.file("journal.jsonl");
  const Result<ExportReport> report = export_records(path, {}, ExportFormat::json_lines, file);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->records, 22U);
  const Json first = Json::parse(lines_of(file).at(0));
  EXPECT_EQ(first["position"], 1);
  EXPECT_EQ(first["kind"], "decision");
  EXPECT_EQ(first["point_name"], "gateway");
  EXPECT_EQ(first["arm"], "arm, \"odd\"\nname");
  EXPECT_EQ(first["propensity"], 0.25);
  EXPECT_EQ(first["context"], Json::parse("[0.5, -1.25, 3.0]"));

  const std::string copy = folder.file("copy.db");
  {
    const std::unique_ptr<Journal> created = open_or_die(copy);
  }
  Result<StoreAdmin> admin = StoreAdmin::open(copy);
  ASSERT_TRUE(admin);
  const Result<ImportReport> imported = admin->import_records(file, kAct);
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->added, 22U);
  EXPECT_EQ(*read_all(admin->journal()), *read_all(*open_or_die(path, OpenMode::read_only)));
  EXPECT_EQ(run_sql(copy, "SELECT arm FROM decisions LIMIT 1"), "arm, \"odd\"\nname") << "names come along";
  EXPECT_EQ(run_sql(copy, "SELECT name FROM points"), "gateway");
  const Result<ImportReport> again = admin->import_records(file, kAct);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->added, 0U);
  EXPECT_EQ(again->skipped, 22U);
  EXPECT_EQ(read_audit(copy)->entries.size(), 1U) << "an import without effect is no act";
}

TEST(Export, TextThatIsNoUtf8IsShownReplacedAndComesBackByteForByte) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  static const std::string kArm = "caf\xE9";
  {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    journal->set_names({.point = {}, .arm = [](std::uint32_t, std::uint32_t, std::uint16_t) {
                          return std::string_view(kArm);
                        }});
    RecordList list;
    // Latin-1; a surrogate; overlong; cut off; and what must stay as it is.
    list.decision(1, 0).event(EventKind::tick, "a\xED\xA0\x80z").event(EventKind::tick, "\xC0\xAF\xF0\x9F");
    list.event(EventKind::tick, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F");
    ASSERT_TRUE(journal->append(list.views()));
  }
  const std::string file = folder.file("journal.jsonl");
  ASSERT_TRUE(export_records(path, {}, ExportFormat::json_lines, file));
  const std::vector<std::string> lines = lines_of(file);
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(Json::parse(lines.at(0))["arm"], "caf" + bad);
  EXPECT_EQ(Json::parse(lines.at(1))["text"], "a" + bad + bad + bad + "z");
  EXPECT_EQ(Json::parse(lines.at(2))["text"], bad + bad + bad + bad);
  EXPECT_EQ(Json::parse(lines.at(3))["text"], "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F");

  const std::string copy = folder.file("copy.db");
  {
    const std::unique_ptr<Journal> created = open_or_die(copy);
  }
  Result<StoreAdmin> admin = StoreAdmin::open(copy);
  ASSERT_TRUE(admin);
  const Result<ImportReport> imported = admin->import_records(file, kAct);
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->added, 4U);
  EXPECT_EQ(*read_all(admin->journal()), *read_all(*open_or_die(path, OpenMode::read_only)));
}

TEST(Import, TakesLinesOfAnyLengthUpToTheLimitAndReadsNoFurther) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  const std::string file = folder.file("journal.jsonl");
  ASSERT_TRUE(export_records(path, {}, ExportFormat::json_lines, file));
  StoreAdmin admin = std::move(*StoreAdmin::open(path));
  const std::string first = lines_of(file).at(0);
  constexpr std::size_t kPiece = std::size_t{1} << 14U;
  for (const std::size_t size : {kPiece - 2, kPiece - 1, kPiece, kPiece + 1, 2 * kPiece - 2, 3 * kPiece}) {
    for (const std::string_view end : {"", "\n", "\n\n"}) {
      std::ofstream(file, std::ios::binary) << first << std::string(size - first.size(), ' ') << end;
      const Result<ImportReport> known = admin.import_records(file, kAct);
      ASSERT_TRUE(known) << size << ": " << known.error().message;
      EXPECT_EQ(known->skipped, 1U) << size;
    }
  }
  std::filesystem::resize_file(file, 0);
  std::filesystem::resize_file(file, std::uintmax_t{1} << 40U);  // a hole: reading it all would not end
  const Result<ImportReport> refused = admin.import_records(file, kAct);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::parse);
  EXPECT_NE(refused.error().message.find("line 1: it is longer than 64 MiB"), std::string::npos)
      << refused.error().message;
}

TEST(Import, RefusesAFileAsAWhole) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  const std::string file = folder.file("journal.jsonl");
  ASSERT_TRUE(export_records(path, {}, ExportFormat::json_lines, file));
  const std::vector<std::string> good = lines_of(file);
  RecordList forged(10);
  forged.event(EventKind::tick, "forged");
  const std::string forged_store = folder.file("forged.db");
  {
    ASSERT_TRUE(open_or_die(forged_store)->append(RecordList(1).mixed(9).views()));
  }
  ASSERT_TRUE(open_or_die(forged_store)->append(forged.views()));
  ASSERT_TRUE(export_records(forged_store, {}, ExportFormat::json_lines, folder.file("forged.jsonl")));
  const std::string other = lines_of(folder.file("forged.jsonl"))[9];

  using Change = std::function<void(std::vector<std::string>&)>;
  const std::vector<std::pair<Change, Errc>> cases{
      {[](auto& lines) { lines.erase(lines.begin() + 5); }, Errc::invalid_argument},
      {[](auto& lines) { std::swap(lines[5], lines[6]); }, Errc::invalid_argument},
      {[](auto& lines) { lines[5] = "not JSON"; }, Errc::parse},
      {[](auto& lines) { lines[5] += lines[5]; }, Errc::parse},
      {[](auto& lines) { lines[5] = "[1]"; }, Errc::parse},
      {[](auto& lines) { lines[5] = R"({"position":6})"; }, Errc::invalid_argument},
      {[](auto& lines) { lines[5] = R"({"position":6,"position":6,"record":""})"; }, Errc::parse},
      {[](auto& lines) { lines[5] = R"({"position":0,"position":6,"record":""})"; }, Errc::parse},
      {[](auto& lines) { lines[5].insert(1, R"("record":"",)"); }, Errc::parse},
      {[](auto& lines) { lines[5].insert(1, R"("erased":true,"erased":false,)"); }, Errc::parse},
      {[](auto& lines) { lines[5] = R"({"position":6,"record":"!!!!"})"; }, Errc::parse},
      {[](auto& lines) { lines[5] = R"({"position":6,"a":[[[[[[[[[[1]]]]]]]]]]})"; }, Errc::parse},
      {[](auto& lines) { lines[20] = R"({"position":21,"kind":"decision","erased":true})"; },
       Errc::invalid_argument},
      {[](auto& lines) {
         const std::size_t at = lines[7].find("\"record\":\"") + 60;
         lines[7][at] = lines[7][at] == 'A' ? 'B' : 'A';
       },
       Errc::invalid_argument},
      {[](auto& lines) { lines.insert(lines.begin(), lines[21]); }, Errc::invalid_argument},
      {[&](auto& lines) { lines[9] = other; }, Errc::conflict},
  };
  const std::string target = folder.file("target.db");
  {
    ASSERT_TRUE(open_or_die(target)->append(RecordList(1).mixed(15).views()));
  }
  Result<StoreAdmin> admin = StoreAdmin::open(target);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::vector<std::string> lines = good;
    cases[i].first(lines);
    std::string text;
    for (const std::string& line : lines) {
      text += line + "\n";
    }
    const std::string changed = folder.file("changed.jsonl");
    write_file(changed, text);
    const Result<ImportReport> report = admin->import_records(changed, kAct);
    ASSERT_FALSE(report) << "case " << i;
    EXPECT_EQ(report.error().code, cases[i].second) << "case " << i << ": " << report.error().message;
    EXPECT_EQ(admin->journal().last_position(), 15U);
    EXPECT_EQ(read_all(admin->journal())->size(), 15U);
  }
  EXPECT_EQ(admin->import_records(folder.file("none"), kAct).error().code, Errc::io);
  EXPECT_EQ(admin->import_records(file, kAct)->added, 7U) << "and the good file goes in";
}

TEST(Export, CsvHasOneLineARecordAndQuotesWhatMustBe) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  std::string text;
  const Result<ExportReport> report =
      export_records(path, {.first = 4, .last = 21}, ExportFormat::csv, [&](std::string_view piece) {
        text += piece;
        return true;
      });
  ASSERT_TRUE(report);
  EXPECT_EQ(report->records, 18U);
  EXPECT_EQ(text.substr(0, text.find('\r')),
            "position,kind,time,point,point_name,decision,sequence,slot,arm,propensity,"
            "score,version,rung,greedy,episode,client_key,subject,parameters,"
            "components,key,ended,event,text,number,value,aux,reason,source");
  EXPECT_NE(text.find("\r\n4,outcome,1700000004000000000,,,"), std::string::npos) << text;
  EXPECT_NE(text.find("\"arm, \"\"odd\"\"\nname\""), std::string::npos);
  EXPECT_NE(text.find("\"{\"\"quality\"\":0.5,\"\"cost\"\":0.5}\""), std::string::npos) << text;
  // Every line has as many fields as the header: commas outside of quotes.
  std::size_t commas = 0;
  bool quoted = false;
  for (const char c : text) {
    quoted = c == '"' ? !quoted : quoted;
    commas += c == ',' && !quoted ? 1U : 0U;
  }
  EXPECT_EQ(commas, 27U * 19U);
}

TEST(Export, WritesNoHalfFileAndOverwritesNone) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  const std::string file = folder.file("out.jsonl");
  write_file(file, "mine");
  EXPECT_EQ(export_records(path, {}, ExportFormat::json_lines, file).error().code, Errc::invalid_argument);
  EXPECT_EQ(bytes_of_file(file), "mine");
  run_sql(path, "UPDATE outcomes SET record = zeroblob(104) WHERE position = 8");
  const std::string cut = folder.file("cut.jsonl");
  const Result<ExportReport> report = export_records(path, {}, ExportFormat::json_lines, cut);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("record 8 is damaged"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(cut));
}

TEST(Export, SaysWhichRecordsWereErased) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  ASSERT_TRUE(open_or_die(path)->erase_subject(text_key("ann"), 1, kAct));
  const std::string file = folder.file("out.jsonl");
  const Result<ExportReport> report = export_records(path, {}, ExportFormat::json_lines, file);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->records, 20U);
  EXPECT_EQ(report->erased, 2U);
  EXPECT_EQ(lines_of(file)[20], R"({"position":21,"kind":"decision","erased":true})");
  Result<StoreAdmin> admin = StoreAdmin::open(path);
  EXPECT_EQ(admin->import_records(file, kAct)->skipped, 22U) << "equal, blanks included";
}

/// A consumer that follows the specification of the C data interface.
const ArrowArray& child(const ArrowSchema& schema, const ArrowArray& array, const std::string& name,
                        const std::string& format) {
  for (std::int64_t i = 0; i < schema.n_children; ++i) {
    if (schema.children[i]->name == name) {
      EXPECT_EQ(schema.children[i]->format, format) << name;
      return *array.children[i];
    }
  }
  ADD_FAILURE() << "no column " << name;
  std::abort();
}

bool is_valid(const ArrowArray& column, std::size_t row) {
  const auto* bits = static_cast<const std::uint8_t*>(column.buffers[0]);
  return bits == nullptr || (bits[row / 8] >> (row % 8) & 1U) != 0;
}

template <class T>
T value_at(const ArrowArray& column, std::size_t row) {
  return static_cast<const T*>(column.buffers[1])[row];
}

std::string text_at(const ArrowArray& column, std::size_t row) {
  const auto* ends = static_cast<const std::int64_t*>(column.buffers[1]);
  return {static_cast<const char*>(column.buffers[2]) + ends[row],
          static_cast<std::size_t>(ends[row + 1] - ends[row])};
}

TEST(Export, SaysWhyADecisionWasMadeAsItWas) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    RecordList list;
    list.decision(1, 0).overruled(Rung::allocation, ChoiceReason::killed, 2);
    list.outcome(2, 1.0).overruled(Rung::policy, ChoiceReason::drift, 4);
    ASSERT_TRUE(journal->append(list.views()));
  }
  const std::string file = folder.file("journal.jsonl");
  ASSERT_TRUE(export_records(path, {}, ExportFormat::json_lines, file));
  const std::vector<std::string> lines = lines_of(file);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(Json::parse(lines[0])["reason"], "usual");
  EXPECT_EQ(Json::parse(lines[1])["reason"], "killed");
  EXPECT_EQ(Json::parse(lines[1])["rung"], "static");
  EXPECT_FALSE(Json::parse(lines[2]).contains("reason")) << "an outcome has none";
  EXPECT_EQ(Json::parse(lines[3])["reason"], "drift");

  const std::string copy = folder.file("copy.db");
  {
    const std::unique_ptr<Journal> created = open_or_die(copy);
  }
  Result<StoreAdmin> admin = StoreAdmin::open(copy);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->import_records(file, kAct));
  EXPECT_EQ(*read_all(admin->journal()), *read_all(*open_or_die(path, OpenMode::read_only)));

  std::string csv;
  ASSERT_TRUE(export_records(copy, {}, ExportFormat::csv, [&](std::string_view piece) {
    csv += piece;
    return true;
  }));
  EXPECT_NE(csv.find(",killed,\r\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",drift,\r\n"), std::string::npos) << csv;

  ArrowSchema schema{};
  ArrowArray array{};
  ASSERT_TRUE(export_arrow(copy, {}, ExportTable::decisions, &schema, &array));
  const ArrowArray& reason = child(schema, array, "reason", "C");
  EXPECT_EQ(value_at<std::uint8_t>(reason, 0), static_cast<std::uint8_t>(ChoiceReason::usual));
  EXPECT_EQ(value_at<std::uint8_t>(reason, 2), static_cast<std::uint8_t>(ChoiceReason::drift));
  array.release(&array);
  schema.release(&schema);
}

TEST(Export, ArrowTablesFollowTheCDataInterface) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  ArrowSchema schema{};
  ArrowArray array{};
  ASSERT_TRUE(export_arrow(path, {}, ExportTable::decisions, &schema, &array));
  EXPECT_STREQ(schema.format, "+s");
  ASSERT_EQ(schema.n_children, array.n_children);
  EXPECT_EQ(array.length, 9);
  EXPECT_EQ(array.n_buffers, 1);
  for (std::int64_t i = 0; i < array.n_children; ++i) {
    EXPECT_EQ(array.children[i]->length, 9);
    EXPECT_EQ(array.children[i]->offset, 0);
  }
  EXPECT_EQ(value_at<std::uint64_t>(child(schema, array, "position", "L"), 8), 21U);
  EXPECT_EQ(value_at<std::int64_t>(child(schema, array, "time", "tsn:UTC"), 0), RecordList::time_of(1));
  EXPECT_EQ(text_at(child(schema, array, "arm", "U"), 8), "arm, \"odd\"\nname");
  EXPECT_EQ(value_at<std::uint8_t>(child(schema, array, "rung", "C"), 8), 0U);
  const ArrowArray& subject = child(schema, array, "subject", "L");
  EXPECT_EQ(subject.null_count, 8);
  EXPECT_FALSE(is_valid(subject, 0));
  ASSERT_TRUE(is_valid(subject, 8));
  EXPECT_EQ(value_at<std::uint64_t>(subject, 8), text_key("ann"));
  const Uuid expected = RecordList::uuid(21);
  const auto* ids = static_cast<const std::uint8_t*>(child(schema, array, "id", "w:16").buffers[1]);
  EXPECT_TRUE(std::equal(expected.bytes.begin(), expected.bytes.end(), ids + 8 * 16));
  const ArrowArray& greedy = child(schema, array, "greedy", "b");
  EXPECT_EQ(static_cast<const std::uint8_t*>(greedy.buffers[1])[0], 0xFFU);
  EXPECT_EQ(static_cast<const std::uint8_t*>(greedy.buffers[1])[1] & 1U, 0U) << "the ninth was not greedy";
  const ArrowArray& context = child(schema, array, "context", "+L");
  ASSERT_EQ(context.n_children, 1);
  EXPECT_EQ(value_at<std::int64_t>(context, 8), 24);
  EXPECT_EQ(value_at<double>(*context.children[0], 4), -1.25);

  // A child may be moved out and outlive its parent.
  ArrowArray moved = *array.children[0];
  array.children[0]->release = nullptr;
  array.release(&array);
  EXPECT_EQ(array.release, nullptr);
  EXPECT_EQ(value_at<std::uint64_t>(moved, 0), 1U);
  moved.release(&moved);
  schema.release(&schema);
  EXPECT_EQ(schema.release, nullptr);
}

TEST(Export, ArrowOutcomesEventsAndErrors) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  ArrowSchema schema{};
  ArrowArray array{};
  ASSERT_TRUE(export_arrow(path, {.first = 2, .last = 6}, ExportTable::outcomes, &schema, &array));
  EXPECT_EQ(array.length, 3);
  EXPECT_EQ(text_at(child(schema, array, "components", "U"), 0), R"({"quality":0.25,"cost":0.5})");
  schema.release(&schema);
  array.release(&array);
  ASSERT_TRUE(export_arrow(path, {.first = 100}, ExportTable::events, &schema, &array));
  EXPECT_EQ(array.length, 0);
  schema.release(&schema);
  array.release(&array);
  run_sql(path, "UPDATE events SET record = zeroblob(88) WHERE position = 5");
  ASSERT_FALSE(export_arrow(path, {}, ExportTable::events, &schema, &array));
  EXPECT_EQ(schema.release, nullptr) << "untouched";
  EXPECT_EQ(export_arrow(path, {}, ExportTable::events, nullptr, &array).error().code,
            Errc::invalid_argument);
}

}  // namespace
}  // namespace attune::test::export_test
