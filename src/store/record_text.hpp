// SPDX-License-Identifier: Apache-2.0
/// @file
/// Records as lines of text: JSON Lines and CSV.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <attune/core/record.hpp>

namespace attune::detail {

/// What a line says beside the record.
struct LineNames {
  std::string_view point;  ///< empty: unknown
  std::string_view arm;    ///< empty: unknown
};

/// Appends one line with its line feed; the record was checked. Errors: corrupt_state (it cannot be decoded).
[[nodiscard]] Errc append_json_line(std::string& out, ByteView record, const LineNames& names);
/// The line of a record whose content was erased.
void append_erased_line(std::string& out, std::uint64_t position, RecordKind kind);

inline constexpr std::string_view kCsvHeader =
    "position,kind,time,point,point_name,decision,sequence,slot,arm,propensity,score,version,rung,greedy,"
    "episode,client_key,subject,parameters,components,key,ended,event,text,number,value,aux,reason,"
    "source\r\n";
[[nodiscard]] Errc append_csv_line(std::string& out, ByteView record, const LineNames& names);

}  // namespace attune::detail
