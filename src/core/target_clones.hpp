// SPDX-License-Identifier: Apache-2.0
/// @file
/// ATTUNE_TARGET_CLONES: compile a function for several x86-64 instruction sets and choose at load time.
///
/// Without fused multiply-add (-ffp-contract=off) and with a fixed order of summation all clones give the
/// same bits. Off under sanitizers, whose run time is not up yet when the resolvers run, and on other
/// machines.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ATTUNE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define ATTUNE_SANITIZED 1
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(ATTUNE_SANITIZED)
#define ATTUNE_TARGET_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ATTUNE_TARGET_CLONES
#endif
