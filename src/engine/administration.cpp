// SPDX-License-Identifier: Apache-2.0
// Administrative acts on the journal of a running engine. A journal has one owner: in thread mode its thread,
// which runs errands between two commits.
#include <deque>
#include <functional>
#include <future>
#include <utility>

#include <attune/store/retention.hpp>

#include "engine/engine_impl.hpp"

namespace attune {

Result<void> Engine::Impl::on_journal(std::function<void()> errand) {
  if (!config.threads) {
    const std::scoped_lock lock(learner_mutex);
    errand();
    return {};
  }
  if (callback_thread.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    return fail(Errc::invalid_argument, "a callback may not wait for its own engine");
  }
  std::packaged_task<void()> task(std::move(errand));
  std::future<void> done = task.get_future();
  {
    const std::scoped_lock lock(errands_mutex);
    if (errands_closed) {
      return fail(Errc::io, "the engine is closing");
    }
    errands_waiting.fetch_add(1, std::memory_order_seq_cst);
    errands.push_back(std::move(task));
  }
  journal_bell.ring();
  done.get();
  return {};
}

void Engine::Impl::run_errands(bool last) {
  if (!last && errands_waiting.load(std::memory_order_acquire) == 0) {
    return;
  }
  std::deque<std::packaged_task<void()>> now;
  {
    const std::scoped_lock lock(errands_mutex);
    now.swap(errands);
    errands_closed = last;
  }
  for (std::packaged_task<void()>& task : now) {
    task();
    errands_waiting.fetch_sub(1, std::memory_order_relaxed);
  }
}

template <class Report>
Result<Report> Engine::Impl::administer(const Act& act,
                                        const std::function<Result<Report>(Journal&, const Act&)>& body) {
  Act named = act;
  named.time = act.time != 0 ? act.time : clock->now();
  Result<Report> report = fail(Errc::io, "the journal was not asked");
  const Result<void> asked = on_journal([&] { report = body(*options.journal, named); });
  return asked ? std::move(report) : tl::unexpected(asked.error());
}

Result<CompactReport> Engine::Impl::compact(const RetainRule& rule, const Act& act) {
  if (options.journal == nullptr) {
    return fail(Errc::unsupported, "compaction needs a store; this engine lives in memory");
  }
  return administer<CompactReport>(
      act, [&](Journal& journal, const Act& named) { return journal.compact(rule, named); });
}

Result<EraseReport> Engine::Impl::erase_subject(std::string_view subject, const Act& act,
                                                std::uint32_t checkpoints) {
  if (options.journal == nullptr) {
    return fail(Errc::unsupported, "deletion needs a store; this engine lives in memory");
  }
  if (subject.empty()) {
    return fail(Errc::invalid_argument, "subject is empty: that stands for nobody");
  }
  // What was learned from the records stays in the state, so states that contain them come first.
  for (std::uint32_t i = 0; i < checkpoints; ++i) {
    if (const Result<std::uint64_t> taken = checkpoint(); !taken) {
      return tl::unexpected(taken.error());
    }
  }
  const std::uint64_t key = text_key(subject);
  return administer<EraseReport>(act, [&](Journal& journal, const Act& named) {
    return journal.erase_subject(key, checkpoints, named);
  });
}

}  // namespace attune
