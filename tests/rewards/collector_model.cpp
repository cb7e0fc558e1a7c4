// SPDX-License-Identifier: Apache-2.0
#include "tests/rewards/collector_model.hpp"

namespace attune::test {

std::optional<std::size_t> CollectorModel::find(std::uint64_t id) const {
  for (std::size_t at = 0; at < all_.size(); ++at) {
    if (all_[at].id == id && all_[at].stage != Stage::forgotten) {
      return at;
    }
  }
  return std::nullopt;
}

// ------------------------------------------------------------------------------------------------ the record

Errc CollectorModel::decide(std::uint64_t id, Nanos time, std::uint64_t episode,
                            const std::vector<double>& state) {
  wait_until(time);
  if (find(id)) {
    ++counters.duplicate_decisions;
    return Errc::duplicate;
  }
  ++counters.decisions;
  if (pending() >= spec_.max_pending && spec_.overflow == Overflow::refuse) {
    ++counters.overflow_refused;
    return Errc::full;
  }
  while (pending() >= spec_.max_pending) {
    expire();
  }
  Item item;
  item.id = id;
  item.time = now_;
  item.episode = episode;
  item.state = state;
  if (spec_.credit != Credit::own && episode != 0) {
    for (std::size_t c = 0; c < chains_.size(); ++c) {
      if (chains_[c].episode == episode && !chains_[c].ended) {
        item.chain = static_cast<int>(c);
      }
    }
    if (item.chain < 0) {
      item.chain = static_cast<int>(chains_.size());
      chains_.push_back({.episode = episode, .members = {}});
    }
    Chain& chain = chains_[static_cast<std::size_t>(item.chain)];
    item.step = chain.steps++;
    chain.members.push_back(all_.size());
  }
  all_.push_back(item);
  update(item.chain);
  return Errc::ok;
}

Fate CollectorModel::outcome(const Outcome& said) {
  wait_until(said.time);
  ++counters.outcomes;
  const std::optional<std::size_t> found = find(said.decision);
  if (!found) {
    return count(Fate::unknown_decision);
  }
  for (const Part& part : said.parts) {
    if (part.component >= spec_.components.size()) {
      return count(Fate::unknown_component);
    }
  }
  std::vector<Part> fresh;
  const Fate verdict = judge(all_[*found], said, fresh);
  if (all_[*found].stage == Stage::closed) {
    return count(verdict == Fate::waiting ? late(*found, said, fresh) : verdict);
  }
  if (verdict == Fate::conflict) {
    return count(verdict);
  }
  const bool joins = verdict == Fate::waiting && all_[*found].stage == Stage::waiting;
  const std::size_t added = said.key != 0 ? 1 : fresh.size();
  if (joins && all_[*found].keyed.size() + all_[*found].unkeyed.size() + added > spec_.max_signals) {
    return count(Fate::too_many);
  }
  const int chain = all_[*found].chain;
  const int rest = mark(*found, said);
  Fate fate = verdict;
  if (joins) {
    join(all_[*found], said, fresh);
    if (spec_.closing == Closing::complete && satisfied(all_[*found])) {
      resolve(*found, false);
      fate = Fate::learned;
    }
  } else if (verdict == Fate::waiting && !said.parts.empty()) {
    fate = Fate::late;
  }
  update(chain);
  update(rest);
  return count(fate);
}

void CollectorModel::wait_until(Nanos time) {
  now_ = std::max(now_, time);
  for (std::size_t at = 0; at < all_.size(); ++at) {
    if (!all_[at].held() || all_[at].past_due || all_[at].time + window() > now_) {
      continue;
    }
    all_[at].past_due = true;
    const int chain = all_[at].chain;
    const bool newest = chain >= 0 && chains_[static_cast<std::size_t>(chain)].members.back() == at;
    if (all_[at].stage == Stage::waiting) {
      resolve(at, false);
    }
    if (newest) {
      chains_[static_cast<std::size_t>(chain)].ended = true;
    }
    update(chain);
  }
}

void CollectorModel::end(std::uint64_t episode, Nanos time) {
  wait_until(time);
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    if (chains_[c].episode == episode && !chains_[c].ended) {
      chains_[c].ended = true;
      update(static_cast<int>(c));
    }
  }
}

