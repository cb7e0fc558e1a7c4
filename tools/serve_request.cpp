// SPDX-License-Identifier: Apache-2.0
#include "tools/serve_request.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/json_writer.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

/// What a member holds.
enum class Form : std::uint8_t {
  text,
  number,
  flag,
  numbers,
  texts,
  components,
  prior,
  context,
  json,
  mark,
  text_or_null
};

constexpr std::array<Form, kMemberNames.size()> kForms{
    Form::text,  Form::mark,         Form::json,        Form::text,   Form::context,    Form::texts,
    Form::text,  Form::text,         Form::text,        Form::number, Form::components, Form::text,
    Form::flag,  Form::flag,         Form::numbers,     Form::text,   Form::text,       Form::numbers,
    Form::prior, Form::text,         Form::flag,        Form::text,   Form::text,       Form::text,
    Form::text,  Form::text_or_null, Form::text_or_null};

/// One JSON scalar as the parser gives it.
struct Scalar {
  enum class Kind : std::uint8_t { null, flag, whole, real, text };
  Kind kind = Kind::null;
  bool flag = false;
  std::uint64_t whole = 0;  ///< when not negative; else only `number` has it
  double number = 0.0;
  std::string_view text{};  ///< of a text; of a real number its digits

  [[nodiscard]] bool is_number() const noexcept { return kind == Kind::whole || kind == Kind::real; }
};

/// Fills a Request from parser events, without building a document. A wrong value is noted and the line read
/// on to its end: it may still be found to be no JSON, and `ref` may still come.
class RequestReader {
 public:
  explicit RequestReader(Request& request) : request_(request), capture_(request.config) {}

  bool null() { return scalar({}); }
  bool boolean(bool value) { return scalar({.kind = Scalar::Kind::flag, .flag = value}); }
  bool number_integer(std::int64_t value) {
    return scalar({.kind = Scalar::Kind::real, .number = static_cast<double>(value), .text = digits(value)});
  }
  bool number_unsigned(std::uint64_t value) {
    return scalar({.kind = Scalar::Kind::whole, .whole = value, .number = static_cast<double>(value)});
  }
  bool number_float(double value, const std::string& text) {
    return scalar({.kind = Scalar::Kind::real, .number = value, .text = text});
  }
  bool string(const std::string& value) { return scalar({.kind = Scalar::Kind::text, .text = value}); }
  bool binary(const Json::binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*count*/) { return open(true); }
  bool start_array(std::size_t /*count*/) { return open(false); }
  bool end_object() { return close(true); }
  bool end_array() { return close(false); }
  bool key(const std::string& name);
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& what);

  [[nodiscard]] Result<void> verdict();

 private:
  [[nodiscard]] Form form() const noexcept { return kForms[static_cast<std::size_t>(member_)]; }
  [[nodiscard]] std::string member_name() const {
    return "\"" + std::string(kMemberNames[static_cast<std::size_t>(member_)]) + "\"";
  }
  std::string_view digits(std::int64_t value) {
    digits_ = std::to_string(value);
    return digits_;
  }
  bool refuse(Errc code, std::string message) {
    if (!error_) {
      error_ = true;
      code_ = code;
      message_ = std::move(message);
    }
    return true;
  }
  bool refuse_member(std::string_view rule) {
    return refuse(Errc::invalid_argument, member_name() + " " + std::string(rule));
  }
  void echo(const Scalar& value, JsonWriter& out) const;
  bool open(bool object);
  bool close(bool object);
  bool scalar(const Scalar& value);
  bool member_value(const Scalar& value);
  bool entry(const Scalar& value);
  bool feature(const Scalar& value);
  bool sparse_entry(const Scalar& value);
  std::string* text_of(Member member);

  Request& request_;
  JsonWriter capture_;
  std::size_t depth_ = 0;
  bool ignore_ = false;     ///< the present member is unknown, repeated or of another form
  bool in_object_ = false;  ///< of the container at depth 2
  Member member_ = Member::op;
  std::string sub_key_;  ///< key in an object at depth 2
  std::string digits_;
  bool saw_index_ = false;
  bool saw_value_ = false;
  bool error_ = false;
  Errc code_ = Errc::ok;
  std::string message_;
};

