// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/core/record.hpp>
#include <attune/store/inspect.hpp>

#include "simulations/json_reader.hpp"
#include "simulations/logged_data.hpp"
#include "simulations/valuation.hpp"

namespace attune::sim {
namespace {

using Json = nlohmann::ordered_json;

/// A decision while its outcomes are being collected. Its context and the parts of its reward are elsewhere,
/// all decisions' one after the other.
struct Joined {
  std::size_t arm = 0;
  double propensity = 0.0;
  std::size_t context_end = 0;
};

/// What the store says of the point whose decisions are wanted.
struct StoredPoint {
  std::uint32_t number = 0;
  std::vector<std::string> arms;
  std::vector<std::string> components;
  Valuation valuation;
};

Result<StoredPoint> find_point(const std::string& config_text, const std::string& wanted,
                               const std::string& path) {
  const Json config = Json::parse(config_text, nullptr, false);
  if (!config.is_object() || !config.contains("points") || !config.at("points").is_object()) {
    return fail(Errc::corrupt_state, path + ": the stored configuration cannot be read");
  }
  const Json& points = config.at("points");
  std::string known;
  StoredPoint out;
  const Json* found = nullptr;
  std::uint32_t number = 0;
  for (const auto& [name, point] : points.items()) {
    if (name == wanted || (wanted.empty() && points.size() == 1)) {
      found = &point;
      out.number = number;
    }
    known += (known.empty() ? "" : ", ") + name;
    ++number;
  }
  if (found == nullptr) {
    return fail(Errc::unknown_point,
                wanted.empty() ? path + ": has several decision points; name one of " + known
                               : path + ": has no decision point \"" + wanted + "\"; it has " + known);
  }
  for (const Json& arm : found->value("arms", Json::array())) {
    out.arms.push_back(arm.is_string() ? arm.get<std::string>() : arm.value("id", ""));
  }
  const nlohmann::json reward = nlohmann::json::parse(found->value("reward", Json::object()).dump());
  if (reward.contains("components")) {
    for (const auto& [name, component] : reward.at("components").items()) {
      out.components.push_back(name);
    }
  } else {
    out.components = {"reward"};
  }
  Result<Valuation> valuation = Valuation::make(reward, out.components);
  if (!valuation) {
    return fail(valuation.error().code, path + ": " + valuation.error().message);
  }
  out.valuation = std::move(*valuation);
  return out;
}

/// Reads all records and joins outcomes to the point's decisions.
class Joiner {
 public:
  explicit Joiner(StoredPoint& point) : point_(point) {
    for (std::size_t i = 0; i < point_.arms.size(); ++i) {
      arm_index_.emplace(point_.arms[i], i);
    }
  }

  Errc take(const StoredRecord& stored) {
    if (stored.erased) {
      return Errc::ok;
    }
    switch (stored.header.kind) {
      case RecordKind::decision:
        return stored.header.point == point_.number ? decision(stored) : Errc::ok;
      case RecordKind::outcome:
        return outcome(stored.bytes);
      case RecordKind::event:
        return stored.header.point == point_.number ? event(stored.bytes) : Errc::ok;
    }
    return Errc::ok;
  }

  Result<LoggedData> finish(const std::string& path) {
    LoggedData out;
    const std::size_t dimension = decisions_.empty() ? 0 : decisions_.front().context_end;
    const std::size_t components = point_.components.size();
    std::vector<double> parts(components);
    std::size_t start = 0;
    for (std::size_t i = 0; i < decisions_.size(); ++i) {
      const Joined& d = decisions_[i];
      const std::span<const double> context = std::span(contexts_).subspan(start, d.context_end - start);
      start = d.context_end;
      std::copy_n(parts_.begin() + static_cast<std::ptrdiff_t>(i * components), components, parts.begin());
      const bool complete = std::none_of(parts.begin(), parts.end(), [](double x) { return std::isnan(x); });
      if (!(d.propensity > 0.0 && d.propensity <= 1.0) || !complete) {
        ++out.left_out;
        continue;
      }
      if (context.size() != dimension) {
        return fail(Errc::unsupported, path + ": its contexts are not all of one length");
      }
      out.contexts.insert(out.contexts.end(), context.begin(), context.end());
      out.arm.push_back(d.arm);
      out.reward.push_back(point_.valuation.value(parts));
      out.propensity.push_back(d.propensity);
    }
    out.left_out += unusable_;
    if (out.left_out > 0) {
      out.left_out_why = std::to_string(out.left_out) +
                         " decisions have a deferred propensity, no complete outcome, no name of their arm,"
                         " or were not made by the policy";
    }
    if (out.rows() == 0) {
      return fail(Errc::unsupported, path + ": no decision can be replayed; " +
                                         (out.left_out_why.empty() ? "there are none" : out.left_out_why));
    }
    out.info.type = "store";
    out.info.arms = point_.arms;
    out.info.components = {"reward"};
    for (std::size_t i = 0; i < dimension; ++i) {
      out.info.features.push_back("x" + std::to_string(i));
    }
    out.info.length = out.rows();
    out.info.recorded = true;
    out.info.note = "decisions of the store " + path;
    return out;
  }

