// SPDX-License-Identifier: Apache-2.0
#include "tools/json_writer.hpp"

#include <cmath>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace attune::tools::json_writer_test {
namespace {

using Json = nlohmann::json;

TEST(JsonWriterText, WritesWhatAParserReads) {
  std::string out = "[1,\n";
  JsonWriter json(out);
  json.open_object().key("a\"b").number(std::uint64_t{18446744073709551615U}).key("c").open_array();
  json.number(0.1)
      .number(std::nan(""))
      .boolean(false)
      .text("\x1F\n\\ß")
      .open_object()
      .close_object()
      .close_array();
  json.close_object();
  EXPECT_EQ(Json::parse(out + "]"),
            Json::parse(R"([1,{"a\"b":18446744073709551615,"c":[0.1,null,false,"\u001f\n\\ß",{}]}])"));
}

}  // namespace
}  // namespace attune::tools::json_writer_test
