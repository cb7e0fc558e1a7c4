// SPDX-License-Identifier: Apache-2.0
// The durable engine against a bare SQLite group-commit loop, in one run. Prints Markdown.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

#include "bench/durable/bare_loop.hpp"

namespace attune::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kInFlight = 256;
constexpr std::size_t kProducers = 2;
constexpr std::size_t kFeatures = 8;

double seconds = 1.0;  ///< of one measurement
double async_seconds = 5.0;
int rounds = 3;
std::uint64_t recovered_records = 1'000'000;
std::filesystem::path folder;

[[noreturn]] void give_up(const std::string& message) {
  static_cast<void>(std::fprintf(stderr, "bench_durable: %s\n", message.c_str()));
  std::exit(1);
}

/// A store of its own for each measurement.
class Place {
 public:
  Place() : path_(folder / ("store" + std::to_string(next_++))) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  Place(Place&&) = delete;
  Place& operator=(Place&&) = delete;
  ~Place() {
    for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
      std::filesystem::remove(path_.string() + suffix);
    }
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  static inline int next_ = 0;
  std::filesystem::path path_;
};

Engine open(const std::string& config, const std::string& path) {
  EngineOptions options;
  if (!path.empty()) {
    Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
    if (!journal) {
      give_up(journal.error().message);
    }
    options.journal = std::move(*journal);
  }
  Result<Engine> engine = Engine::open(config, std::move(options));
  if (!engine) {
    give_up(engine.error().message);
  }
  return std::move(*engine);
}

std::string config(const std::string& point,
                   const std::string& checkpoint = R"("every_s":0,"every_records":0)",
                   const std::string& mode = "threads") {
  return R"({"seed":1,"node":"bench","mode":")" + mode + R"(","queue":{"bytes":16777216},"checkpoint":{)" +
         checkpoint + R"(},"points":{"p":)" + point + "}}";
}

const std::string kPoint =
    R"({"policy":{"type":"ucb1"},"arms":["a","b","c","d"],"context":{"dimension":8},"acknowledge":"durable"})";
const std::string kAsyncPoint =
    R"({"policy":{"type":"ucb1"},"arms":["a","b","c","d"],"context":{"dimension":8}})";

struct Figures {
  double rate = 0.0;  ///< rows a second
  double p50 = 0.0;   ///< of the acknowledgement, microseconds
  double p99 = 0.0;
};