void CollectorModel::expire() {
  std::size_t at = 0;
  while (!all_[at].held()) {
    ++at;
  }
  if (all_[at].chain < 0) {
    ++counters.overflow_expired;
    resolve(at, true);
    return;
  }
  const int chain = all_[at].chain;
  Chain& of = chains_[static_cast<std::size_t>(chain)];
  if (spec_.credit == Credit::transition) {
    ++counters.overflow_expired;
    if (all_[at].stage == Stage::waiting) {
      resolve(at, true);
    }
    update(chain, all_[at].held());
    return;
  }
  const std::vector<std::size_t> members = of.members;
  for (const std::size_t member : members) {
    ++counters.overflow_expired;
    if (all_[member].stage == Stage::waiting) {
      resolve(member, true);
    }
  }
  of.ended = true;
  update(chain);
}

// ------------------------------------------------------------------------------------------------- signals

Fate CollectorModel::judge(const Item& item, const Outcome& said, std::vector<Part>& fresh) {
  if (said.key != 0) {
    std::vector<Part> sorted = said.parts;
    std::ranges::sort(sorted, {}, [](const Part& p) { return std::pair(p.component, p.value); });
    fresh = said.parts;
    for (const auto& [key, parts] : item.keyed) {
      if (key == said.key) {
        return parts == sorted ? Fate::duplicate : Fate::conflict;
      }
    }
    return Fate::waiting;
  }
  std::vector<Part> seen = item.unkeyed;
  for (const Part& part : said.parts) {
    const auto same = std::ranges::find(seen, part.component, &Part::component);
    if (same == seen.end()) {
      seen.push_back(part);
      fresh.push_back(part);
    } else if (same->value != part.value) {
      return Fate::conflict;
    }
  }
  return said.parts.empty() || !fresh.empty() ? Fate::waiting : Fate::duplicate;
}

void CollectorModel::join(Item& item, const Outcome& said, const std::vector<Part>& fresh) {
  item.joined.insert(item.joined.end(), fresh.begin(), fresh.end());
  if (said.key == 0) {
    item.unkeyed.insert(item.unkeyed.end(), fresh.begin(), fresh.end());
  } else {
    std::vector<Part> sorted = said.parts;
    std::ranges::sort(sorted, {}, [](const Part& p) { return std::pair(p.component, p.value); });
    item.keyed.emplace_back(said.key, sorted);
  }
}

int CollectorModel::mark(std::size_t at, const Outcome& said) {
  Item& item = all_[at];
  if (spec_.credit == Credit::own || (!said.terminal && !said.truncated)) {
    return -1;
  }
  item.terminal = item.terminal || said.terminal;
  item.truncated = !item.terminal;
  if (item.terminal) {
    item.next.clear();
  } else if (!said.next.empty()) {
    item.next = said.next;
  }
  if (item.chain < 0) {
    return -1;
  }
  Chain& chain = chains_[static_cast<std::size_t>(item.chain)];
  const auto after = std::ranges::find(chain.members, at) + 1;
  if (after == chain.members.end()) {
    chain.ended = true;
    return -1;
  }
  Chain rest{.episode = chain.episode,
             .ended = chain.ended,
             .steps = chain.steps,
             .members = std::vector<std::size_t>(after, chain.members.end())};
  chain.members.erase(after, chain.members.end());
  chain.ended = true;
  const int number = static_cast<int>(chains_.size());
  for (const std::size_t member : rest.members) {
    all_[member].chain = number;
  }
  chains_.push_back(rest);
  return number;
}

Fate CollectorModel::late(std::size_t at, const Outcome& said, const std::vector<Part>& fresh) {
  Item& item = all_[at];
  if (spec_.late == Lateness::discard || !item.taught_nothing) {
    return Fate::late;
  }
  const std::size_t added = said.key != 0 ? 1 : fresh.size();
  if (item.keyed.size() + item.unkeyed.size() + added > spec_.max_signals) {
    return Fate::too_many;
  }
  join(item, said, fresh);
  if (!satisfied(item)) {
    return Fate::waiting;
  }
  RewardOrigin origin{};
  const double reward = form(item, origin).value();
  item.taught_nothing = false;
  ++counters.learned_late;
  counters.reward_sum += reward;
  calls.push_back(learnt(item.id, reward, RewardOrigin::late));
  calls.back().state = item.state.front();
  return Fate::learned_late;
}

// ---------------------------------------------------------------------------------------------------- ends

