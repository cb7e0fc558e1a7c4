// SPDX-License-Identifier: Apache-2.0
/// @file
/// attune's own system calls, as the tests can bend them.
#pragma once

namespace attune::test {

/// Asked before each system call that attune makes itself on the real file system: 0 goes on, an errno value
/// refuses it. `path` may be null.
using PosixHook = int (*)(const char* name, const char* path);
void set_posix_hook(PosixHook hook);

/// Closes what a process that ended had open on the simulated disk.
void forget_descriptors();

}  // namespace attune::test
