// SPDX-License-Identifier: Apache-2.0
/// @file
/// Cuts a state into chunks where its content says so: a change moves the borders near it and no others.
#pragma once

#include <cstddef>
#include <vector>

#include <attune/core/serial.hpp>

namespace attune::detail {

inline constexpr std::size_t kMinChunk = std::size_t{16} << 10U;
inline constexpr std::size_t kMeanChunk = std::size_t{64} << 10U;
inline constexpr std::size_t kMaxChunk = std::size_t{256} << 10U;

/// The chunks of `bytes`, in order; together they are all of it. Every chunk has kMinChunk ... kMaxChunk
/// bytes; the last one may be shorter. An empty state has none.
///
/// A rolling "gear" hash runs over the bytes; a border is where its top bits are zero. Up to the mean size
/// more bits must be zero than after it, which keeps sizes near the mean.
/// **Source:** Xia et al. 2016, "FastCDC", USENIX ATC, sections 3.2 to 3.5; the table is made by splitmix64.
/// **Cost:** one table look-up, a shift and an addition a byte.
[[nodiscard]] std::vector<ByteView> cut_into_chunks(ByteView bytes);

}  // namespace attune::detail
