# SPDX-License-Identifier: MIT
function __vqwatch_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __vqwatch_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __vqwatch_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __vqwatch_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __vqwatch_parse_tokens -S
    set -l unparsed_tokens (__vqwatch_tokens -pc)
    switch $unparsed_tokens[1]
    case 'vqwatch'
        __vqwatch_parse_subcommand 0 'f/follow' 'c/check' 'w/wait-for=+' 'live' 'if-down=+' 'format=' 'j/json' 'q/quiet' 'color=' 'l/links' 'events=' 'changes-only' 'n/count=' 'warn-margin=' 'warn-links=' 'allow-absent=+' 'dispatch=' 't/timeout=' 'refresh=' 'no-reconnect' 'metrics-file=' 'exec=+' 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'help'
            __vqwatch_parse_subcommand -r 1 'version'
        end
    end
end

function __vqwatch_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __vqwatch_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __vqwatch_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __vqwatch_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__vqwatch_tokens -p)
    if test -z "$(__vqwatch_tokens -t)"
        set -l index (count (__vqwatch_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'vqwatch' -f
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" f follow' -s 'f' -l 'follow' -d 'Print the status, then every change, until stopped.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" c check' -s 'c' -l 'check' -d 'Print one line for a monitoring system; exit 0, 1, 2 or 3 as its plugins do.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch"' -s 'w' -l 'wait-for' -d 'Print the status as soon as this condition, and every other one given, holds.' -rfka '(__vqwatch_custom_completion ---completion -- --wait-for (count (__vqwatch_tokens -pc)) (__vqwatch_tokens -tC))'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" live' -l 'live' -d 'Show the status as a page on the terminal that keeps itself up to date; ? shows its keys.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch"' -l 'if-down' -d 'Predict whether the cluster would stay quorate if this member, and every other given, failed now; qdevice is the quorum device.' -rfka '(__vqwatch_custom_completion ---completion -- --if-down (count (__vqwatch_tokens -pc)) (__vqwatch_tokens -tC))'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" format' -l 'format' -d 'Print text (the default), json (JSON lines) or, for the status only, prometheus.' -rfka 'text json prometheus'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" j json' -s 'j' -l 'json' -d 'The same as --format json.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" q quiet' -s 'q' -l 'quiet' -d 'Print nothing on standard output; only the exit status shows the result.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" color' -l 'color' -d 'Show colour in text: auto (the default: on a terminal, unless NO_COLOR is set), always or never.' -rfka 'auto always never'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" l links' -s 'l' -l 'links' -d 'Print a table of the network links with the status, with their latency and MTU.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" events' -l 'events' -d 'With --follow and --live, print only these kinds of events, comma separated: status, nodelist, quorum, expected_votes, info, disconnected, unsettled, link, evidence, unresponsive, dropped.' -rfka '(__vqwatch_custom_completion ---completion -- --events (count (__vqwatch_tokens -pc)) (__vqwatch_tokens -tC))'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" changes-only' -l 'changes-only' -d 'Do not print the status at the start: with --follow, --dispatch one or --dispatch one-nonblocking.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" count n' -s 'n' -l 'count' -d 'With --follow, exit after N events.' -rfka ''
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" warn-margin' -l 'warn-margin' -d 'Report a problem when fewer than N more votes can be lost.' -rfka ''
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" warn-links' -l 'warn-links' -d 'Report a problem when a member is connected over fewer than N links.' -rfka ''
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch"' -l 'allow-absent' -d 'This node may be away: its absence is no problem; repeatable.' -rfka '(__vqwatch_custom_completion ---completion -- --allow-absent (count (__vqwatch_tokens -pc)) (__vqwatch_tokens -tC))'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" dispatch' -l 'dispatch' -d 'How to dispatch notifications from corosync: all (the default), one, blocking or one-nonblocking.' -rfka 'all one blocking one-nonblocking'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" t timeout' -s 't' -l 'timeout' -d 'Give up after this long (default: 10s; with --follow, --live and --wait-for: never).' -rfka ''
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" refresh' -l 'refresh' -d 'With --follow, --live and --wait-for, how often to read what votequorum changes without a notification (5s; 0: never). Not possible with --dispatch one and --dispatch blocking.' -rfka ''
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" no-reconnect' -l 'no-reconnect' -d 'With --follow, --live and --wait-for, exit 1 when the connection is lost or cannot be made.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" metrics-file' -l 'metrics-file' -d 'With --follow, keep a file for node_exporter\'s textfile collector.' -rfa '(for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.\'prom\';printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch"' -l 'exec' -d 'With --follow and last on the line: run this for every event, with the event\'s JSON line on its standard input.' -rfka ''
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" version' -l 'version' -d 'Show the version.'
complete -c 'vqwatch' -n '__vqwatch_should_offer_completions_for_flags_or_options "vqwatch" h help' -s 'h' -l 'help' -d 'Show help information.'