void CollectorModel::update(int number, bool force_first) {
  if (number < 0) {
    return;
  }
  Chain& chain = chains_[static_cast<std::size_t>(number)];
  if (spec_.credit != Credit::transition) {
    const bool ready = chain.ended && std::ranges::all_of(chain.members, [&](std::size_t m) {
                         return all_[m].stage == Stage::rewarded;
                       });
    if (ready) {
      settle(std::vector<std::size_t>(chain.members));
    }
    return;
  }
  while (!chain.members.empty() && all_[chain.members.front()].stage == Stage::rewarded) {
    const std::size_t at = chain.members.front();
    if (all_[at].terminal) {
      experience(at, {}, true, false);
    } else if (chain.members.size() > 1) {
      experience(at, all_[chain.members[1]].state, false, false);
    } else if (!all_[at].next.empty()) {
      experience(at, all_[at].next, false, true);
    } else if (chain.ended || force_first) {
      lose(at, LossReason::no_next_state);
    } else {
      return;
    }
    force_first = false;
  }
}

void CollectorModel::settle(const std::vector<std::size_t>& members) {
  double sum = 0.0;
  for (const std::size_t member : members) {
    sum += all_[member].reward;
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    double credit = 0.0;
    if (spec_.credit == Credit::discounted) {
      for (std::size_t j = i; j < members.size(); ++j) {
        credit += std::pow(spec_.lambda, static_cast<double>(all_[members[j]].step - all_[members[i]].step)) *
                  all_[members[j]].reward;
      }
    } else if (spec_.credit == Credit::uniform) {
      credit = sum / static_cast<double>(members.size());
    } else if (spec_.credit == Credit::custom) {  // the tests register: own reward plus that of the first
      credit = all_[members[i]].reward + all_[members[0]].reward;
    } else {
      credit = sum;
    }
    if (spec_.credit == Credit::last && i + 1 < members.size()) {
      lose(members[i], LossReason::credited_elsewhere);
    } else {
      learn(members[i], credit);
    }
  }
}

void CollectorModel::close(std::size_t at) {
  Item& item = all_[at];
  item.stage = Stage::closed;
  if (item.chain >= 0) {
    std::erase(chains_[static_cast<std::size_t>(item.chain)].members, at);
    // An episode none of whose decisions is held is over.
    Chain& chain = chains_[static_cast<std::size_t>(item.chain)];
    chain.ended = chain.ended || chain.members.empty();
  }
  closing_order_.push_back(at);
  if (closing_order_.size() > spec_.max_closed) {
    all_[closing_order_.front()].stage = Stage::forgotten;
    closing_order_.erase(closing_order_.begin());
  }
}

void CollectorModel::learn(std::size_t at, double reward) {
  const Item& item = all_[at];
  ++counters.learned;
  counters.learned_partial += item.origin == RewardOrigin::partial ? 1 : 0;
  counters.learned_default += item.origin == RewardOrigin::default_value ? 1 : 0;
  counters.reward_sum += reward;
  calls.push_back(learnt(item.id, reward, item.origin));
  calls.back().state = item.state.front();
  close(at);
}

void CollectorModel::experience(std::size_t at, std::vector<double> next, bool terminal, bool truncated) {
  const Item& item = all_[at];
  ++counters.learned;
  counters.learned_partial += item.origin == RewardOrigin::partial ? 1 : 0;
  counters.learned_default += item.origin == RewardOrigin::default_value ? 1 : 0;
  counters.reward_sum += item.reward;
  calls.push_back(step(item.id, item.reward, std::move(next), terminal, truncated));
  calls.back().state = item.state.front();
  close(at);
}

void CollectorModel::lose(std::size_t at, LossReason reason) {
  counters.silent += reason == LossReason::silent ? 1 : 0;
  counters.censored += reason == LossReason::censored ? 1 : 0;
  counters.overflow_lost += reason == LossReason::overflow ? 1 : 0;
  counters.credited_elsewhere += reason == LossReason::credited_elsewhere ? 1 : 0;
  counters.no_next_state += reason == LossReason::no_next_state ? 1 : 0;
  calls.push_back(lost(all_[at].id, reason));
  calls.back().state = all_[at].state.front();
  close(at);
}

Fate CollectorModel::count(Fate fate) {
  counters.duplicate += fate == Fate::duplicate ? 1 : 0;
  counters.conflict += fate == Fate::conflict ? 1 : 0;
  counters.late += fate == Fate::late ? 1 : 0;
  counters.unknown_decision += fate == Fate::unknown_decision ? 1 : 0;
  counters.unknown_component += fate == Fate::unknown_component ? 1 : 0;
  counters.too_many += fate == Fate::too_many ? 1 : 0;
  return fate;
}

}  // namespace attune::test
