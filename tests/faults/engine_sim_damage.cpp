// SPDX-License-Identifier: Apache-2.0
// F10 within the simulation: an image of the store is damaged; what is wrong must be said.
#include <algorithm>

#include "store/writer_lock.hpp"
#include "tests/faults/engine_sim.hpp"
#include "tests/faults/sim_posix.hpp"

namespace attune::test {

void EngineSim::damage_one(SimDisk::Image& image) {
  std::vector<Bytes*> files;
  for (auto& [path, bytes] : image) {
    if (!path.ends_with("-lock") && bytes.size() >= SimDisk::kPage) {
      files.push_back(&bytes);
    }
  }
  if (files.empty()) {
    return;
  }
  Bytes& file = *files[rng_.below(files.size())];
  const std::size_t unit = rng_.below(2) == 0 ? SimDisk::kSector : SimDisk::kPage;
  const auto page = [&] { return std::span(file).subspan(rng_.below(file.size() / unit) * unit, unit); };
  const std::span<std::byte> hit = page();
  switch (rng_.below(4)) {
    case 0:  // never written, or zeroed
      std::ranges::fill(hit, std::byte{0});
      break;
    case 1:  // misdirected: another place's content
      std::ranges::copy(page(), hit.begin());
      break;
    case 2: {  // one bit
      std::byte& byte = hit[rng_.below(hit.size())];
      byte ^= static_cast<std::byte>(1U << rng_.below(8));
      break;
    }
    default:  // cut short
      file.resize(static_cast<std::size_t>(hit.data() - file.data()));
      break;
  }
}

void EngineSim::damage() {
  engine_.reset();
  if (disk_.dead()) {
    return;
  }
  if (rng_.below(2) == 0) {
    end(DiskEnd::process_killed);  // with its log
  }
  disk_.calm();
  disk_.end_at(0, SimDisk::Moment::before);
  faults_on_ = false;
  const SimDisk::Image whole = disk_.image();
  SimDisk::Image damaged = whole;
  damage_one(damaged);
  disk_.put(damaged);
  ++report_.damages;
  // The mark of what was acknowledged is written after each commit. On a full or failing disk it stays
  // behind: damage to the log may then take what lies above it, as the log's end is all that speaks for that.
  const detail::WriterLock::Line mark = detail::WriterLock::peek(disk_.path("store.db"));
  const std::uint64_t witnessed =
      mark.state == detail::WriterLock::LineState::good ? mark.content.position : 0;
  const Result<Engine> opened = open_engine();
  bool reported = !opened;
  if (opened) {
    Result<std::unique_ptr<Journal>> reader =
        open_sqlite_journal(disk_.path("store.db"), OpenMode::read_only);
    const Result<std::vector<Bytes>> records =
        reader ? records_of(**reader) : Result<std::vector<Bytes>>(tl::unexpected(reader.error()));
    reported = !records;
    if (records) {
      // I6: nothing acknowledged went in silence.
      const Account::Verdict verdict =
          account_.check(*records, disk_.lied() || witnessed < account_.acknowledged_position());
      if (verdict.records < witnessed && !disk_.lied()) {
        throw Violation("record " + std::to_string(witnessed) +
                        " was acknowledged, as the lock file says, and " + std::to_string(verdict.records) +
                        " records were taken for all of them");
      }
      check_state(*opened, plan_.config, *records, clock_);
    }
  }
  report_.damages_reported += reported ? 1 : 0;
  disk_.end_now();
  const_cast<Result<Engine>&>(opened) = tl::unexpected(Error{});
  forget_descriptors();
  disk_.restart(DiskEnd::process_killed);
  disk_.put(whole);
  open();
}

}  // namespace attune::test
