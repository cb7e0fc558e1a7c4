// SPDX-License-Identifier: Apache-2.0
#include "simulations/valuation.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "simulations/json_reader.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Bounds kFinite{-1e300, 1e300};

}  // namespace

Result<Valuation::Term> Valuation::read_term(const std::string& name, const json& object) {
  // Only what matters for the value of a complete outcome is read here; the engine checks the rest.
  const std::string path = "reward.components." + name;
  if (!object.is_object()) {
    return fail(Errc::invalid_config, path + " must be an object");
  }
  JsonReader reader(object, path);
  Term term;
  term.weight = reader.number("weight", kFinite, 1.0);
  const std::string scale = reader.text("normalise", "none");
  if (scale == "running") {
    reader.fail_with(path +
                     ".normalise = \"running\" has no fixed scale to measure regret on; use \"range\"");
  }
  term.scaled = scale == "range";
  const std::vector<double> range = reader.numbers("range", kFinite, false);
  if (range.size() == 2) {
    term.low = range[0];
    term.high = range[1];
  }
  if (reader.good() && term.scaled && !(term.low < term.high)) {
    reader.fail_with(path + ".range must be [low, high] with low < high");
  }
  term.limit_min = -kInfinity;
  term.limit_max = kInfinity;
  if (const json* limit = reader.find_object("limit")) {
    JsonReader bounds(*limit, path + ".limit");
    term.limit_min = bounds.number("min", kFinite, -kInfinity);
    term.limit_max = bounds.number("max", kFinite, kInfinity);
    if (Result<void> good = bounds.finish(); !good) {
      reader.fail_with(std::move(good).error());
    }
  }
  for (const char* other : {"aggregate", "required", "default"}) {
    (void)reader.find(other);
  }
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return term;
}

Result<Valuation> Valuation::make(const json& reward, const std::vector<std::string>& components) {
  Valuation out;
  JsonReader reader(reward, "reward");
  const json* named = reader.find_object("components");
  const json single = {{"reward", json::object()}};
  if (named == nullptr) {
    named = &single;
  }
  out.breach_reward_ = reader.number("breach_reward", kFinite, 0.0);
  const std::vector<double> clip = reader.numbers("clip", kFinite, false);
  out.clip_min_ = clip.size() == 2 ? clip[0] : -kInfinity;
  out.clip_max_ = clip.size() == 2 ? clip[1] : kInfinity;
  out.linear_ = clip.empty();
  if (!reader.good()) {
    return tl::unexpected(reader.finish().error());
  }
  for (const auto& [name, object] : named->items()) {
    const auto found = std::find(components.begin(), components.end(), name);
    if (found == components.end()) {
      std::string known;
      for (const std::string& component : components) {
        known += (known.empty() ? "" : ", ") + component;
      }
      return fail(Errc::invalid_config,
                  "reward.components." + name + ": this environment reports " + known + " and nothing else");
    }
    Result<Term> term = read_term(name, object);
    if (!term) {
      return tl::unexpected(std::move(term).error());
    }
    term->component = static_cast<std::size_t>(found - components.begin());
    out.linear_ =
        out.linear_ && !term->scaled && term->limit_min == -kInfinity && term->limit_max == kInfinity;
    if (name == "cost" || (term->weight < 0.0 && out.cost_ == kNone)) {
      out.cost_ = term->component;
    }
    out.terms_.push_back(*term);
    out.used_.push_back(term->component);
  }
  std::sort(out.used_.begin(), out.used_.end());
  return out;
}

double Valuation::value(std::span<const double> outcome) const {
  double sum = 0.0;
  for (const Term& term : terms_) {
    const double x = outcome[term.component];
    if (x < term.limit_min || x > term.limit_max) {
      return breach_reward_;
    }
    const double scaled = term.scaled ? std::clamp((x - term.low) / (term.high - term.low), 0.0, 1.0) : x;
    sum += term.weight * scaled;
  }
  return std::clamp(sum, clip_min_, clip_max_);
}

json default_reward(const std::vector<std::string>& components) {
  json named = json::object();
  for (std::size_t i = 0; i < components.size(); ++i) {
    named[components[i]] = {{"weight", i == 0 ? 1.0 : 0.0}, {"required", i == 0}};
  }
  return {{"components", named}};
}

}  // namespace attune::sim
