#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What ./run shows: the gateway scenario of the simulation runner. Arguments go to it.
set -euo pipefail
cd "$(dirname "$0")/.."
exec build/release/simulations/attune-sim gateway "$@"
