// SPDX-License-Identifier: Apache-2.0
/// @file
/// What an engine says about itself, as members of a JSON object.
#pragma once

#include <attune/core/vocabulary.hpp>
#include <attune/engine/engine.hpp>

namespace attune::tools {

class JsonWriter;

/// "points", "position", "notes".
void write_opened(const Engine& engine, JsonWriter& json);
/// "summary", "values", "columns", "rows".
void write_description(const Description& description, JsonWriter& json);
/// "ok", "level", "reasons", "store", positions and errors.
void write_health(const EngineMetrics& metrics, const EngineHealth& health, bool has_store, JsonWriter& json);
/// Every counter.
void write_metrics(const EngineMetrics& metrics, JsonWriter& json);

}  // namespace attune::tools
