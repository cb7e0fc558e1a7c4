// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <attune/core/assert.hpp>

#include "tests/faults/sim_vfs.hpp"

namespace attune::test {
namespace {

SimDisk* plugged_in = nullptr;

constexpr std::uint64_t kDiskStream = name_stream("simulated disk");

}  // namespace

SimDisk::SimDisk(std::uint64_t seed) : rng_(seed, kDiskStream) {
  ATTUNE_ASSERT(plugged_in == nullptr, "one simulated disk at a time");
  plugged_in = this;
  install_sim_vfs(rng_());
}

SimDisk::~SimDisk() {
  remove_sim_vfs();
  plugged_in = nullptr;
}

SimDisk* SimDisk::current() noexcept { return plugged_in; }

void SimDisk::end_at(std::uint64_t at, Moment moment) {
  end_call_ = at == 0 ? 0 : calls_ + at;
  end_moment_ = moment;
}

int SimDisk::chance_of_error(DiskCall call) {
  switch (call) {
    case DiskCall::read:
      return happens(faults.read) ? EIO : 0;
    case DiskCall::write:
      return happens(faults.full) ? ENOSPC : happens(faults.write) ? EIO : 0;
    case DiskCall::flush:
      return happens(faults.flush) ? EIO : 0;
    case DiskCall::open:
    case DiskCall::truncate:
    case DiskCall::name:
      return happens(faults.name) ? EIO : 0;
    case DiskCall::look:
    case DiskCall::lock:
      return 0;
  }
  return 0;
}

SimDisk::Verdict SimDisk::begin(DiskCall call) {
  if (on_call) {
    on_call(call);
  }
  if (dead_) {
    return {.error = EIO};
  }
  ++calls_;
  if (end_call_ != 0 && calls_ >= end_call_) {
    end_call_ = 0;
    if (end_moment_ == Moment::after) {
      return {.dies = true};
    }
    dead_ = true;
    return {.error = EIO, .partly = end_moment_ == Moment::torn};
  }
  const bool changes = call != DiskCall::read && call != DiskCall::look && call != DiskCall::lock;
  int error = stuck_ != 0 && changes ? stuck_ : chance_of_error(call);
  if (error != 0 && faults.sticky) {
    stuck_ = error;
  }
  return {.error = error, .partly = error != 0 && call == DiskCall::write && rng_.below(2) == 0};
}

int SimDisk::open(const std::string& path, bool create, bool exclusive, File& out) {
  const Verdict verdict = begin(DiskCall::open);
  if (verdict.error != 0) {
    return -verdict.error;
  }
  const auto found = names_.find(path);
  const bool missing = found == names_.end();
  if (missing && !create) {
    return -ENOENT;
  }
  if (!missing && exclusive) {
    return -EEXIST;
  }
  if (missing) {
    out = std::make_shared<SimFile>();
    out->number = next_number_++;
    set_name(path, out);
  } else {
    out = found->second;
  }
  dead_ = dead_ || verdict.dies;
  return 0;
}

int SimDisk::look(const std::string& path, File& out) {
  if (const Verdict verdict = begin(DiskCall::look); verdict.error != 0) {
    return -verdict.error;
  }
  const auto found = names_.find(path);
  if (found == names_.end()) {
    return -ENOENT;
  }
  out = found->second;
  return 0;
}

std::ptrdiff_t SimDisk::read(SimFile& file, std::uint64_t offset, std::span<std::byte> out) {
  if (const Verdict verdict = begin(DiskCall::read); verdict.error != 0) {
    return -verdict.error;
  }
  if (offset >= file.content.size()) {
    return 0;
  }
  const std::size_t count = std::min<std::size_t>(out.size(), file.content.size() - offset);
  std::memcpy(out.data(), file.content.data() + offset, count);
  return static_cast<std::ptrdiff_t>(count);
}

void SimDisk::apply(Bytes& content, const SimFile::Change& change) {
  if (change.cut) {
    content.resize(change.offset);
    return;
  }
  const std::size_t end = change.offset + change.bytes.size();
  if (content.size() < end) {
    if (content.capacity() < end) {
      content.reserve(std::max(end, content.capacity() * 2));
    }
    content.resize(end);
  }
  std::ranges::copy(change.bytes, content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

std::ptrdiff_t SimDisk::write(SimFile& file, std::uint64_t offset, ByteView bytes) {
  const Verdict verdict = begin(DiskCall::write);
  std::size_t count = bytes.size();
  if (verdict.error != 0) {
    if (!verdict.partly) {
      return -verdict.error;
    }
    // A write that is cut off ends at the border of a page, as the kernel copies them one by one.
    const std::size_t border = rng_.below(2) == 0 ? kSector : kPage;
    const std::size_t end = (offset + rng_.below(bytes.size() + 1)) / border * border;
    count = end > offset ? end - offset : 0;
  }
  if (count > 0) {
    SimFile::Change change{.offset = offset,
                           .bytes = Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count))};
    apply(file.content, change);
    file.unflushed.push_back(std::move(change));
  }
  dead_ = dead_ || verdict.dies;
  return verdict.error != 0 ? -verdict.error : static_cast<std::ptrdiff_t>(count);
}

int SimDisk::truncate(SimFile& file, std::uint64_t size) {
  const Verdict verdict = begin(DiskCall::truncate);
  if (verdict.error != 0) {
    return -verdict.error;
  }
  file.unflushed.push_back({.offset = size, .bytes = {}, .cut = true});
  apply(file.content, file.unflushed.back());
  dead_ = dead_ || verdict.dies;
  return 0;
}

int SimDisk::flush(SimFile& file) {
  const Verdict verdict = begin(DiskCall::flush);
  if (clock != nullptr && faults.flush_time > 0) {
    clock->advance(faults.flush_time);
  }
  if (verdict.error != 0) {
    if (faults.forget && !dead_) {
      file.forgotten = file.forgotten || !file.unflushed.empty();
      file.unflushed
          .clear();  // what programs see stays; the platter never gets it, unless it is written again
    }
    return -verdict.error;
  }
  if (!file.unflushed.empty() && happens(faults.lie)) {
    lie_pending_ = true;
  } else {
    for (const SimFile::Change& change : file.unflushed) {
      apply(file.platter, change);
    }
    file.unflushed.clear();
  }
  dead_ = dead_ || verdict.dies;
  return 0;
}

int SimDisk::flush_names() {
  const Verdict verdict = begin(DiskCall::flush);
  if (verdict.error != 0) {
    return -verdict.error;
  }
  if (!unflushed_names_.empty() && happens(faults.lie)) {
    lie_pending_ = true;
  } else {
    platter_names_ = names_;
    unflushed_names_.clear();
  }
  dead_ = dead_ || verdict.dies;
  return 0;
}

void SimDisk::set_name(const std::string& path, File file) {
  if (file == nullptr) {
    names_.erase(path);
  } else {
    names_[path] = file;
  }
  unflushed_names_.push_back({path, std::move(file), {}});
}

int SimDisk::link(const std::string& from, const std::string& to) {
  const Verdict verdict = begin(DiskCall::name);
  if (verdict.error != 0) {
    return -verdict.error;
  }
  const auto found = names_.find(from);
  if (found == names_.end() || names_.contains(to)) {
    return found == names_.end() ? -ENOENT : -EEXIST;
  }
  set_name(to, found->second);
  dead_ = dead_ || verdict.dies;
  return 0;
}

int SimDisk::unlink(const std::string& path) {
  const Verdict verdict = begin(DiskCall::name);
  if (verdict.error != 0) {
    return -verdict.error;
  }
  if (!names_.contains(path)) {
    return -ENOENT;
  }
  set_name(path, nullptr);
  dead_ = dead_ || verdict.dies;
  return 0;
}

int SimDisk::rename(const std::string& from, const std::string& to) {
  const Verdict verdict = begin(DiskCall::name);
  if (verdict.error != 0) {
    return -verdict.error;
  }
  const auto found = names_.find(from);
  if (found == names_.end()) {
    return -ENOENT;
  }
  const File file = found->second;
  names_.erase(from);
  names_[to] = file;
  unflushed_names_.push_back({to, file, from});  // one change: a loss of power never takes both names
  dead_ = dead_ || verdict.dies;
  return 0;
}

int SimDisk::lock(SimFile& file, int owner, bool only_ask) {
  if (const Verdict verdict = begin(DiskCall::lock); verdict.error != 0) {
    return -verdict.error;
  }
  if (file.lock_owner >= 0 && file.lock_owner != owner) {
    return -EAGAIN;
  }
  file.lock_owner = only_ask ? file.lock_owner : owner;
  return 0;
}

std::uint64_t SimDisk::links(const SimFile& file) const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(names_, [&](const auto& entry) { return entry.second.get() == &file; }));
}

