// SPDX-License-Identifier: Apache-2.0
#include <attune/core/serial.hpp>

#include <cmath>
#include <string>

#include "core/hash.hpp"

namespace attune {

double Reader::finite() noexcept {
  const double value = f64();
  if (!std::isfinite(value)) {
    fail_now();
    return 0.0;
  }
  return value;
}

namespace detail {
namespace {

constexpr std::uint32_t kStateMagic = 0x31535441;  // "ATS1"
constexpr std::size_t kMaxName = 256;

}  // namespace

Bytes seal_state(std::string_view name, std::uint32_t version, ByteView payload) {
  Writer writer;
  writer.u32(kStateMagic);
  writer.u32(version);
  writer.text(name);
  writer.blob(payload);
  writer.u64(hash64(writer.view()));
  return std::move(writer).take();
}

Result<ByteView> open_state(ByteView framed, std::string_view name, std::uint32_t version) {
  if (framed.size() < sizeof(std::uint64_t)) {
    return fail(Errc::corrupt_state, std::string(name) + ": the state is cut short");
  }
  const ByteView body = framed.first(framed.size() - sizeof(std::uint64_t));
  Reader trailer(framed.last(sizeof(std::uint64_t)));
  if (trailer.u64() != hash64(body)) {
    return fail(Errc::corrupt_state, std::string(name) + ": the state's checksum does not match its bytes");
  }
  Reader reader(body);
  const std::uint32_t magic = reader.u32();
  const std::uint32_t found_version = reader.u32();
  const std::string_view found_name = reader.text(kMaxName);
  const ByteView payload = reader.blob(body.size());
  if (!reader.ok() || !reader.at_end() || magic != kStateMagic) {
    return fail(Errc::corrupt_state, std::string(name) + ": these bytes are not a saved state");
  }
  if (found_name != name) {
    return fail(Errc::corrupt_state,
                std::string(name) + ": the state was saved by '" + std::string(found_name) + "'");
  }
  if (found_version == 0 || found_version > version) {
    return fail(Errc::unsupported_version, std::string(name) + ": the state has version " +
                                               std::to_string(found_version) + ", this build reads up to " +
                                               std::to_string(version));
  }
  return payload;
}

}  // namespace detail
}  // namespace attune
