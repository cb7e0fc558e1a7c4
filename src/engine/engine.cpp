// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/engine.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <variant>

#include "core/failpoint.hpp"
#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::size_t kErrorSize = 512;

struct LastError {
  std::array<char, kErrorSize> text{};
  std::size_t size = 0;
};

LastError& last_error_buffer() noexcept {
  thread_local LastError mine;
  return mine;
}

[[nodiscard]] Result<void> as_result(Errc code) {
  return code == Errc::ok ? Result<void>{} : Result<void>(fail(code, std::string(Engine::last_error())));
}

}  // namespace

void set_last_error(std::string_view before, std::string_view name, std::string_view after) noexcept {
  LastError& error = last_error_buffer();
  error.size = 0;
  constexpr std::size_t kLongestName = 128;
  for (const std::string_view part : {before, name.substr(0, kLongestName), after}) {
    const std::size_t room = std::min(part.size(), kErrorSize - error.size);
    std::ranges::copy(part.substr(0, room), error.text.begin() + static_cast<std::ptrdiff_t>(error.size));
    error.size += room;
  }
}

Engine::Impl::Impl(EngineConfig engine_config, EngineOptions engine_options)
    : config(std::move(engine_config)),
      options(std::move(engine_options)),
      clock(options.clock ? options.clock : std::make_shared<const SystemClock>()),
      client_keys(config.client_keys),
      ring(std::bit_ceil(std::max<std::size_t>(config.queue.bytes, 4096))),
      callbacks(kMaxCallbacks) {
  for (PointConfig& point : config.points) {
    point.durable = point.durable || options.durable;
  }
}

Engine::Impl::~Impl() {
  if (config.threads) {
    stop_threads();
  }
  stopping.store(true);
  note_orderly_end();
  // Those whose record is durable hear so, the others that it will not be.
  run_callbacks();
  static_cast<void>(callbacks.run(
      std::numeric_limits<std::uint64_t>::max(),
      fail(Errc::not_durable, "the engine was closed before the commit: " + store_status().error)));
}

Errc refuse(Errc code, std::string_view before, std::string_view name, std::string_view after) noexcept {
  set_last_error(before, name, after);
  return code;
}

