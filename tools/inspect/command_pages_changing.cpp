// SPDX-License-Identifier: Apache-2.0
// Pages of the commands that carry records out and in, and change a store or make one.
#include <utility>

#include "tools/inspect/command_pages.hpp"

namespace attune::tools {
namespace {

[[nodiscard]] std::vector<CommandInfo> transfer_commands() {
  using enum OptionKey;
  return {
      {.command = Command::export_records,
       .name = "export",
       .operands = {},
       .brief = "records as JSON Lines or CSV",
       .text = "Writes the records that the options select, from the first to the last of them without a "
               "gap, to standard "
               "output or to a new file. JSON Lines (the default) has one object a line, with the encoded "
               "record in it: "
               "import reads it back, byte for byte. CSV has the columns of all kinds side by side and "
               "cannot be imported. "
               "Erased records appear in JSON Lines as erased.",
       .options = {first, before, last, from, to, out, csv, json},
       .examples = {{"gateway.db export --from -1d --out yesterday.jsonl", ""},
                    {"gateway.db export --csv | head", ""}}},
      {.command = Command::audit,
       .name = "audit",
       .operands = {},
       .brief = "administrative acts: who did what to this store, when; checked",
       .text = "Every migration, compaction, deletion, rollback, import and salvage, with its actor, time, "
               "and what was before "
               "and after. The entries are chained by SHA-256: an entry that was changed, cut out or moved "
               "is named, and the "
               "exit code is 1.",
       .options = {json},
       .examples = {{"gateway.db audit", ""}}},
      {.command = Command::import_records,
       .name = "import",
       .operands = "FILE",
       .least = 1,
       .most = 1,
       .brief = "append the records of a file that export wrote",
       .text =
           "Records that the store has already are skipped when they are equal. One that differs refuses the "
           "whole file, "
           "and so does a gap. Everything is written in one transaction, with an entry in the audit trail.",
       .options = {yes, actor, json},
       .examples = {{"gateway.db import gateway.db-abandoned-from-8018.jsonl", "Takes a rollback back."}},
       .changes = true},
  };
}

[[nodiscard]] std::vector<CommandInfo> admin_commands() {
  using enum OptionKey;
  return {
      {.command = Command::rollback,
       .name = "rollback",
       .operands = {},
       .brief = "make an earlier record the last one",
       .text = "Cuts the journal off behind a record or checkpoint. The records behind it are written to a "
               "file first "
               "(STORE-abandoned-from-N.jsonl, or --out), from which import takes them back; --discard drops "
               "them. It is "
               "refused where no engine could be recovered at that record.\n\nUse it after bad outcomes were "
               "reported, or a "
               "deployment chose wrongly for a while. The engine must be stopped.",
       .options = {to_position, out, discard, yes, actor, json},
       .examples = {{"gateway.db rollback --to c4", "Back to checkpoint 4; asks first."},
                    {"gateway.db rollback --to 120000 --out bad-hour.jsonl --yes --by ticket-4711", ""}},
       .changes = true},
      {.command = Command::compact,
       .name = "compact",
       .operands = {},
       .brief = "remove the oldest records, behind verified checkpoints",
       .text = "Removes records from the oldest on, as far as all conditions allow: only before position "
               "--before, only before "
               "the time --to, and never the newest --keep. What the newest --checkpoints sound checkpoints "
               "need for a "
               "recovery always stays. The file does not shrink; its space is used again.\n\nAn engine that "
               "runs does this "
               "itself, by its retention options; this is for a store that nobody has open.",
       .options = {before, to, keep, checkpoints, yes, actor, json},
       .examples = {{"gateway.db compact --to -30d", "Keeps the last thirty days."},
                    {"gateway.db compact --keep 1000000 --yes", ""}},
       .changes = true},
      {.command = Command::erase,
       .name = "erase",
       .operands = {},
       .brief = "blank the records about one person or thing",
       .text = "Blanks the decisions that were made with this subject, and their outcomes. Their positions "
               "and the chain over "
               "all records stay, so that the rest can still be verified. It is refused unless sound "
               "checkpoints cover all of "
               "them: start the engine once, let it take a checkpoint, and stop it.\n\nWhat a policy has "
               "learned from them "
               "stays learned. Copies and exports are yours to delete.",
       .options = {subject, checkpoints, yes, actor, json},
       .examples = {{"gateway.db erase --subject customer-81 --by privacy-desk", ""}},
       .changes = true},
      {.command = Command::repair,
       .name = "repair",
       .operands = {},
       .brief = "save what can be read of a damaged store into a new one",
       .text = "Reads every record and checkpoint that is whole, and writes them to a new store at the same "
               "positions. Lost "
               "records are blank there, like erased ones, and are named. The damaged store is not changed: "
               "keep it.\n\n"
               "Says whether an engine can go on from the new store: it can where a sound checkpoint lies "
               "behind the last "
               "lost record. The exit code is 1 when it cannot.",
       .options = {out, yes, actor, json},
       .examples = {{"gateway.db repair --out saved.db", ""}},
       .changes = true},
  };
}

}  // namespace

std::vector<CommandInfo> changing_commands() {
  std::vector<CommandInfo> all = transfer_commands();
  std::vector<CommandInfo> more = admin_commands();
  for (CommandInfo& info : more) {
    all.push_back(std::move(info));
  }
  return all;
}

}  // namespace attune::tools
