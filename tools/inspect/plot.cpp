// SPDX-License-Identifier: Apache-2.0
// plot: learning curves and arm shares of each decision point, as SVG files.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/files.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/stats.hpp"
#include "tools/inspect/store_reader.hpp"
#include "tools/inspect/svg.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

/// What one point's charts are drawn from.
struct Course {
  struct Value {
    std::uint32_t decision;
    std::uint32_t component;
    double value;
  };
  std::vector<std::string> arms;
  std::vector<std::uint32_t> chosen;  ///< index into arms, of each decision
  std::vector<std::string> components;
  std::vector<Value> values;
  std::map<std::string, std::uint32_t, std::less<>> arm_index;
  std::map<std::string, std::uint32_t, std::less<>> component_index;
};

[[nodiscard]] std::uint32_t index_of(std::map<std::string, std::uint32_t, std::less<>>& known,
                                     std::vector<std::string>& names, std::string_view name) {
  const auto found = known.find(name);
  if (found != known.end()) {
    return found->second;
  }
  const auto index = static_cast<std::uint32_t>(names.size());
  names.emplace_back(name);
  known.emplace(std::string(name), index);
  return index;
}

class Courses {
 public:
  void add(const StoredRecord& stored) {
    if (stored.header.kind == RecordKind::decision) {
      DecisionRecord record;
      if (decode(stored.bytes, record) == Errc::ok) {
        add_decision(record, stored.arm);
      }
    } else if (stored.header.kind == RecordKind::outcome) {
      OutcomeRecord record;
      if (decode(stored.bytes, record) == Errc::ok) {
        add_outcome(record);
      }
    }
  }
  [[nodiscard]] const std::map<std::uint32_t, Course>& points() const { return courses_; }

 private:
  void add_decision(const DecisionRecord& record, std::string_view arm) {
    Course& course = courses_[record.header.point];
    const std::string name = record.arm == kNoArm ? std::string("proposal")
                             : arm.empty() ? "#" + std::to_string(static_cast<std::uint32_t>(record.arm))
                                           : std::string(arm);
    decisions_.emplace(record.header.id, std::pair(record.header.point, course.chosen.size()));
    course.chosen.push_back(index_of(course.arm_index, course.arms, name));
  }
  void add_outcome(const OutcomeRecord& record) {
    const auto found = decisions_.find(record.header.id);
    if (found == decisions_.end()) {
      return;
    }
    Course& course = courses_[found->second.first];
    for (const Component& component : record.all()) {
      if (std::isfinite(component.value)) {
        course.values.push_back({static_cast<std::uint32_t>(found->second.second),
                                 index_of(course.component_index, course.components, component.name),
                                 component.value});
      }
    }
  }

  std::map<std::uint32_t, Course> courses_;
  std::unordered_map<Uuid, std::pair<std::uint32_t, std::size_t>> decisions_;
};

/// As many windows as have something to say: fifty decisions each, at most sixty.
[[nodiscard]] std::size_t window_count(const Course& course) {
  return std::clamp<std::size_t>(course.chosen.size() / 50, 1, 60);
}

[[nodiscard]] std::string shares_of(const Course& course, const std::string& point) {
  const std::size_t windows = window_count(course);
  std::vector<std::vector<double>> counts(course.arms.size(), std::vector<double>(windows, 0.0));
  std::vector<double> totals(windows, 0.0);
  for (std::size_t i = 0; i < course.chosen.size(); ++i) {
    const std::size_t window = i * windows / course.chosen.size();
    counts[course.chosen[i]][window] += 1.0;
    totals[window] += 1.0;
  }
  // The arm chosen most lies at the bottom.
  std::vector<std::size_t> order(course.arms.size());
  std::vector<double> sums(course.arms.size(), 0.0);
  for (std::size_t arm = 0; arm < order.size(); ++arm) {
    order[arm] = arm;
    for (std::size_t window = 0; window < windows; ++window) {
      sums[arm] += counts[arm][window];
      counts[arm][window] /= totals[window];
    }
  }
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return sums[a] > sums[b]; });
  std::vector<std::string> names;
  std::vector<std::vector<double>> shares;
  for (const std::size_t arm : order) {
    names.push_back(percent(sums[arm], static_cast<double>(course.chosen.size())) + "  " + course.arms[arm]);
    shares.push_back(counts[arm]);
  }
  return shares_svg(point + ": share of each arm", course.chosen.size(), names, shares);
}