[[nodiscard]] double percentile(std::vector<double>& values, double share) {
  if (values.empty()) {
    return 0.0;
  }
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

/// Keeps kInFlight operations unacknowledged. Acknowledgements are seen when there is no room for another.
template <class Push, class Durable, class Wait>
void produce(Clock::time_point end, Push&& push, Durable&& durable, Wait&& wait, std::vector<double>& took) {
  struct Flying {
    std::uint64_t ticket = 0;
    Clock::time_point start;
  };
  std::array<Flying, kInFlight> flying{};
  std::size_t first = 0;
  std::size_t count = 0;
  const auto land = [&] {
    wait(flying[first].ticket);
    const std::uint64_t safe = durable();
    const Clock::time_point now = Clock::now();
    for (; count > 0 && flying[first].ticket <= safe; --count) {
      took.push_back(std::chrono::duration<double, std::micro>(now - flying[first].start).count());
      first = (first + 1) % kInFlight;
    }
  };
  for (Clock::time_point now = Clock::now(); now < end; now = Clock::now()) {
    if (count == kInFlight) {
      land();
      continue;
    }
    Flying& next = flying[(first + count) % kInFlight];
    next.start = now;
    next.ticket = push();
    ++count;
  }
  while (count > 0) {
    land();
  }
}

template <class Producer>
Figures run_producers(Producer&& producer) {
  std::vector<std::vector<double>> took(kProducers);
  std::vector<std::thread> threads;
  const Clock::time_point start = Clock::now();
  const Clock::time_point end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (std::size_t i = 0; i < kProducers; ++i) {
    took[i].reserve(std::size_t{1} << 22U);
    threads.emplace_back([&, i] { producer(end, took[i]); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const double wall = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<double> all;
  for (const std::vector<double>& one : took) {
    all.insert(all.end(), one.begin(), one.end());
  }
  Figures figures{.rate = static_cast<double>(all.size()) / wall, .p50 = percentile(all, 0.5)};
  figures.p99 = percentile(all, 0.99);
  return figures;
}

Figures bare_round() {
  const Place place;
  BareLoop loop(place.path());
  return run_producers([&](Clock::time_point end, std::vector<double>& took) {
    BareLoop::Row row;
    produce(
        end,
        [&] {
          row.decision = !row.decision;
          std::memcpy(row.record.data(), &row, sizeof(void*));
          return loop.push(row);
        },
        [&] { return loop.committed(); }, [&](std::uint64_t number) { loop.wait(number); }, took);
  });
}

Figures engine_round() {
  const Place place;
  Engine engine = open(config(kPoint), place.path());
  const PointId point = engine.point("p").value();
  return run_producers([&](Clock::time_point end, std::vector<double>& took) {
    const std::array<double, kFeatures> context{1, 2, 3, 4, 5, 6, 7, 8};
    const std::array<Component, 1> reward{Component{.name = "reward", .value = 0.5}};
    Decision decision;
    bool decide = false;
    produce(
        end,
        [&] {
          decide = !decide;
          Ticket ticket = Ticket::none;
          const Errc verdict = decide
                                   ? engine.decide(point, {.dense = context}, {.wait = false}, decision)
                                   : engine.outcome(decision.id, reward, {.wait = false, .ticket = &ticket});
          if (verdict != Errc::ok) {
            give_up(std::string(Engine::last_error()));
          }
          return static_cast<std::uint64_t>(decide ? decision.ticket : ticket);
        },
        [&] { return static_cast<std::uint64_t>(engine.durable_ticket()); },
        [&](std::uint64_t ticket) {
          if (const Result<void> done = engine.wait_durable(static_cast<Ticket>(ticket)); !done) {
            give_up(done.error().message);
          }
        },
        took);
  });
}

[[nodiscard]] double median(std::vector<double> values) { return percentile(values, 0.5); }

void measure_durable() {
  std::vector<Figures> bare;
  std::vector<Figures> engine;
  std::vector<double> rate_ratio;
  std::vector<double> p99_ratio;
  for (int round = 0; round < rounds; ++round) {  // in turns, so that a busy moment hits both
    bare.push_back(bare_round());
    engine.push_back(engine_round());
    rate_ratio.push_back(engine.back().rate / bare.back().rate);
    p99_ratio.push_back(engine.back().p99 / bare.back().p99);
  }
  std::printf("| durable, %zu producers x %zu in flight | rows/s | ack p50 us | ack p99 us |\n", kProducers,
              kInFlight);
  std::printf("| --- | --- | --- | --- |\n");
  for (const auto& [name, all] : {std::pair{"bare SQLite loop", &bare}, std::pair{"engine", &engine}}) {
    const auto mid = [&](double Figures::* member) {
      std::vector<double> values;
      for (const Figures& one : *all) {
        values.push_back(one.*member);
      }
      return median(values);
    };
    std::printf("| %s | %.0f | %.0f | %.0f |\n", name, mid(&Figures::rate), mid(&Figures::p50),
                mid(&Figures::p99));
  }
  std::printf("| ratio, median of %d rounds | %.2f | | %.2f |\n\n", rounds, median(rate_ratio),
              median(p99_ratio));
  std::fflush(stdout);
}

/// decide() now and then, as a service does, with an outcome behind each.
std::pair<double, double> decide_round(bool journal) {
  const Place place;
  Engine engine =
      open(config(kAsyncPoint, R"("every_s":0,"every_records":5000)"), journal ? place.path() : "");
  const PointId point = engine.point("p").value();
  const std::array<double, kFeatures> context{1, 2, 3, 4, 5, 6, 7, 8};
  Decision decision;
  std::vector<double> took;
  took.reserve(1 << 20);
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  constexpr std::chrono::microseconds kBetween{40};
  for (Clock::time_point next = Clock::now(); next < end; next += kBetween) {
    while (Clock::now() < next) {
    }
    const Clock::time_point start = Clock::now();
    static_cast<void>(engine.decide(point, {.dense = context}, {}, decision));
    took.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
    static_cast<void>(engine.outcome(decision.id, 0.5));
  }
  return {percentile(took, 0.5), percentile(took, 0.99)};
}

void measure_decide() {
  std::vector<double> memory50;
  std::vector<double> memory99;
  std::vector<double> store50;
  std::vector<double> store99;
  std::vector<double> ratio;
  for (int round = 0; round < rounds; ++round) {
    const auto memory = decide_round(false);
    const auto store = decide_round(true);
    memory50.push_back(memory.first);
    memory99.push_back(memory.second);
    store50.push_back(store.first);
    store99.push_back(store.second);
    ratio.push_back(store.second / memory.second);
  }
  std::printf("| decide(), thread mode, 25,000 a second | p50 ns | p99 ns |\n| --- | --- | --- |\n");
  std::printf("| in memory | %.0f | %.0f |\n", median(memory50), median(memory99));
  std::printf("| journal and a checkpoint every 5,000 records | %.0f | %.0f |\n", median(store50),
              median(store99));
  std::printf("| ratio, median of %d rounds | | %.2f |\n\n", rounds, median(ratio));
  std::fflush(stdout);
}

[[nodiscard]] double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  file >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

void measure_async() {
  const Place place;
  Engine engine = open(config(kAsyncPoint, R"("every_s":10)"), place.path());
  const PointId point = engine.point("p").value();
  const std::array<double, kFeatures> context{1, 2, 3, 4, 5, 6, 7, 8};
  const auto run = [&](double length) {
    std::uint64_t count = 0;
    Decision decision;
    const Clock::time_point end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(length));
    while (Clock::now() < end) {
      for (int i = 0; i < 64; ++i) {
        if (engine.decide(point, {.dense = context}, {}, decision) == Errc::ok) {
          count += engine.outcome(decision.id, 0.5) == Errc::ok ? 2 : 1;
        } else {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));  // what the queue refused is not counted
        }
      }
    }
    return count;
  };
  run(std::min(4.0, async_seconds));  // until everything that is remembered is there once
  static_cast<void>(engine.drain());
  const double before = resident_mib();
  const Clock::time_point start = Clock::now();
  const std::uint64_t count = run(async_seconds);
  static_cast<void>(engine.drain());
  const double wall = std::chrono::duration<double>(Clock::now() - start).count();
  const EngineMetrics metrics = engine.metrics();
  std::printf("| async, journaled, one producer, %.0f s | |\n| --- | --- |\n", async_seconds);
  std::printf("| decisions + outcomes a second, all durable at the end | %.0f |\n",
              static_cast<double>(count) / wall);
  std::printf("| shed | %llu |\n", static_cast<unsigned long long>(metrics.queue_shed));
  std::printf("| resident memory, start and end, MiB | %.1f, %.1f |\n\n", before, resident_mib());
  std::fflush(stdout);
}

void measure_checkpoint() {
  std::string arms;
  for (int i = 0; i < 100; ++i) {
    arms += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + '"';
  }
  const Place place;
  Engine engine =
      open(config(R"({"policy":{"type":"lin_ucb"},"arms":[)" + arms + R"(],"context":{"dimension":100}})",
                  R"("every_s":0,"every_records":0)", "pump"),
           place.path());
  const PointId point = engine.point("p").value();
  std::vector<double> context(100);
  Decision decision;
  std::vector<double> all;
  std::vector<double> few;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < (round % 2 == 0 ? 300 : 3); ++i) {
      for (std::size_t k = 0; k < context.size(); ++k) {
        context[k] = std::sin(static_cast<double>(k) * (round * 300 + i + 1));
      }
      static_cast<void>(engine.decide(point, {.dense = context}, {}, decision));
      static_cast<void>(engine.outcome(decision.id, context[1]));
    }
    if (const Result<void> drained = engine.drain(); !drained) {
      give_up(drained.error().message);
    }
    const Clock::time_point start = Clock::now();
    if (const Result<std::uint64_t> done = engine.checkpoint(); !done) {
      give_up(done.error().message);
    }
    (round % 2 == 0 ? all : few)
        .push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  const Clock::time_point start = Clock::now();
  const Bytes state = engine.state();
  const double taken = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  std::printf("| checkpoint of LinUCB, 100 arms x 100 features, %.1f MiB | ms |\n| --- | --- |\n",
              static_cast<double>(state.size()) / (1 << 20));
  std::printf("| all arms changed, median and worst | %.1f, %.1f |\n", median(all),
              *std::ranges::max_element(all));
  std::printf("| a few changed, median and worst | %.1f, %.1f |\n", median(few),
              *std::ranges::max_element(few));
  std::printf("| of which taking the state | %.1f |\n\n", taken);
  std::fflush(stdout);
}

