# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plan as JSON (contract section 6): its form, and what scenarios say about it."""

import json
import os
import re

from program import Failure

REMEDIES = {"remap", "park", "restore", "relocate", "disable", "block", "hold"}
KINDS = {"added", "removed", "moved", "replaced", "renamed", "regrouped"}
CONFIDENCES = {"certain", "strong", "ambiguous", "none", None}
EVIDENCE = {"mac", "serial", "path", "address", "ids", "only-one"}


def need(condition, text):
    if not condition:
        raise Failure(text)


def check_form(plan, root):
    """Raises unless the plan has the form the contract gives and speaks of the files in root."""
    need(plan.get("schema") == "hwrecover.plan/1", f"plan: schema {plan.get('schema')}")
    for key in ("baseline", "counts", "changes", "edits", "actions", "blocked", "warnings"):
        need(key in plan, f"plan: no {key}")
    for key in ("pci", "nics"):
        pair = plan["counts"].get(key)
        need(isinstance(pair, list) and len(pair) == 2, f"plan: counts of {key}: {pair}")
    for change in plan["changes"]:
        need(change.get("kind") in KINDS, f"plan: change {change}")
        need(change.get("confidence") in CONFIDENCES, f"plan: change {change}")
        need(set(change.get("evidence", [])) <= EVIDENCE, f"plan: change {change}")
    for edit in plan["edits"]:
        need(set(edit) >= {"file", "line", "remedy", "from", "to", "reason"}, f"plan: edit {edit}")
        need(edit["remedy"] in REMEDIES, f"plan: remedy {edit}")
        need(edit["reason"], f"plan: an edit without a reason: {edit}")
        if edit["line"] is None:
            continue
        path = os.path.join(root, edit["file"].lstrip("/"))
        need(os.path.exists(path), f"plan: no such file: {edit}")
        with open(path, "rb") as file:
            lines = file.read().splitlines()
        # A line more than there are: one is put in at the end.
        need(0 < edit["line"] <= len(lines) + (not edit["from"]), f"plan: no such line: {edit}")
        if edit["from"] and "\n" not in edit["from"]:
            was = edit["from"].encode().strip()
            need(was in lines[edit["line"] - 1], f"plan: not what line {edit['line']} says: {edit}")
    for entry in plan["blocked"]:
        need(set(entry) >= {"guest", "autostart", "reason"}, f"plan: blocked {entry}")
        need(isinstance(entry["autostart"], bool), f"plan: blocked {entry}")
        need(entry["reason"] and "\n" not in entry["reason"], f"plan: blocked {entry}")
    guests = [entry["guest"] for entry in plan["blocked"]]
    need(guests == sorted(set(guests), key=os.fsencode), f"plan: blocked {guests}")
    for warning in plan["warnings"]:
        need(isinstance(warning, str) and warning and "\n" not in warning,
             f"plan: warning {warning!r}")


def edited_files(plan):
    return {edit["file"] for edit in plan["edits"]}


def of_proxmox(path):
    """Whether a file is edited by the guests stage alone."""
    return path.startswith("/etc/pve/")


def is_empty(plan, listed=(), network_alone=False):
    """Whether nothing is left to do; with --root some actions are only ever listed. A guest that is
    blocked stays in the list as long as it is; what is Proxmox's is left to the guests stage."""
    edits = [edit for edit in plan["edits"]
             if not (network_alone and of_proxmox(edit["file"]))]
    actions = [action for action in plan["actions"] if action not in listed]
    return not edits and not actions


def releases(plan):
    """The actions that offline are only listed."""
    return [action for action in plan["actions"] if action["do"] in ("release", "start-hook")]


def expect(plan, words, text):
    """One line about a plan, as found under `plan`, `boot` or `apply` in a scenario."""
    kind, rest = words[0], words[1:]
    if kind == "empty":
        need(is_empty(plan), f"plan is not empty: {show(plan)}")
    elif kind == "edits":
        if rest == ["none"]:
            need(not plan["edits"], f"edits: {plan['edits']}")
        else:
            need(len(plan["edits"]) == int(rest[0]),
                 f"{len(plan['edits'])} edits, not {rest[0]}: {show(plan)}")
    elif kind == "edit":
        file, line = re.fullmatch(r"(.+?)(?::(\d+))?", rest[0]).groups()
        was, _, now = text.split(None, 3)[3].partition(" > ") if len(rest) > 2 else ("", "", "")
        for edit in plan["edits"]:
            if (edit["file"] == file and (not line or edit["line"] == int(line))
                    and edit["remedy"] == rest[1] and was in (edit["from"] or "")
                    and now in (edit["to"] or "")):
                return
        raise Failure(f"no such edit: {text}\n{show(plan)}")
    elif kind == "no-edit":
        need(rest[0] not in edited_files(plan), f"an edit of {rest[0]}: {show(plan)}")
    elif kind == "blocked":
        if rest == ["none"]:
            need(not plan["blocked"], f"blocked: {plan['blocked']}")
            return
        found = [entry for entry in plan["blocked"] if entry["guest"] == rest[0]]
        need(len(found) == 1, f"{rest[0]} is not blocked: {show(plan)}")
        words = rest[1:]
        if words[:1] in (["autostart"], ["no-autostart"]):
            need(found[0]["autostart"] == (words.pop(0) == "autostart"),
                 f"{text}: {found[0]}")
        need(all(word in found[0]["reason"] for word in words), f"{text}: {found[0]}")
    elif kind == "not-blocked":
        need(rest[0] not in [entry["guest"] for entry in plan["blocked"]],
             f"{text}: {plan['blocked']}")
    elif kind in ("action", "no-action"):
        found = [action for action in plan["actions"] if action["do"] == rest[0]
                 and all(word in [str(value) for value in action.values()] for word in rest[1:])]
        need(bool(found) == (kind == "action"), f"{text}: {json.dumps(plan['actions'])}")
    elif kind == "actions":
        need(not plan["actions"], f"actions: {plan['actions']}")
    elif kind in ("change", "no-change"):
        found = [change for change in plan["changes"]
                 if change["kind"] == rest[0] or rest[0] == "any"]
        found = [change for change in found
                 if all(f'"{word}"' in json.dumps(change) for word in rest[1:])]
        need(bool(found) == (kind == "change"), f"{text}: {json.dumps(plan['changes'])}")
    elif kind == "changes":
        need(not plan["changes"], f"changes: {plan['changes']}")
    elif kind == "warn":
        need(any(all(word in warning for word in rest) for warning in plan["warnings"]),
             f"no warning with {' '.join(rest)}: {show(plan)}")
    elif kind == "warned":
        need(plan["warnings"], f"no warning: {show(plan)}")
    elif kind == "warnings":
        need(not plan["warnings"], f"warnings: {plan['warnings']}")
    elif kind == "counts":
        counts = {"pci": [int(rest[1]), int(rest[2])], "nics": [int(rest[4]), int(rest[5])]}
        need(plan["counts"] == counts, f"counts: {plan['counts']}, not {counts}")
    else:
        raise Failure(f"runner: what is {text!r}?")


def show(plan):
    return json.dumps(plan, indent=1, ensure_ascii=False)