[[nodiscard]] std::string curves_of(const Course& course, const std::string& point) {
  const std::size_t windows = window_count(course);
  std::vector<CurvePanel> panels;
  for (std::size_t component = 0; component < course.components.size(); ++component) {
    std::vector<Moments> parts(windows);
    for (const Course::Value& value : course.values) {
      if (value.component == component) {
        parts[value.decision * windows / course.chosen.size()].add(value.value);
      }
    }
    Curve now{
        .name = "mean in the window, 95 %", .y = {}, .low = {}, .high = {}, .dashed = false, .colour = 0};
    Curve ever{.name = "mean so far", .y = {}, .low = {}, .high = {}, .dashed = true, .colour = 3};
    double sum = 0.0;
    double count = 0.0;
    for (const Moments& part : parts) {
      const Bounds bounds = part.interval();
      now.y.push_back(part.mean());
      now.low.push_back(bounds.low);
      now.high.push_back(bounds.high);
      if (part.count() > 0) {
        sum += part.mean() * static_cast<double>(part.count());
        count += static_cast<double>(part.count());
      }
      ever.y.push_back(sum / count);
    }
    panels.push_back({.title = course.components[component], .curves = {std::move(now), std::move(ever)}});
  }
  return curves_svg(point + ": what came back", course.chosen.size(), panels);
}

/// A name as part of a file's name.
[[nodiscard]] std::string file_part(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    out += plain ? c : '_';
  }
  return out.substr(0, 100);
}

/// The same for several names: one that would be another's, in whatever case, gets a number behind it.
[[nodiscard]] std::string unique_file_part(const std::string& name, std::set<std::string>& taken) {
  const std::string part = file_part(name);
  std::string unique = part;
  const auto is_new = [&] {
    std::string key = unique;
    std::ranges::transform(
        key, key.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return taken.insert(key).second;
  };
  for (int number = 2; !is_new(); ++number) {
    unique = part + "-" + std::to_string(number);
  }
  return unique;
}

}  // namespace

Result<Answer> run_plot(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  const Result<std::optional<std::uint32_t>> only = reader->find_point(options.point);
  const Result<Slice> slice = only ? reader->slice(options) : tl::unexpected(only.error());
  if (!slice) {
    return tl::unexpected(slice.error());
  }
  Courses courses;
  Result<void> walked = reader->walk(slice->first, slice->last, [&](const StoredRecord& stored) {
    if ((!*only || stored.header.point == **only) && slice->holds(stored.header.time)) {
      courses.add(stored);
    }
    return true;
  });
  const std::string folder = options.out.value_or(".");
  walked = walked ? make_folder(folder) : walked;
  if (!walked) {
    return tl::unexpected(std::move(walked).error());
  }
  std::vector<std::string> written;
  std::set<std::string> taken;
  for (const auto& [number, course] : courses.points()) {
    if (course.chosen.empty()) {
      continue;
    }
    const std::string name = name_or_number(reader->point_name(number), number);
    std::vector<std::pair<std::string, std::string>> files{{"shares", shares_of(course, name)}};
    if (!course.components.empty()) {
      files.emplace_back("learning", curves_of(course, name));
    }
    const std::string part = unique_file_part(name, taken);
    for (const auto& [kind, svg] : files) {
      const std::string path = folder + "/" + part + "-" + kind + ".svg";
      if (Result<void> made = write_new_file(path, svg); !made) {
        return tl::unexpected(std::move(made).error());
      }
      written.push_back(path);
    }
  }
  if (options.json) {
    return Answer{.text = json_line({{"files", written}})};
  }
  std::string out;
  for (const std::string& path : written) {
    out += printable(path) + "\n";
  }
  return Answer{.text = written.empty() ? "there is no decision to draw\n" : out};
}

}  // namespace attune::tools
