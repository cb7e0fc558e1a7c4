// SPDX-License-Identifier: Apache-2.0
// The strict parser and its opposite, canonical text; json_reader.cpp has the typed reads.
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/json_reader.hpp"

namespace attune {
namespace {

/// A parser's message quotes what it could not read: escapes its control characters, replaces what is not
/// UTF-8.
std::string printable(std::string_view text) {
  std::string quoted = json_text(text);
  std::string result;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && (quoted[i + 1] == '"' || quoted[i + 1] == '\\')) {
      ++i;
    }
    result += quoted[i];
  }
  return result;
}

/// The vector below ordered_map: its own emplace() searches for the key, which makes large objects quadratic.
using Members = std::vector<Json::object_t::value_type, Json::object_t::allocator_type>;
Members& members_of(Json& object) { return static_cast<Members&>(object.get_ref<Json::object_t&>()); }

/// Builds the document from parser events. nlohmann's own builder keeps the last of two equal keys and has no
/// limit on depth; this one refuses both.
class Builder {
 public:
  Builder(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

  bool null() { return put(nullptr) != nullptr; }
  bool boolean(bool value) { return put(value) != nullptr; }
  bool number_integer(std::int64_t value) { return put(value) != nullptr; }
  bool number_unsigned(std::uint64_t value) { return put(value) != nullptr; }
  bool number_float(double value, const std::string& /*text*/) { return put(value) != nullptr; }
  bool string(std::string& value) { return put(std::move(value)) != nullptr; }
  bool binary(Json::binary_t& /*value*/) { return refuse("binary data has no place in a text"); }
  bool start_object(std::size_t /*count*/) { return open(Json::object()); }
  bool start_array(std::size_t /*count*/) { return open(Json::array()); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    key_ = std::move(name);
    return true;
  }
  bool end_object() {
    const auto& members = stack_.back()->get_ref<const Json::object_t&>();
    names_.clear();
    for (const auto& member : members) {
      names_.push_back(member.first);
    }
    std::sort(names_.begin(), names_.end());
    const auto twice = std::adjacent_find(names_.begin(), names_.end());
    if (twice != names_.end()) {
      return refuse("the key \"" + std::string(*twice) + "\" stands twice in one object");
    }
    return close();
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& what) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: the rest": keep the rest, count
    // lines here, because out-of-range errors come without a place.
    std::string message = what.what();
    if (const std::size_t bracket = message.find("] "); bracket != std::string::npos) {
      message.erase(0, bracket + 2);
    }
    if (const std::size_t colon = message.find(": ");
        message.starts_with("parse error") && colon != std::string::npos) {
      message.erase(0, colon + 2);
    }
    return refuse_at(position, printable(message));
  }

  [[nodiscard]] Json take() { return std::move(root_); }
  [[nodiscard]] std::string& message() { return message_; }

 private:
  template <class Value>
  Json* put(Value&& value) {
    if (stack_.empty()) {
      root_ = Json(std::forward<Value>(value));
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      auto& items = parent.get_ref<Json::array_t&>();
      items.emplace_back(std::forward<Value>(value));
      return &items.back();
    }
    Members& members = members_of(parent);
    members.emplace_back(std::move(key_), Json(std::forward<Value>(value)));
    return &members.back().second;
  }
  bool open(Json container) {
    if (stack_.size() >= max_depth_) {
      return refuse("objects and arrays are nested deeper than " + std::to_string(max_depth_));
    }
    stack_.push_back(put(std::move(container)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }
  bool refuse(std::string message) {
    message_ = std::move(message);
    return false;
  }
  bool refuse_at(std::size_t position, const std::string& message) {
    const std::string_view before = text_.substr(0, std::min(position, text_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    return refuse("line " + std::to_string(line) + ", column " + std::to_string(before.size() - start) +
                  ": " + message);
  }

  std::string_view text_;
  std::size_t max_depth_;
  Json root_;
  std::vector<Json*> stack_;  // only the last grows, so none moves while it is in here
  std::string key_;
  std::string message_;
  std::vector<std::string_view> names_;
};

/// A copy whose objects have their members in order of their names, but the objects that are called one of
/// `keep`.
Json sorted(const Json& value, std::span<const std::string_view> keep, bool keep_this) {
  if (value.is_array()) {
    Json result = Json::array();
    for (const Json& item : value) {
      result.push_back(sorted(item, keep, false));
    }
    return result;
  }
  if (!value.is_object()) {
    return value;
  }
  const auto& members = value.get_ref<const Json::object_t&>();
  std::vector<const Json::object_t::value_type*> order;
  order.reserve(members.size());
  for (const auto& member : members) {
    order.push_back(&member);
  }
  if (!keep_this) {
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  }
  Json result = Json::object();
  auto& out = members_of(result);
  for (const auto* member : order) {
    const bool keeps = std::find(keep.begin(), keep.end(), member->first) != keep.end();
    out.emplace_back(member->first, sorted(member->second, keep, keeps));
  }
  return result;
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return fail(Errc::parse, "the text has " + std::to_string(text.size()) + " bytes; at most " +
                                 std::to_string(limits.bytes) + " are read");
  }
  Builder builder(text, limits.depth);
  if (!Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json, true,
                       limits.comments)) {
    return fail(Errc::parse, std::move(builder.message()));
  }
  return builder.take();
}

std::string canonical_json(const Json& value, std::span<const std::string_view> keep_order) {
  return sorted(value, keep_order, false).dump();
}

}  // namespace attune