// -- ends and starts

void SimDisk::lose_power(SimFile& file) {
  std::vector<SimFile::Change> kept;
  for (SimFile::Change& change : file.unflushed) {
    const std::uint64_t fate = rng_.below(4);
    if (fate == 0) {
      continue;  // never reached the platter
    }
    if (fate == 1 && !change.cut && change.bytes.size() > kSector) {
      // Torn: each sector, or each page, made it or not, on its own.
      const std::size_t unit = rng_.below(2) == 0 ? kSector : kPage;
      for (std::size_t at = 0; at < change.bytes.size(); at += unit) {
        if (rng_.below(2) == 0) {
          const auto from = change.bytes.begin() + static_cast<std::ptrdiff_t>(at);
          const auto size = static_cast<std::ptrdiff_t>(std::min(unit, change.bytes.size() - at));
          kept.push_back({.offset = change.offset + at, .bytes = Bytes(from, from + size)});
        }
      }
      continue;
    }
    kept.push_back(std::move(change));
  }
  if (rng_.below(2) == 0) {
    for (std::size_t i = kept.size(); i > 1; --i) {
      std::swap(kept[i - 1], kept[rng_.below(i)]);
    }
  }
  for (const SimFile::Change& change : kept) {
    apply(file.platter, change);
  }
  file.content = file.platter;
}