void measure_recovery() {
  const Place place;
  {
    Engine engine = open(config(kAsyncPoint), place.path());
    const PointId point = engine.point("p").value();
    const std::array<double, kFeatures> context{1, 2, 3, 4, 5, 6, 7, 8};
    Decision decision;
    for (std::uint64_t i = 0; i < recovered_records / 2; ++i) {
      while (engine.decide(point, {.dense = context}, {}, decision) != Errc::ok) {
      }
      static_cast<void>(engine.outcome(decision.id, 0.5));
    }
    static_cast<void>(engine.drain());
  }
  std::vector<double> took;
  std::uint64_t position = 0;
  for (int round = 0; round < 3; ++round) {
    const Clock::time_point start = Clock::now();
    const Engine engine = open(config(kAsyncPoint), place.path());
    took.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    position = engine.metrics().position;
  }
  const Clock::time_point start = Clock::now();
  std::uint64_t read = 0;
  {
    const Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(place.path(), OpenMode::read_only);
    static_cast<void>((*journal)->read(1, [&](ByteView /*record*/) { return ++read > 0; }));
  }
  const double reading = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("| recovery of %llu records without a checkpoint | s |\n| --- | --- |\n",
              static_cast<unsigned long long>(position));
  std::printf("| Engine::open, median and worst | %.2f, %.2f |\n", median(took),
              *std::ranges::max_element(took));
  std::printf("| of which reading and verifying the store | %.2f |\n\n", reading);
  std::fflush(stdout);
}

}  // namespace
}  // namespace attune::bench

