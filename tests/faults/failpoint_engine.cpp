// SPDX-License-Identifier: Apache-2.0
// The scene of an engine's life, held to the account of the whole-engine simulation.
#include <array>
#include <optional>
#include <utility>

#include <attune/engine/engine.hpp>

#include "tests/faults/failpoints.hpp"
#include "tests/faults/sim_checker.hpp"

namespace attune::test {
namespace {

constexpr std::string_view kConfig = R"({"seed":5,"node":"n","queue":{"bytes":65536,"on_full":"shed"},
  "checkpoint":{"every_s":0,"every_records":0,"keep":1},"points":{
  "p":{"policy":{"type":"ucb1"},"arms":["a","b","c"],"reward":{"join_window_s":50}},
  "q":{"policy":{"type":"thompson_beta"},"arms":["x","y"],"reward":{"join_window_s":50}}}})";

class EngineScene final : public Scene {
 public:
  void prepare(SimDisk& disk) override { disk.clock = clock_; }

  void play(SimDisk& disk) override {
    for (int life = 0; life < 2 && !disk.dead(); ++life) {
      if (!open(disk)) {
        break;
      }
      for (int round = 0; round < 2 && !disk.dead(); ++round) {
        live(disk, round);
      }
      if (life == 0 && !disk.dead()) {
        meet_a_failed_flush(disk);
      }
      engine_.reset();
      if (!disk.dead()) {
        account_.acknowledge(0);  // an orderly end has written all that was said
      }
      clock_->advance(kSecond);
    }
    engine_.reset();
  }

  void judge(SimDisk& disk) override {
    clock_->advance(kSecond / 100);
    for (int process = 0; process < 2; ++process) {
      recover(disk);
      live(disk, process);
      if (account_.acknowledged() != account_.size()) {
        throw Violation("the next process acknowledges nothing: " + engine_->metrics().store_error);
      }
      engine_.reset();
    }
    recover(disk);
    engine_.reset();
  }

 private:
  /// False: the disk is dead. Throws Violation when it is not and the store cannot be opened.
  bool open(SimDisk& disk) {
    Result<std::unique_ptr<Journal>> journal =
        open_sqlite_journal(disk.path("store.db"), StoreOptions{.log_pages = 8});
    Result<Engine> opened =
        journal ? Engine::open(
                      kConfig,
                      {.clock = clock_, .journal = std::move(*journal), .credit_functions = {}, .log = {}})
                : tl::unexpected(journal.error());
    if (disk.dead()) {
      return false;
    }
    if (!opened) {
      throw Violation("cannot be opened: " + opened.error().message);
    }
    engine_.emplace(std::move(*opened));
    return true;
  }

  void decide(std::uint32_t point) {
    Decision out;
    if (engine_->decide(static_cast<PointId>(point), {}, {}, out) != Errc::ok) {
      throw Violation("decide() refused: " + std::string(Engine::last_error()));
    }
    account_.say({.kind = RecordKind::decision,
                  .id = out.id,
                  .point = point,
                  .arm = out.arm_index,
                  .propensity = out.propensity,
                  .version = out.version,
                  .sequence = out.sequence});
    const std::array<Component, 1> one{Component{.name = "reward", .value = 0.5}};
    if (engine_->outcome(out.id, one) == Errc::ok) {
      account_.say({.kind = RecordKind::outcome, .id = out.id, .point = point, .components = {one[0]}});
    }
  }

  void acknowledge(SimDisk& disk) {
    if (!disk.dead()) {
      account_.acknowledge(engine_->metrics().durable_position);
    }
  }

  void live(SimDisk& disk, int round) {
    decide(0);
    decide(1);
    if (engine_->pump()) {
      acknowledge(disk);
    }
    const std::string arm = "arm " + std::to_string(++arm_number_);
    account_.say({.kind = RecordKind::event, .point = 0, .event = EventKind::arm_added, .text = arm});
    if (engine_->add_arm(static_cast<PointId>(0), arm)) {
      acknowledge(disk);
    }
    clock_->advance(kSecond);
    if (round == 1) {
      decide(1);
      if (engine_->checkpoint()) {
        acknowledge(disk);
      }
    }
  }

  void meet_a_failed_flush(SimDisk& disk) {
    decide(0);
    disk.faults = {.flush = 1.0, .forget = true};
    static_cast<void>(engine_->pump().has_value());
    disk.calm();
    clock_->advance(3 * kSecond);
    if (engine_->pump()) {
      acknowledge(disk);
    } else if (!disk.dead()) {
      throw Violation("the disk works again, and the pump fails: " + engine_->metrics().store_error);
    }
  }

  void recover(SimDisk& disk) {
    static_cast<void>(open(disk));
    const Result<std::unique_ptr<Journal>> reader =
        open_sqlite_journal(disk.path("store.db"), OpenMode::read_only);
    const Result<std::vector<Bytes>> records =
        reader ? records_of(**reader) : Result<std::vector<Bytes>>(tl::unexpected(reader.error()));
    if (!records) {
      throw Violation("cannot be read: " + records.error().message);
    }
    account_.accept(account_.check(*records, false));
    check_state(*engine_, kConfig, *records, clock_);
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::optional<Engine> engine_;
  Account account_;
  std::uint64_t arm_number_ = 0;
};

}  // namespace

std::unique_ptr<Scene> engine_scene() { return std::make_unique<EngineScene>(); }

}  // namespace attune::test