void SimDisk::lose_power() {
  lied_ = lied_ || lie_pending_;
  // Sometimes all or nothing: long runs of coin flips rarely give these.
  const std::uint64_t mood = rng_.below(6);
  for (const NameChange& change : unflushed_names_) {
    if (mood == 0 || (mood != 1 && rng_.below(2) == 0)) {
      if (change.file == nullptr) {
        platter_names_.erase(change.path);
      } else {
        platter_names_[change.path] = change.file;
        platter_names_.erase(change.moved_from);
      }
    }
  }
  names_ = platter_names_;
  for (const auto& [path, file] : names_) {
    if (mood == 1) {
      file->content = file->platter;
    } else if (!file->unflushed.empty() || file->forgotten) {
      lose_power(*file);
    }
    file->unflushed.clear();
    file->forgotten = false;
  }
}

void SimDisk::restart(DiskEnd how) {
  if (how == DiskEnd::power_lost) {
    lose_power();
    // What is on the platter now is there to stay.
    for (const auto& [path, file] : names_) {
      file->platter = file->content;
    }
    platter_names_ = names_;
    unflushed_names_.clear();
    lie_pending_ = false;
  }
  for (const auto& [path, file] : names_) {
    file->lock_owner = -1;
    file->shared_memory.clear();
    file->shared_locks = {};
    file->readers = 0;
    file->reserved = file->pending = file->exclusive = false;
  }
  dead_ = false;
  end_call_ = 0;
  stuck_ = 0;
}

SimDisk::Image SimDisk::image() const {
  Image image;
  for (const auto& [path, file] : names_) {
    image[path] = file->content;
  }
  return image;
}

void SimDisk::put(const Image& image) {
  names_.clear();
  for (const auto& [path, bytes] : image) {
    const File file = std::make_shared<SimFile>();
    file->number = next_number_++;
    file->content = bytes;
    file->platter = bytes;
    names_[path] = file;
  }
  platter_names_ = names_;
  unflushed_names_.clear();
}

Bytes* SimDisk::content(const std::string& path) {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : &found->second->content;
}

}  // namespace attune::test
