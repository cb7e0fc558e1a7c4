// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/open_propensities.hpp"

#include <cmath>
#include <utility>

#include "tools/inspect/fold.hpp"

namespace attune::tools {

Result<std::unordered_map<std::uint64_t, FoundPropensity>> open_propensities(StoreReader& reader,
                                                                             std::uint64_t first,
                                                                             std::uint64_t last) {
  constexpr std::uint64_t kOldestPolicy = 65'536;  // no decision is more records behind the fold
  std::unordered_map<std::uint64_t, FoundPropensity> found;
  Result<Replay> replay = Replay::open(replay_source(reader));
  Result<void> done = replay ? replay->restart_before(first > kOldestPolicy ? first - kOldestPolicy : 0)
                             : tl::unexpected(replay.error());
  if (done) {
    done = replay->fill_propensities(
        last, [&](const DecisionRecord& decision, double propensity, const Derivation& derived) {
          if (decision.header.position >= first && !std::isnan(propensity)) {
            found.emplace(decision.header.position,
                          FoundPropensity{propensity, derived.method, derived.probability_error});
          }
        });
  }
  return done ? Result<std::unordered_map<std::uint64_t, FoundPropensity>>(std::move(found))
              : tl::unexpected(std::move(done).error());
}

}  // namespace attune::tools
