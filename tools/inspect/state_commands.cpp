// SPDX-License-Identifier: Apache-2.0
// show and diff: what policies believe.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/fold.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/state_text.hpp"
#include "tools/inspect/state_view.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

struct Views {
  std::uint64_t position = 0;
  std::optional<std::uint64_t> start;  ///< checkpoint
  std::vector<PointView> points;
};

[[nodiscard]] Result<Views> views_at(StoreReader& reader, const std::optional<std::string>& where) {
  const Result<std::uint64_t> position = position_named(reader, where);
  Result<FoldedState> folded = position ? fold_to(reader, *position) : tl::unexpected(position.error());
  Result<std::vector<PointView>> views = folded ? views_of(folded->replay) : tl::unexpected(folded.error());
  if (!views) {
    return tl::unexpected(std::move(views).error());
  }
  return Views{
      .position = folded->replay.position(), .start = folded->checkpoint, .points = std::move(*views)};
}

/// Leaves the one point that was asked for. Errors: unknown_point.
[[nodiscard]] Result<void> keep_only(std::vector<PointView>& views, const std::string& name) {
  std::string known;
  for (const PointView& view : views) {
    known += (known.empty() ? "" : ", ") + view.metrics.name;
  }
  std::erase_if(views, [&](const PointView& view) { return view.metrics.name != name; });
  return views.empty()
             ? fail(Errc::unknown_point, "there is no decision point '" + name + "'; there are: " + known)
             : Result<void>{};
}

[[nodiscard]] std::string from_text(const Views& views) {
  return "state after record " + grouped(views.position) +
         (views.start ? ", from checkpoint " + std::to_string(*views.start) : ", from the first record");
}

[[nodiscard]] std::string as_csv(const std::vector<PointView>& views) {
  std::string out = "point,row,name,value\n";
  for (const PointView& view : views) {
    for (const NamedValue& value : values_of(view)) {
      out += csv_cell(view.metrics.name) + "," + csv_cell(value.row) + "," + csv_cell(value.column) + "," +
             (std::isnan(value.value) ? std::string() : exact(value.value)) + "\n";
    }
  }
  return out;
}

struct Side {
  std::string label;
  Views views;
};

/// A position or checkpoint of the store, or the end of another store.
[[nodiscard]] Result<Side> side_of(StoreReader& reader, const Options& options,
                                   const std::optional<std::string>& operand) {
  std::error_code ignored;
  if (operand && std::filesystem::exists(*operand, ignored)) {
    Options elsewhere = options;
    elsewhere.store = *operand;
    Result<StoreReader> other = StoreReader::open(elsewhere);
    Result<Views> views = other ? views_at(*other, std::nullopt) : tl::unexpected(std::move(other).error());
    if (!views) {
      return tl::unexpected(std::move(views).error());
    }
    return Side{.label = *operand + " at its end, record " + grouped(views->position),
                .views = std::move(*views)};
  }
  Result<Views> views = views_at(reader, operand);
  if (!views) {
    return tl::unexpected(std::move(views).error());
  }
  return Side{
      .label = (operand && operand->starts_with('c') ? "checkpoint " + operand->substr(1) + ", record "
                                                     : std::string("record ")) +
               grouped(views->position),
      .views = std::move(*views)};
}

[[nodiscard]] std::string diff_text(const Side& left, const Side& right, const std::vector<Difference>& found,
                                    std::uint64_t limit) {
  std::string out = "A: " + printable(left.label) + "\nB: " + printable(right.label) + "\n";
  if (found.empty()) {
    return out + "equal, bit for bit, in everything that policies describe\n";
  }
  InspectTable table({"point", "arm", "value", ">A", ">B", ">B - A"});
  for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), limit); ++i) {
    const Difference& one = found[i];
    const double by = one.right - one.left;
    table.add({printable(one.point), one.row.empty() ? std::string(1, '-') : printable(one.row), one.column,
               one.in_left ? rounded(one.left, 8) : "missing",
               one.in_right ? rounded(one.right, 8) : "missing",
               std::isfinite(by) ? (by > 0 ? "+" : "") + rounded(by, 4) : std::string(1, '-')});
  }
  out += table.text();
  if (found.size() > limit) {
    out += "and " + plural(found.size() - limit, "more value") + "; --limit shows more\n";
  }
  return out;
}

}  // namespace

Result<Answer> run_show(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
  Result<Views> views = reader ? views_at(*reader, options.at) : tl::unexpected(std::move(reader).error());
  if (!views) {
    return tl::unexpected(std::move(views).error());
  }
  if (!options.operands.empty()) {
    if (Result<void> kept = keep_only(views->points, options.operands.front()); !kept) {
      return tl::unexpected(std::move(kept).error());
    }
  }
  if (options.csv) {
    return Answer{.text = as_csv(views->points)};
  }
  if (options.json) {
    Json points = Json::array();
    for (const PointView& view : views->points) {
      points.push_back(point_json(view));
    }
    return Answer{.text = json_line({{"position", views->position},
                                     {"from_checkpoint", views->start ? Json(*views->start) : Json(nullptr)},
                                     {"points", std::move(points)}})};
  }
  std::string out = from_text(*views) + "\n";
  for (const PointView& view : views->points) {
    out += "\n" + point_text(view);
  }
  return Answer{.text = std::move(out)};
}

Result<Answer> run_diff(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  Result<Side> left = side_of(*reader, options, options.operands.front());
  if (!left) {
    return tl::unexpected(std::move(left).error());
  }
  Result<Side> right = side_of(
      *reader, options, options.operands.size() > 1 ? std::optional(options.operands[1]) : std::nullopt);
  if (!right) {
    return tl::unexpected(std::move(right).error());
  }
  if (options.point) {
    for (Side* side : {&*left, &*right}) {
      if (Result<void> kept = keep_only(side->views.points, *options.point); !kept) {
        return tl::unexpected(std::move(kept).error());
      }
    }
  }
  const std::vector<Difference> found = differences(left->views.points, right->views.points);
  if (!options.json) {
    return Answer{.text = diff_text(*left, *right, found, options.limit)};
  }
  Json list = Json::array();
  for (const Difference& one : found) {
    list.push_back({{"point", one.point},
                    {"row", json_text(one.row)},
                    {"value", one.column},
                    {"a", json_number(one.left)},
                    {"b", json_number(one.right)},
                    {"in_a", one.in_left},
                    {"in_b", one.in_right}});
  }
  return Answer{.text = json_line({{"a", left->label},
                                   {"b", right->label},
                                   {"equal", found.empty()},
                                   {"differences", std::move(list)}})};
}

}  // namespace attune::tools
