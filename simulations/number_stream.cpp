// SPDX-License-Identifier: Apache-2.0
#include "simulations/number_stream.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <istream>
#include <optional>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

namespace attune::sim {
namespace {

using nlohmann::json;

/// "0.5" is a number, "true" a boolean, "[1, 2]" a list, anything else text; "1e400" and "nan" are text,
/// which no option takes.
json parameter_value(const std::string& text) {
  if (text.starts_with('[')) {  // a list of numbers
    if (json list = json::parse(text, nullptr, false); list.is_array()) {
      return list;
    }
  }
  if (text == "true" || text == "false") {
    return text == "true";
  }
  const char* const end = text.data() + text.size();
  const bool whole = text.find_first_of(".eE") == std::string::npos;
  if (std::int64_t value = 0; whole && std::from_chars(text.data(), end, value).ptr == end && !text.empty()) {
    if (std::to_string(value) == text) {
      return value >= 0 ? json(static_cast<std::uint64_t>(value)) : json(value);
    }
  }
  double number = 0.0;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stop == end && std::isfinite(number)) {
    // River's integers may be given as 32.0.
    if (number >= 0.0 && number < 9e15 && number == std::floor(number)) {
      return static_cast<std::uint64_t>(number);
    }
    return number;
  }
  return text;
}

std::string_view trimmed(std::string_view line) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && blank(line.front())) {
    line.remove_prefix(1);
  }
  while (!line.empty() && blank(line.back())) {
    line.remove_suffix(1);
  }
  return line;
}

/// The number of a line, which may be nan or inf, in any case and with a sign. Beyond the range of a double
/// it is an infinity or 0, as other readers have it.
std::optional<double> line_value(std::string_view text) {
  const bool plus = text.starts_with('+');
  if (plus) {
    text.remove_prefix(1);
  }
  if (text.empty() || (plus && (text.front() == '-' || text.front() == '+'))) {
    return std::nullopt;
  }
  double value = 0.0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (stop != text.data() + text.size() || error == std::errc::invalid_argument) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    return std::strtod(std::string(text).c_str(), nullptr);
  }
  return value;
}

/// Digits of a number that anybody writes; a stream without line feeds is none of lines.
constexpr std::size_t kLongestLine = 4096;

/// The next line without its line feed; false: there is none. Of a line that is too long no more is kept than
/// shows that it is.
bool read_line(std::istream& input, std::string& line) {
  std::array<char, kLongestLine + 2> piece{};
  input.getline(piece.data(), piece.size());
  const auto taken = static_cast<std::size_t>(input.gcount());
  line.assign(piece.data(), input.good() ? taken - 1 : taken);  // the line feed is counted, not kept
  return !input.bad() && taken > 0;
}

Result<std::uint64_t> read_lines(std::istream& input, const std::string& source,
                                 const std::function<void(double)>& take) {
  std::uint64_t values = 0;
  std::string line;
  std::uint64_t number = 0;
  while (read_line(input, line)) {
    ++number;
    if (line.size() > kLongestLine) {
      return fail(Errc::parse, source + " line " + std::to_string(number) + " is longer than " +
                                   std::to_string(kLongestLine) + " bytes; a value a line is expected");
    }
    const std::string_view text = trimmed(line);
    if (text.empty() && input.peek() == std::istream::traits_type::eof()) {
      break;  // an empty last line
    }
    const std::optional<double> value = line_value(text);
    if (!value) {
      return fail(Errc::parse, source + " line " + std::to_string(number) + ": \"" +
                                   std::string(text.substr(0, 40)) + "\" is not a number");
    }
    take(*value);
    ++values;
  }
  if (input.bad()) {
    return fail(Errc::io, source + " could not be read to its end");
  }
  return values;
}

}  // namespace

Result<json> spec_of(const std::string& type, const std::vector<std::string>& parameters,
                     std::string_view option) {
  json spec = {{"type", type}};
  for (const std::string& parameter : parameters) {
    const std::size_t sign = parameter.find('=');
    if (sign == std::string::npos || sign == 0) {
      return fail(Errc::invalid_config, "--param " + parameter + " is not of the form name=value");
    }
    const std::string name = parameter.substr(0, sign);
    if (name == "type" || spec.contains(name)) {
      return fail(Errc::invalid_config,
                  "--param " + name + (name == "type" ? " is " + std::string(option) : " is given twice"));
    }
    spec[name] = parameter_value(parameter.substr(sign + 1));
  }
  return spec;
}

Result<std::uint64_t> read_numbers(const std::string& path, const std::function<void(double)>& take) {
  if (path == "-") {
    Result<std::uint64_t> read = read_lines(std::cin, "stdin", take);
    // std::cin takes a read that failed for the end.
    return read && std::ferror(stdin) != 0 ? fail(Errc::io, "stdin could not be read to its end") : read;
  }
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  if (!file || std::filesystem::is_directory(path, ignored)) {
    return fail(Errc::io, path + " cannot be read: there is no such file, or it is no file");
  }
  return read_lines(file, path, take);
}

json state_json(std::uint32_t version, ByteView bytes) {
  std::string hex;
  for (const std::byte byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[std::to_integer<std::size_t>(byte >> 4U)];
    hex += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return {{"version", version}, {"bytes", hex}};
}

}  // namespace attune::sim