int main(int argc, char** argv) {
  using namespace attune::bench;
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  std::string only;
  std::string where = std::filesystem::temp_directory_path().string();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto number = [&] { return i + 1 < arguments.size() ? std::atof(arguments[++i].data()) : 0.0; };
    if (arguments[i] == "--seconds") {
      seconds = number();
    } else if (arguments[i] == "--async-seconds") {
      async_seconds = number();
    } else if (arguments[i] == "--rounds") {
      rounds = static_cast<int>(number());
    } else if (arguments[i] == "--records") {
      recovered_records = static_cast<std::uint64_t>(number());
    } else if (arguments[i] == "--folder" && i + 1 < arguments.size()) {
      where = arguments[++i];
    } else if (arguments[i].starts_with("--")) {
      static_cast<void>(std::fprintf(stderr,
                                     "usage: bench_durable [durable|decide|async|checkpoint|recovery] "
                                     "[--seconds N] [--async-seconds N]\n"
                                     "                     [--rounds N] [--records N] [--folder DIR]\n"
                                     "The durable engine against a bare SQLite group-commit loop. The folder "
                                     "says which disk is meant.\n"));
      return arguments[i] == "--help" ? 0 : 2;
    } else {
      only = arguments[i];
    }
  }
  std::string pattern = where + "/attune-bench-XXXXXX";
  folder = ::mkdtemp(pattern.data());
  const std::array<std::pair<std::string_view, void (*)()>, 5> sections{{{"durable", measure_durable},
                                                                         {"decide", measure_decide},
                                                                         {"async", measure_async},
                                                                         {"checkpoint", measure_checkpoint},
                                                                         {"recovery", measure_recovery}}};
  for (const auto& [name, run] : sections) {
    if (only.empty() || only == name) {
      run();
    }
  }
  std::filesystem::remove_all(folder);
  return 0;
}
