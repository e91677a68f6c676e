# SPDX-License-Identifier: MIT

__vqwatch_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__vqwatch_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__vqwatch_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__vqwatch_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_vqwatch() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(-f --follow -c --check --live -j --json -q --quiet -l --links --changes-only --no-reconnect --version -h --help)
    local -a repeating_options=(-w --wait-for --if-down --allow-absent --exec)
    local -a non_repeating_options=(--format --color --events -n --count --warn-margin --warn-links --dispatch -t --timeout --refresh --metrics-file)
    __vqwatch_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '-w'|'--wait-for')
        __vqwatch_add_completions -W "$(__vqwatch_custom_complete ---completion -- --wait-for "${COMP_CWORD}" "$(__vqwatch_cursor_index_in_current_word)")"
        return
        ;;
    '--if-down')
        __vqwatch_add_completions -W "$(__vqwatch_custom_complete ---completion -- --if-down "${COMP_CWORD}" "$(__vqwatch_cursor_index_in_current_word)")"
        return
        ;;
    '--format')
        __vqwatch_add_completions -W 'text'$'\n''json'$'\n''prometheus'
        return
        ;;
    '--color')
        __vqwatch_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--events')
        __vqwatch_add_completions -W "$(__vqwatch_custom_complete ---completion -- --events "${COMP_CWORD}" "$(__vqwatch_cursor_index_in_current_word)")"
        return
        ;;
    '-n'|'--count')
        return
        ;;
    '--warn-margin')
        return
        ;;
    '--warn-links')
        return
        ;;
    '--allow-absent')
        __vqwatch_add_completions -W "$(__vqwatch_custom_complete ---completion -- --allow-absent "${COMP_CWORD}" "$(__vqwatch_cursor_index_in_current_word)")"
        return
        ;;
    '--dispatch')
        __vqwatch_add_completions -W 'all'$'\n''one'$'\n''blocking'$'\n''one-nonblocking'
        return
        ;;
    '-t'|'--timeout')
        return
        ;;
    '--refresh')
        return
        ;;
    '--metrics-file')
        __vqwatch_add_completions -o plusdirs -fX '!*.@(prom)'
        return
        ;;
    '--exec')
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    help)
        # Offer subcommand argument completions
        "_vqwatch_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        :
        ;;
    esac
}

_vqwatch_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __vqwatch_offer_flags_options -1
}

# Bash splits words at each "=". The words are joined again for the completion; bash then expects only the part after
# the last "=".
_vqwatch_whole_words() {
    local -a words=()
    local -i index cword=0
    for ((index = 0; index < ${#COMP_WORDS[@]}; index++)); do
        if ((index > 1)) && [[ ${COMP_WORDS[index]} == '=' || ${COMP_WORDS[index - 1]} == '=' ]]; then
            words[${#words[@]} - 1]+=${COMP_WORDS[index]}
        else
            words+=("${COMP_WORDS[index]}")
        fi
        ((index == COMP_CWORD)) && cword=$((${#words[@]} - 1))
    done
    local -a COMP_WORDS=("${words[@]}")
    local -i COMP_CWORD=cword
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    _vqwatch "${1}" "${current}" "${previous}"
    [[ ${previous} == --metrics-file ]] && compopt -o filenames
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    if [[ ${current} == *=* && ${COMP_WORDBREAKS} == *=* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${current%=*}="}")
    fi
}

complete -F _vqwatch_whole_words vqwatch