Engine::Engine(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&& other) noexcept {
  if (this != &other) {
    const Engine ended(std::move(*this));  // the engine that was here ends as every one does
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Engine::~Engine() {
  if (impl_ != nullptr && !impl_->config.threads) {
    detail::failpoint(detail::Failpoint::engine_closing);
    static_cast<void>(impl_->pump());  // what was queued is not lost by an orderly end
  }
}

Result<Engine> Engine::open(std::string_view config_json, EngineOptions options) {
  Result<EngineConfig> config = parse_config(config_json);
  if (!config) {
    return tl::unexpected(std::move(config).error());
  }
  auto impl = std::make_unique<Impl>(std::move(*config), std::move(options));
  if (Result<void> built = impl->build_points(); !built) {
    return tl::unexpected(std::move(built).error());
  }
  if (Result<void> possible = impl->check_acknowledgements(); !possible) {
    return tl::unexpected(std::move(possible).error());
  }
  if (Result<void> settled = impl->settle_identity(); !settled) {
    return tl::unexpected(std::move(settled).error());
  }
  if (impl->options.journal != nullptr) {
    if (Result<void> recovered = impl->recover(); !recovered) {
      return tl::unexpected(std::move(recovered).error());
    }
    for (const std::string& note : impl->notes) {
      impl->say(1, note);
    }
  }
  if (impl->config.threads) {
    impl->start_threads();
  }
  return Engine(std::move(impl));
}

Result<PointId> Engine::point(std::string_view name) const {
  const auto found = impl_->point_numbers.find(std::string(name));
  if (found == impl_->point_numbers.end()) {
    return fail(Errc::unknown_point, "there is no decision point '" + std::string(name.substr(0, 128)) + "'");
  }
  return static_cast<PointId>(found->second);
}

Errc Engine::decide(PointId point, const ContextView& context, const DecideOptions& options,
                    Decision& out) noexcept {
  return impl_->decide(point, context, options, out);
}

Errc Engine::decide_batch(PointId point, std::span<const ContextView> contexts, const DecideOptions& options,
                          std::span<Decision> out, std::size_t& made) noexcept {
  return impl_->decide_batch(point, contexts, options, out, made);
}

Errc Engine::outcome(const Uuid& decision, std::span<const Component> components,
                     const OutcomeOptions& options) noexcept {
  return impl_->outcome(decision, components, options);
}

Errc Engine::outcome(const Uuid& decision, double reward) noexcept {
  const std::array<Component, 1> one{Component{.name = "reward", .value = reward}};
  return impl_->outcome(decision, one, {});
}

Errc Engine::end_episode(PointId point, std::string_view episode) noexcept {
  if (static_cast<std::size_t>(point) >= impl_->points.size() || episode.empty()) {
    set_last_error(episode.empty() ? "an episode needs a name" : "no decision point has this number");
    return episode.empty() ? Errc::invalid_argument : Errc::unknown_point;
  }
  EventRecord event;
  event.header.time = impl_->clock->now();
  event.header.point = static_cast<std::uint32_t>(point);
  event.kind = EventKind::episode_ended;
  event.number = text_key(episode);
  return impl_->push_event(event);
}

std::string_view Engine::last_error() noexcept {
  const LastError& error = last_error_buffer();
  return {error.text.data(), error.size};
}

Result<void> Engine::add_arm(PointId point, std::string_view id, Features features, const ArmPrior& prior) {
  if (Result<void> fits = impl_->check_new_arm(point, id, features, prior); !fits) {
    return fits;
  }
  EventRecord event;
  event.header.time = impl_->clock->now();
  event.header.point = static_cast<std::uint32_t>(point);
  event.kind = EventKind::arm_added;
  event.text = id;
  event.numbers = features;
  event.value = prior.mean;
  event.aux = prior.weight;
  if (Result<void> pushed = as_result(impl_->push_event(event)); !pushed) {
    return pushed;
  }
  return drain();
}

Result<void> Engine::Impl::check_new_arm(PointId id, std::string_view arm, Features features,
                                         const ArmPrior& prior) const {
  if (static_cast<std::size_t>(id) >= points.size()) {
    return fail(Errc::unknown_point, "no decision point has this number");
  }
  const Point& point = *points[static_cast<std::size_t>(id)];
  if (!point.has_arms()) {
    const bool tunes = point.action() == ActionKind::parameters;
    return fail(Errc::unsupported, "'" + point.config().name +
                                       (tunes ? "' is an optimizer: it has parameters, not arms"
                                              : "' chooses numbers: it has no arms"));
  }
  if (shows_arms(point.action()) && prior.weight > 0.0) {
    return fail(Errc::unsupported, "'" + point.config().name + "' shows several arms: they have no priors");
  }
  if (Result<void> open = check_not_frozen(point); !open) {
    return open;
  }
  if (Result<void> named = check_arm_id(arm); !named) {
    return named;
  }
  if (features.size() != point.config().action_features) {
    return fail(Errc::dimension_mismatch,
                "arm '" + std::string(arm) + "' has " + std::to_string(features.size()) +
                    " features, the point declares " + std::to_string(point.config().action_features));
  }
  if (!all_finite(features) || !std::isfinite(prior.mean) || !std::isfinite(prior.weight) ||
      prior.weight < 0.0) {
    return fail(Errc::non_finite, "arm '" + std::string(arm) +
                                      "': features and prior must be finite, the prior's weight at least 0");
  }
  const bool known =
      point.published().read([&](const PointState& state) { return state.arms.find(arm) != kNoArm; });
  if (known) {
    return fail(Errc::duplicate, "arm '" + std::string(arm) + "' is there already");
  }
  return {};
}

Result<void> Engine::Impl::change_arm(PointId id, std::string_view arm, EventKind kind) {
  if (static_cast<std::size_t>(id) >= points.size()) {
    return fail(Errc::unknown_point, "no decision point has this number");
  }
  const Point& point = *points[static_cast<std::size_t>(id)];
  const bool known =
      point.published().read([&](const PointState& state) { return state.arms.find(arm) != kNoArm; });
  if (!known) {
    return fail(Errc::unknown_arm,
                "there is no arm '" + std::string(arm.substr(0, 255)) + "' at '" + point.config().name + "'");
  }
  if (Result<void> open = check_not_frozen(point); !open) {
    return open;
  }
  EventRecord event;
  event.header.time = clock->now();
  event.header.point = static_cast<std::uint32_t>(id);
  event.kind = kind;
  event.text = arm;
  if (Result<void> pushed = as_result(push_event(event)); !pushed) {
    return pushed;
  }
  return drain();
}

Result<void> Engine::set_arm_enabled(PointId point, std::string_view id, bool on) {
  return impl_->change_arm(point, id, on ? EventKind::arm_enabled : EventKind::arm_disabled);
}

Result<void> Engine::remove_arm(PointId point, std::string_view id) {
  return impl_->change_arm(point, id, EventKind::arm_removed);
}

Result<std::size_t> Engine::pump() {
  Result<std::size_t> pumped = impl_->pump();
  if (!impl_->config.threads) {
    impl_->run_callbacks();
    impl_->run_retrains();
  }
  return pumped;
}

std::size_t Engine::fold() noexcept { return impl_->fold(); }
Result<void> Engine::drain() { return impl_->drain(); }
Result<std::uint64_t> Engine::checkpoint() { return impl_->checkpoint(); }

Ticket Engine::durable_ticket() const noexcept {
  return impl_->options.journal == nullptr
             ? Ticket::none
             : static_cast<Ticket>(impl_->committed.load(std::memory_order_acquire));
}

Result<void> Engine::wait_durable(Ticket ticket, std::chrono::nanoseconds timeout) {
  return impl_->wait_durable(ticket, timeout);
}

Result<void> Engine::when_durable(Ticket ticket, DurableCallback callback) {
  return impl_->when_durable(ticket, std::move(callback));
}

std::future<Result<void>> Engine::durable(Ticket ticket) {
  const auto promise = std::make_shared<std::promise<Result<void>>>();
  const Result<void> taken =
      impl_->when_durable(ticket, [promise](const Result<void>& verdict) { promise->set_value(verdict); });
  if (!taken) {
    promise->set_value(taken);
  }
  return promise->get_future();
}

bool Engine::acknowledges_durably(PointId point) const noexcept {
  const auto number = static_cast<std::size_t>(point);
  return number < impl_->points.size() && impl_->points[number]->config().durable;
}

Result<CompactReport> Engine::compact(const RetainRule& rule, const Act& act) {
  return impl_->compact(rule, act);
}

Result<EraseReport> Engine::erase_subject(std::string_view subject, const Act& act,
                                          std::uint32_t checkpoints) {
  return impl_->erase_subject(subject, act, checkpoints);
}

EngineHealth Engine::health() const { return impl_->health(); }

std::optional<Fate> Engine::last_fate() const noexcept {
  return impl_->config.threads ? std::nullopt : impl_->last_fate;
}

EngineMetrics Engine::metrics() const {
  EngineMetrics out;
  const Impl::StoreStatus store = impl_->store_status();
  out.durable_position = store.durable_position;
  out.checkpoints = store.checkpoints;
  out.store_errors = store.errors;
  out.store_error = store.error;
  out.queue_shed = impl_->queue_shed.load(std::memory_order_relaxed);
  out.queue_blocked = impl_->queue_blocked.load(std::memory_order_relaxed);
  out.checkpoint_errors = store.checkpoint_errors;
  out.outcomes_refused = impl_->outcomes_refused.load(std::memory_order_relaxed);
  out.outcomes_foreign = impl_->outcomes_foreign.load(std::memory_order_relaxed);
  out.not_durable = impl_->not_durable.load(std::memory_order_relaxed);
  out.callbacks_waiting = impl_->callbacks.size();
  out.client_keys = impl_->client_keys.metrics();
  const std::scoped_lock lock(impl_->learner_mutex);
  out.position = impl_->position;
  for (const std::unique_ptr<Point>& point : impl_->points) {
    out.points.push_back(point->metrics());
  }
  return out;
}

Result<Description> Engine::describe(PointId point) const {
  if (static_cast<std::size_t>(point) >= impl_->points.size()) {
    return fail(Errc::unknown_point, "no decision point has this number");
  }
  const std::scoped_lock lock(impl_->learner_mutex);
  const PointState& state = impl_->points[static_cast<std::size_t>(point)]->learned();
  return std::visit([](const auto& policy) { return policy.describe(); }, state.policy);
}

std::vector<std::string> Engine::parameter_names(PointId point) const {
  if (static_cast<std::size_t>(point) >= impl_->points.size()) {
    return {};
  }
  const std::scoped_lock lock(impl_->learner_mutex);
  const PointState& state = impl_->points[static_cast<std::size_t>(point)]->learned();
  if (const auto* optimizer = std::get_if<AnyOptimizer>(&state.policy)) {
    return optimizer->parameter_names();
  }
  std::vector<std::string> names;
  if (const auto* continuous = std::get_if<AnyContinuousBandit>(&state.policy)) {
    for (std::size_t i = 0; i < continuous->dimension(); ++i) {
      names.push_back("x" + std::to_string(i));
    }
  }
  return names;
}

std::vector<Uuid> Engine::pending(PointId point) const {
  std::vector<Uuid> ids;
  if (static_cast<std::size_t>(point) < impl_->points.size()) {
    const std::scoped_lock lock(impl_->learner_mutex);
    impl_->points[static_cast<std::size_t>(point)]->collector().for_each_pending(
        [&](const PendingDecision& decision) { ids.push_back(decision.id); });
  }
  return ids;
}

Result<std::vector<std::string>> Engine::shown(const Uuid& decision) const {
  const std::scoped_lock lock(impl_->learner_mutex);
  return impl_->shown(decision);
}

Bytes Engine::state() const {
  const std::scoped_lock lock(impl_->learner_mutex);
  return impl_->state();
}

const std::vector<std::string>& Engine::recovery_notes() const noexcept { return impl_->notes; }

std::string_view version() noexcept { return ATTUNE_VERSION; }

}  // namespace attune
