// SPDX-License-Identifier: Apache-2.0
/// @file
/// Everything that a user of the engine needs. Policies by themselves: include attune/policies/<name>.hpp.
#pragma once

#include <attune/core/clock.hpp>
#include <attune/core/concepts.hpp>
#include <attune/core/error.hpp>
#include <attune/core/uuid.hpp>
#include <attune/core/vocabulary.hpp>
#include <attune/engine/engine.hpp>
#include <attune/engine/log.hpp>
#include <attune/store/journal.hpp>
