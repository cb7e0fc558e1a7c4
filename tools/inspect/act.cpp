// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/act.hpp"

#include <cstdlib>

#include "tools/inspect/store_reader.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {

Result<void> permitted(const Options& options, const Surroundings& around, const std::string& plan) {
  const std::string sentence = "this will " + printable(plan);
  if (options.yes) {
    around.tell(sentence);
    return {};
  }
  if (!around.asks) {
    return fail(Errc::invalid_argument, sentence + ". Add --yes to do it; nothing was changed");
  }
  around.tell(sentence);
  return around.confirm("Go on?")
             ? Result<void>{}
             : fail(Errc::invalid_argument, "nothing was changed, as the answer was not yes");
}

Act act_of(const Options& options, const Surroundings& around) {
  const char* user = std::getenv("USER");  // NOLINT(concurrency-mt-unsafe): one thread
  return {.actor = options.actor ? *options.actor
                                 : "attune-inspect, user " + std::string(user != nullptr ? user : "unknown"),
          .time = around.now};
}

Result<StoreAdmin> take_store(const Options& options, const Surroundings& around) {
  Result<StoreOptions> store = store_options(options);
  const Result<StoreReader> reader = store ? StoreReader::open(options) : tl::unexpected(store.error());
  if (!reader) {
    return tl::unexpected(reader.error());
  }
  const auto busy = [&](const std::string& why) {
    return fail(Errc::invalid_argument, why + "; stop it first. Nothing was changed");
  };
  if (reader->summary().writer) {
    return busy("'" + options.store + "' is open for writing by process " +
                std::to_string(*reader->summary().writer));
  }
  store->act = act_of(options, around);
  store->mode = OpenMode::read_write;
  return StoreAdmin::open(options.store, *store);
}

Answer answer_of(const Options& options, Done done) {
  return {.text = options.json ? std::move(done.json) : done.text + "\n", .sound = done.sound};
}

}  // namespace attune::tools