bool RequestReader::key(const std::string& name) {
  if (depth_ == 1) {
    const auto* found = std::find(kMemberNames.begin(), kMemberNames.end(), name);
    ignore_ = true;
    if (found == kMemberNames.end()) {
      return refuse(Errc::invalid_argument, "unknown member \"" + name.substr(0, 64) + "\"");
    }
    member_ = static_cast<Member>(found - kMemberNames.begin());
    if (request_.has(member_)) {
      return refuse_member("stands twice in the line");
    }
    request_.given |= 1U << static_cast<unsigned>(member_);
    ignore_ = false;
    return true;
  }
  if (!ignore_ && form() == Form::json) {
    capture_.key(name);
  } else if (depth_ == 2) {
    sub_key_ = name;
  }
  return true;
}

bool RequestReader::open(bool object) {
  ++depth_;
  if (depth_ == 1) {
    return object || refuse(Errc::parse, "a request is a JSON object, not an array");
  }
  if (ignore_ || error_) {
    return true;
  }
  if (form() == Form::json) {
    object ? capture_.open_object() : capture_.open_array();
    return true;
  }
  if (depth_ == 2) {
    in_object_ = object;
    const bool takes_object = form() == Form::components || form() == Form::prior || form() == Form::context;
    const bool takes_array = form() == Form::numbers || form() == Form::texts || form() == Form::context;
    return (object ? takes_object : takes_array) || refuse_member(object ? "is an object" : "is an array");
  }
  // The only deeper values are the two arrays of a sparse context.
  const bool sparse = depth_ == 3 && !object && in_object_ && form() == Form::context;
  bool& seen = sub_key_ == "index" ? saw_index_ : saw_value_;
  if (!sparse || (sub_key_ != "index" && sub_key_ != "value") || seen) {
    return refuse_member("holds an object or array where a plain value belongs");
  }
  seen = true;
  return true;
}

bool RequestReader::close(bool object) {
  if (depth_ > 1 && !ignore_ && !error_ && form() == Form::json) {
    object ? capture_.close_object() : capture_.close_array();
  }
  --depth_;
  return true;
}

void RequestReader::echo(const Scalar& value, JsonWriter& out) const {
  switch (value.kind) {
    case Scalar::Kind::null:
      out.raw("null");
      break;
    case Scalar::Kind::flag:
      out.boolean(value.flag);
      break;
    case Scalar::Kind::whole:
      out.number(value.whole);
      break;
    case Scalar::Kind::real:
      out.raw(value.text);
      break;
    case Scalar::Kind::text:
      out.text(value.text);
      break;
  }
}

bool RequestReader::scalar(const Scalar& value) {
  if (depth_ == 0) {
    return refuse(Errc::parse, "a request is a JSON object, not a single value");
  }
  if (!ignore_ && depth_ == 1 && member_ == Member::ref) {
    JsonWriter mark(request_.ref);
    echo(value, mark);  // also after an error: the caller wants to know which request it was
    return true;
  }
  if (ignore_ || error_) {
    return true;
  }
  if (form() == Form::json) {
    echo(value, capture_);
    return true;
  }
  if (depth_ == 1) {
    return member_value(value);
  }
  return depth_ == 2 ? entry(value) : sparse_entry(value);
}

std::string* RequestReader::text_of(Member member) {
  switch (member) {
    case Member::op:
      return &request_.op;
    case Member::point:
      return &request_.point;
    case Member::episode:
      return &request_.episode;
    case Member::client_key:
      return &request_.client_key;
    case Member::subject:
      return &request_.subject;
    case Member::id:
      return &request_.id;
    case Member::key:
      return &request_.key;
    case Member::source:
      return &request_.source;
    case Member::who:
      return &request_.who;
    case Member::why:
      return &request_.why;
    case Member::token:
      return &request_.token;
    case Member::action:
      return &request_.action;
    default:
      return &request_.arm;
  }
}

bool RequestReader::member_value(const Scalar& value) {
  switch (form()) {
    case Form::text:
      if (value.kind != Scalar::Kind::text) {
        return refuse_member("is not a text in quotes");
      }
      *text_of(member_) = value.text;
      return true;
    case Form::text_or_null:
      if (value.kind != Scalar::Kind::text && value.kind != Scalar::Kind::null) {
        return refuse_member("is neither a text in quotes nor null");
      }
      request_.no_arm = value.kind == Scalar::Kind::null;
      request_.shown_arm = value.text;
      return true;
    case Form::number:
      if (!value.is_number()) {
        return refuse_member("is not a number");
      }
      request_.reward = value.number;
      return true;
    case Form::flag:
      if (value.kind != Scalar::Kind::flag) {
        return refuse_member("is neither true nor false");
      }
      (member_ == Member::terminal ? request_.terminal
       : member_ == Member::on     ? request_.on
                                   : request_.truncated) = value.flag;
      return true;
    case Form::numbers:
      return refuse_member("is not an array of numbers");
    case Form::texts:
      return refuse_member("is not an array of texts");
    case Form::context:
      return refuse_member("is neither an array nor an object");
    default:
      return refuse_member("is not an object");
  }
}

