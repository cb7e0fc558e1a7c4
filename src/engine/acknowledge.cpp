// SPDX-License-Identifier: Apache-2.0
// Tickets: who waits for the commit of a record, and how they are woken.
#include <chrono>
#include <utility>

#include "engine/engine_impl.hpp"

namespace attune {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::string_view kFailing =
    "not known to be durable: the store fails; it is queued and tried again";
constexpr std::string_view kLate = "not known to be durable yet: the time to wait is over; it stays queued";
constexpr std::string_view kClosing = "not known to be durable: the engine is closing";
constexpr std::string_view kInside = "a callback may not wait for its own engine";

/// A deadline so far away that the clock cannot hold it is as good as none.
std::optional<Steady::time_point> deadline_in(std::chrono::nanoseconds time) noexcept {
  const Steady::time_point now = Steady::now();
  return time < Steady::time_point::max() - now ? std::optional(now + time) : std::nullopt;
}

}  // namespace

bool Engine::Impl::somebody_waits() noexcept {
  // Read-modify-write, as in wait_committed(): either they see what was published, or they are seen here.
  return waiters.fetch_or(0, std::memory_order_seq_cst) > 0 || callbacks.any();
}

Engine::Impl::Waited Engine::Impl::wait_committed(std::uint64_t cursor, const Deadline& deadline) noexcept {
  const auto verdict = [&]() -> std::optional<Waited> {
    if (committed.load(std::memory_order_acquire) >= cursor) {
      return Waited::durable;
    }
    if (store_failing.load(std::memory_order_acquire)) {
      return Waited::failing;
    }
    return stopping.load(std::memory_order_acquire) ? std::optional(Waited::closing) : std::nullopt;
  };
  if (const std::optional<Waited> now = verdict()) {
    return *now;
  }
  if (callback_thread.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    return Waited::inside_callback;
  }
  waiters.fetch_add(1, std::memory_order_seq_cst);
  journal_bell.ring();
  help_to_fold(deadline);
  std::optional<Waited> result;
  {
    std::unique_lock lock(wait_mutex);
    while (!(result = verdict())) {
      if (!deadline) {
        wait_condition.wait(lock);
      } else if (wait_condition.wait_until(lock, *deadline) == std::cv_status::timeout) {
        result = verdict();
        break;
      }
    }
  }
  waiters.fetch_sub(1, std::memory_order_relaxed);
  return result.value_or(Waited::late);
}

Errc Engine::Impl::acknowledge(std::uint32_t point, Ticket ticket, bool wait) noexcept {
  if (!wait || !points[point]->config().durable) {
    return Errc::ok;
  }
  const auto cursor = static_cast<std::uint64_t>(ticket);
  if (committed.load(std::memory_order_acquire) >= cursor) {
    return Errc::ok;
  }
  Waited waited = Waited::failing;
  if (config.threads) {
    const auto patience = std::chrono::duration<double>(config.acknowledge_timeout_s);
    waited =
        wait_committed(cursor, deadline_in(std::chrono::duration_cast<std::chrono::nanoseconds>(patience)));
  } else if (callback_thread.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    waited = Waited::inside_callback;
  } else {
    static_cast<void>(pump());
    run_callbacks();
    waited = committed.load(std::memory_order_acquire) >= cursor ? Waited::durable : Waited::failing;
  }
  if (waited == Waited::durable) {
    return Errc::ok;
  }
  not_durable.fetch_add(1, std::memory_order_relaxed);
  return refuse(Errc::not_durable, waited == Waited::failing   ? kFailing
                                   : waited == Waited::late    ? kLate
                                   : waited == Waited::closing ? kClosing
                                                               : kInside);
}

Result<void> Engine::Impl::wait_durable(Ticket ticket, std::chrono::nanoseconds timeout) {
  if (options.journal == nullptr) {
    return fail(Errc::unsupported, "nothing becomes durable: this engine lives in memory");
  }
  const auto cursor = static_cast<std::uint64_t>(ticket);
  if (committed.load(std::memory_order_acquire) >= cursor) {
    return {};
  }
  if (!config.threads) {
    const Result<std::size_t> pumped = pump();
    run_callbacks();
    if (!pumped) {
      return fail(Errc::not_durable, std::string(kFailing) + ": " + pumped.error().message);
    }
    return committed.load(std::memory_order_acquire) >= cursor
               ? Result<void>{}
               : fail(Errc::not_durable, "no record of this engine has that ticket yet");
  }
  switch (wait_committed(cursor, deadline_in(timeout))) {
    case Waited::durable:
      return {};
    case Waited::failing:
      return fail(Errc::not_durable, std::string(kFailing) + ": " + store_status().error);
    case Waited::late:
      return fail(Errc::not_durable, std::string(kLate));
    case Waited::closing:
      return fail(Errc::not_durable, std::string(kClosing));
    case Waited::inside_callback:
      break;
  }
  return fail(Errc::not_durable, std::string(kInside));
}

Result<void> Engine::Impl::when_durable(Ticket ticket, DurableCallback callback) {
  if (options.journal == nullptr) {
    return fail(Errc::unsupported, "nothing becomes durable: this engine lives in memory");
  }
  if (!callback) {
    return fail(Errc::invalid_argument, "the callback is empty");
  }
  if (!callbacks.add(static_cast<std::uint64_t>(ticket), std::move(callback))) {
    return fail(Errc::full, std::to_string(kMaxCallbacks) + " callbacks wait for commits already");
  }
  if (config.threads) {
    journal_bell.ring();
  }
  return {};
}

void Engine::Impl::publish_committed() {
  committed.store(commit_cursor, std::memory_order_seq_cst);
  ring_stalled.store(false, std::memory_order_release);
  wake_waiters();
}

void Engine::Impl::wake_waiters() {
  if (waiters.fetch_or(0, std::memory_order_seq_cst) > 0) {
    const std::scoped_lock lock(wait_mutex);
    wait_condition.notify_all();
  }
}

void Engine::Impl::run_callbacks() {
  const std::thread::id me = std::this_thread::get_id();
  if (!callbacks.any() || callback_thread.load(std::memory_order_relaxed) == me) {
    return;
  }
  callback_thread.store(me, std::memory_order_relaxed);
  const std::size_t thrown = callbacks.run(committed.load(std::memory_order_acquire), {});
  callback_thread.store(std::thread::id{}, std::memory_order_relaxed);
  if (thrown > 0) {
    say(3, std::to_string(thrown) + " callbacks of when_durable() threw");
  }
}

}  // namespace attune
