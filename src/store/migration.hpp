// SPDX-License-Identifier: Apache-2.0
/// @file
/// Migration of stores of earlier formats.
#pragma once

#include "store/store_file.hpp"

namespace attune::detail {

/// Makes a store of format 1 one of format 2, in one transaction; `store.version` is 2 afterwards. Every
/// record is checked on the way. Checkpoints that cannot be trusted are left behind, with a note. Errors:
/// corrupt_state (a record or the end is damaged: names it), io; the store is then as it was.
[[nodiscard]] Result<void> migrate_to_2(StoreFile& store, const Act& act);

}  // namespace attune::detail