bool RequestReader::entry(const Scalar& value) {
  const bool numbers = form() != Form::texts && !(form() == Form::context && in_object_);
  if (numbers && !value.is_number()) {
    return refuse_member(in_object_ ? "has a member that is not a number"
                                    : "has an entry that is not a number");
  }
  switch (form()) {
    case Form::texts:
      if (value.kind != Scalar::Kind::text) {
        return refuse_member("has an entry that is not a text in quotes");
      }
      request_.arms.push(value.text);
      return true;
    case Form::numbers:
      (member_ == Member::next ? request_.next : request_.features).push_back(value.number);
      return true;
    case Form::components:
      request_.component_names.push(sub_key_);
      request_.component_values.push_back(value.number);
      return true;
    case Form::prior:
      if (sub_key_ != "mean" && sub_key_ != "weight") {
        return refuse_member("has a member other than mean and weight");
      }
      (sub_key_ == "mean" ? request_.prior.mean : request_.prior.weight) = value.number;
      return true;
    default:
      if (in_object_) {
        return feature(value);
      }
      request_.dense.push_back(value.number);
      return true;
  }
}

bool RequestReader::feature(const Scalar& value) {
  if (value.kind == Scalar::Kind::null) {
    return refuse_member("has a feature that is null; leave it out to take its default");
  }
  request_.feature_names.push(sub_key_);
  request_.feature_texts.push(value.kind == Scalar::Kind::text ? value.text : std::string_view());
  const double number = value.kind == Scalar::Kind::flag ? (value.flag ? 1.0 : 0.0) : value.number;
  request_.named.push_back(
      {.name = {}, .number = number, .text = {}, .is_text = value.kind == Scalar::Kind::text});
  return true;
}

bool RequestReader::sparse_entry(const Scalar& value) {
  if (sub_key_ == "value") {
    if (!value.is_number()) {
      return refuse_member("has a value that is not a number");
    }
    request_.value.push_back(value.number);
    return true;
  }
  if (value.kind != Scalar::Kind::whole || value.whole > std::numeric_limits<std::uint32_t>::max()) {
    return refuse_member("has an index that is not a whole number from 0 to 4294967295");
  }
  request_.index.push_back(static_cast<std::uint32_t>(value.whole));
  return true;
}

bool RequestReader::parse_error(std::size_t position, const std::string& /*token*/,
                                const nlohmann::detail::exception& what) {
  constexpr int kNumberTooLarge = 406;  // nlohmann's own number for it
  // Its words quote raw bytes of the line: they are not passed on.
  error_ = true;
  code_ = Errc::parse;
  message_ = what.id == kNumberTooLarge
                 ? "the line holds a number that no double can be, before byte " + std::to_string(position)
                 : "the line is not JSON from byte " + std::to_string(position) + " on";
  return false;
}

Result<void> RequestReader::verdict() {
  if (!error_ && request_.has(Member::context)) {
    if (!request_.named.empty() && (saw_index_ || saw_value_)) {
      return fail(Errc::invalid_argument, "\"context\" mixes named features with sparse index and value");
    }
    if (saw_index_ != saw_value_) {
      return fail(Errc::invalid_argument, "\"context\" needs both index and value");
    }
  }
  // Only now do the texts stand still.
  for (std::size_t i = 0; i < request_.named.size(); ++i) {
    request_.named[i].name = request_.feature_names[i];
    request_.named[i].text = request_.feature_texts[i];
  }
  return error_ ? fail(code_, std::move(message_)) : Result<void>();
}

}  // namespace

void Request::clear() {
  given = 0;
  for (std::string* text : {&op, &ref, &config, &point, &episode, &client_key, &subject, &id, &key, &action,
                            &arm, &who, &why, &token, &source, &shown_arm}) {
    text->clear();
  }
  for (std::vector<double>* numbers : {&next, &features, &component_values, &dense, &value}) {
    numbers->clear();
  }
  for (TextList* texts : {&arms, &component_names, &feature_names, &feature_texts}) {
    texts->clear();
  }
  reward = 0.0;
  no_arm = false;
  terminal = false;
  truncated = false;
  on = false;
  prior = {};
  index.clear();
  named.clear();
}

Result<void> read_request(std::string_view line, Request& request) {
  request.clear();
  RequestReader reader(request);
  static_cast<void>(Json::sax_parse(line.begin(), line.end(), &reader));  // verdict() knows more
  return reader.verdict();
}

}  // namespace attune::tools
