#include "common/manual/completion.h"
#include "common/manual/completion_verbs.h"

namespace reversi::manual {
namespace {

// @F@ is the function's name, @P@ the program's. `read` without -r takes "a\ b" for one word.
constexpr std::string_view kEngine = R"BASH(
@F@() {
  local words cur option='' verb='' at=0 index kind candidates
  COMPREPLY=()
  # shellcheck disable=SC2162 # a blank behind a backslash is part of a word
  read -a words <<<"${COMP_LINE:0:COMP_POINT}"
  case ${COMP_LINE:0:COMP_POINT} in
    *[[:blank:]]) words[${#words[@]}]='' ;;
  esac
  cur=${words[${#words[@]} - 1]}
  for ((index = 1; index < ${#words[@]} - 1; index++)); do
    if [[ -n $option ]]; then
      option=''
    elif [[ ${words[index]} == -* ]]; then
      kind=$(_@F@_kind "$verb" "${words[index]%%=*}") && [[ ${words[index]} != *=* ]] && option=${words[index]}
    elif _@F@_is_verb "$verb${verb:+ }${words[index]}"; then
      verb="$verb${verb:+ }${words[index]}"
    else
      at=$((at + 1))
    fi
  done
  if [[ -z $option && $cur == --*=* ]]; then
    option=${cur%%=*}
    cur=${cur#*=}
  fi
  if [[ -n $option ]]; then
    kind=$(_@F@_kind "$verb" "$option") || return 0
  elif [[ $cur == -* ]]; then
    kind="words $(_@F@_options "$verb")"
  else
    kind=$(_@F@_argument "$verb" "$at") || return 0
  fi
  case $kind in
    words\ *) candidates=$(compgen -W "${kind#words }" -- "$cur") ;;
    file) compopt -o filenames 2>/dev/null; candidates=$(compgen -f -- "$cur") ;;
    directory) compopt -o filenames 2>/dev/null; candidates=$(compgen -d -- "$cur") ;;
    node) candidates=$(compgen -W "$(_@F@_ask node list)" -- "$cur") ;;
    fingerprint) candidates=$(compgen -W "$(_@F@_ask node pending)" -- "$cur") ;;
    *) return 0 ;;
  esac
  # bash replaces only what follows the last ":" of the word.
  local skip=''
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then skip=${cur%"${cur##*:}"}; fi
  while IFS= read -r index; do
    if [[ -n $index ]]; then COMPREPLY[${#COMPREPLY[@]}]=${index#"$skip"}; fi
  done <<<"$candidates"
}

# The first column of a list; nothing where it cannot be read, or not soon.
_@F@_ask() {
  local limit=''
  if type timeout >/dev/null 2>&1; then limit='timeout 3'; fi
  # shellcheck disable=SC2086 # no word, or two
  $limit @P@ "$@" 2>/dev/null | while read -r name rest; do
    case $name in
      no | '') ;;
      *) echo "$name" ;;
    esac
  done
}

complete -F @F@ @P@
)BASH";

std::string replaced(std::string_view text, std::string_view what, const std::string& with) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool here = text.substr(at, what.size()) == what;
    out += here ? with : std::string(1, text[at]);
    at += here ? what.size() : 1;
  }
  return out;
}

std::string kind_text(const Value& value) {
  switch (value.kind) {
    case Kind::file:
      return "file";
    case Kind::directory:
      return "directory";
    case Kind::node:
      return "node";
    case Kind::fingerprint:
      return "fingerprint";
    case Kind::words:
      return "words " + value.words;
    case Kind::nothing:
      break;
  }
  return "nothing";
}

std::string case_row(const std::string& pattern, const std::string& answer) {
  return "    " + pattern + ") echo '" + answer + "' ;;\n";
}

std::string function(const std::string& name, const std::string& subject, const std::string& rows,
                     bool or_fail) {
  return "\n" + name + "() {\n  case \"" + subject + "\" in\n" + rows +
         (or_fail ? "    *) return 1 ;;\n" : "") + "  esac\n}\n";
}

/// What the scripts know of one program, as the bodies of four functions.
struct Rows {
  std::string is_verb, options, kinds, arguments;
};

void add_verb(Rows& rows, const Verb& verb) {
  const std::string name(verb.name);
  std::string names = "--help";
  int position = 0;
  rows.is_verb += "    '" + name + "') return 0 ;;\n";
  for (const OptionRow& option : options_of(verb)) {
    const std::string kind = kind_text(value_of(option));
    if (option.positional) {
      const std::string at = option.repeated ? "*" : "' " + std::to_string(position++) + "'";
      rows.arguments += case_row("'" + name + "'" + at, kind);
      continue;
    }
    names += ' ' + option.name;
    if (!option.value.empty()) rows.kinds += case_row("'" + name + ' ' + option.name + "'", kind);
  }
  rows.options += case_row("'" + name + "'", names);
}

Rows rows_of(const Program& program) {
  Rows rows;
  std::string firsts;
  for (const FirstWord& word : first_words(program)) {
    firsts += (firsts.empty() ? "" : " ") + word.name;
    std::string seconds;
    for (const Verb* verb : word.verbs) {
      add_verb(rows, *verb);
      seconds += (seconds.empty() ? "" : " ") + last_word(verb->name);
    }
    if (!word.is_group()) continue;
    rows.is_verb += "    '" + word.name + "') return 0 ;;\n";
    rows.arguments += case_row("'" + word.name + " 0'", "words " + seconds);
  }
  rows.arguments += case_row("' 0'", "words " + firsts);
  rows.options += case_row("*", "--help");
  return rows;
}

}  // namespace

std::string bash_completion(const Program& program) {
  const std::string name(program.name);
  const std::string function_of = "_" + function_name(name);
  const Rows rows = rows_of(program);
  std::string text = "# shellcheck shell=bash\n# Completion of " + name +
                     " for bash, generated from its table of verbs.\n" +
                     replaced(replaced(kEngine, "@F@", function_of), "@P@", name);
  text += function("_" + function_of + "_is_verb", "$1", rows.is_verb, true);
  text += function("_" + function_of + "_options", "$1", rows.options, false);
  text += function("_" + function_of + "_kind", "$1 $2", rows.kinds, true);
  text += function("_" + function_of + "_argument", "$1 $2", rows.arguments, true);
  return text;
}

}  // namespace reversi::manual