 private:
  Errc decision(const StoredRecord& stored) {
    DecisionRecord record;
    if (const Errc code = decode(stored.bytes, record); code != Errc::ok) {
      return code;
    }
    if (!record.input.sparse.empty() || record.arm == kNoArm || !record.values.empty()) {
      return Errc::unsupported;
    }
    // A slot is another arm's once its own was removed: only the name says which one was chosen.
    if (record.rung != Rung::policy || stored.arm.empty()) {
      ++unusable_;
      return Errc::ok;
    }
    index_.emplace(record.header.id, decisions_.size());
    contexts_.insert(contexts_.end(), record.input.dense.begin(), record.input.dense.end());
    parts_.resize(parts_.size() + point_.components.size(), std::numeric_limits<double>::quiet_NaN());
    decisions_.push_back({arm(stored.arm), record.propensity, contexts_.size()});
    return Errc::ok;
  }

  Errc outcome(ByteView bytes) {
    OutcomeRecord record;
    if (const Errc code = decode(bytes, record); code != Errc::ok) {
      return code;
    }
    const auto found = index_.find(record.header.id);
    if (found == index_.end()) {
      return Errc::ok;
    }
    double* const parts = parts_.data() + (found->second * point_.components.size());
    for (const Component& part : record.all()) {
      const auto name = std::find(point_.components.begin(), point_.components.end(), part.name);
      if (name != point_.components.end()) {
        parts[name - point_.components.begin()] = part.value;
      }
    }
    return Errc::ok;
  }

  Errc event(ByteView bytes) {
    EventRecord record;
    if (const Errc code = decode(bytes, record); code != Errc::ok) {
      return code;
    }
    if (record.kind == EventKind::arm_added) {
      static_cast<void>(arm(record.text));
    }
    return Errc::ok;
  }

  /// Its place among the arms that are replayed: those of the configuration, then what else the records name.
  std::size_t arm(std::string_view id) {
    if (!last_arm_.empty() && id == last_arm_) {  // most often the one before
      return last_slot_;
    }
    const auto [at, is_new] = arm_index_.try_emplace(std::string(id), point_.arms.size());
    if (is_new) {
      point_.arms.emplace_back(id);
    }
    last_arm_ = id;
    last_slot_ = at->second;
    return at->second;
  }

  StoredPoint& point_;
  std::vector<Joined> decisions_;
  std::vector<double> contexts_;
  std::vector<double> parts_;  ///< NaN: not reported
  std::unordered_map<Uuid, std::size_t> index_;
  std::string last_arm_;
  std::size_t last_slot_ = 0;
  std::unordered_map<std::string, std::size_t> arm_index_;
  std::uint64_t unusable_ = 0;
};

}  // namespace

Result<LoggedData> read_logged_store(const std::string& path, const std::string& point_name) {
  Result<StoreView> store = StoreView::open(path);
  if (!store) {
    return tl::unexpected(std::move(store).error());
  }
  Result<std::optional<std::string>> config = store->meta("config");
  if (!config || !*config) {
    return config ? fail(Errc::corrupt_state, path + ": holds no configuration")
                  : tl::unexpected(config.error());
  }
  Result<StoredPoint> point = find_point(**config, point_name, path);
  if (!point) {
    return tl::unexpected(std::move(point).error());
  }
  Joiner joiner(*point);
  Errc code = Errc::ok;
  Result<void> read = store->walk(1, [&](const StoredRecord& record) {
    code = joiner.take(record);
    return code == Errc::ok;
  });
  if (!read) {
    return tl::unexpected(std::move(read).error());
  }
  if (code == Errc::unsupported) {
    return fail(code, path + ": only decisions among arms with dense contexts can be replayed");
  }
  if (code != Errc::ok) {
    return fail(code, path + ": a record cannot be read");
  }
  return joiner.finish(path);
}

}  // namespace attune::sim
