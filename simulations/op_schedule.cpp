// SPDX-License-Identifier: Apache-2.0
#include "simulations/op_schedule.hpp"

#include <cmath>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/core/sampling.hpp>

#include "simulations/json_reader.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

Nanos draw_delay(const Delivery& delivery, Rng& rng) {
  switch (delivery.delay) {
    case Delivery::Delay::none:
      return 0;
    case Delivery::Delay::fixed:
      return static_cast<Nanos>(delivery.seconds * 1e9);
    case Delivery::Delay::exponential:
      return static_cast<Nanos>(delivery.seconds * 1e9 * sample_exponential(rng));
  }
  return 0;
}

}  // namespace

Result<Delivery> read_delivery(const nlohmann::json& object) {
  JsonReader reader(object, "delivery");
  Delivery out;
  if (const nlohmann::json* delay = reader.find_object("delay")) {
    JsonReader fields(*delay, "delivery.delay");
    const std::string type = fields.choice("type", {"none", "fixed", "exponential"});
    out.delay = type == "fixed"         ? Delivery::Delay::fixed
                : type == "exponential" ? Delivery::Delay::exponential
                                        : Delivery::Delay::none;
    out.seconds = out.delay == Delivery::Delay::none ? 0.0 : fields.number("seconds", Bounds{0, 1e7});
    if (Result<void> good = fields.finish(); !good) {
      reader.fail_with(std::move(good).error());
    }
  }
  out.missing = reader.number("missing", Bounds{0, 1}, 0.0);
  out.duplicate = reader.number("duplicate", Bounds{0, 1}, 0.0);
  out.apart = reader.boolean("apart", false);
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return out;
}

bool OpSchedule::Arrival::operator>(const Arrival& other) const noexcept {
  return std::tie(time, step, component, copy) >
         std::tie(other.time, other.step, other.component, other.copy);
}

OpSchedule::OpSchedule(const Delivery& delivery, std::uint64_t seed, std::uint64_t horizon,
                       std::size_t components, Nanos start, Nanos pace, std::vector<Hold> holds)
    : delivery_(delivery),
      seed_(seed),
      horizon_(horizon),
      parts_(delivery.apart ? components : 1),
      start_(start),
      pace_(pace),
      holds_(std::move(holds)) {}

bool OpSchedule::next(Op& out) {
  const Nanos decide_at = start_ + static_cast<Nanos>(next_step_) * pace_;
  const bool more = next_step_ < horizon_;
  if (!arrivals_.empty() && (!more || arrivals_.top().time <= decide_at)) {
    const Arrival& first = arrivals_.top();
    out = {.decide = false, .time = first.time, .step = first.step, .component = first.component};
    arrivals_.pop();
    return true;
  }
  if (!more) {
    return false;
  }
  out = {.decide = true, .time = decide_at, .step = next_step_, .component = Op::kAllComponents};
  for (std::size_t part = 0; part < parts_; ++part) {
    send(next_step_, delivery_.apart ? part : Op::kAllComponents, part, decide_at);
  }
  ++next_step_;
  return true;
}

Nanos OpSchedule::arrival(Nanos due) const noexcept {
  for (const Hold& hold : holds_) {
    due = due >= hold.from && due < hold.until ? hold.until : due;
  }
  return due;
}

void OpSchedule::send(std::uint64_t step, std::size_t component, std::uint64_t part, Nanos decided) {
  Rng rng = world_rng(seed_, "delivery", step * parts_ + part);
  const bool lost = rng.uniform() < delivery_.missing;
  const bool twice = rng.uniform() < delivery_.duplicate;
  if (lost) {
    return;
  }
  arrivals_.push({arrival(decided + draw_delay(delivery_, rng)), step, component, 0});
  if (twice) {
    arrivals_.push({arrival(decided + draw_delay(delivery_, rng)), step, component, 1});
  }
}

}  // namespace attune::sim
