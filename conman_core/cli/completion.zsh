#compdef conman
# Completion of conman's words for zsh, made by: conman completion zsh
# After packages were added or removed, make it again: until then a Tab asks conman, and is slower.

typeset -ga _conman_program=(@PROGRAM@)
typeset -ga _conman_folders=(@FOLDERS@)
typeset -g _conman_self=${(%):-%x}
[[ -f $_conman_self ]] || _conman_self='' # read from a pipe: as new as this shell

# The command "$1": its words with what they do, its options ("names|takes|*|what it does", the star
# if it may be repeated), and what further arguments are, the last with a star if any number.
# What they are: "none" that is known, "file", "ask" conman, or ":one,of,these". Fails if "ask" it all.
_conman_table() {
    subcommands=() options=() places=()
    case $1 in
@TABLE@
    (*) return 1 ;;
    esac
}

_conman_ask() {
    local answer word files=1
    local -a lines described
    answer=$("${_conman_program[@]}" __complete zsh "${(@)before}" "$current" 2>/dev/null)
    lines=("${(@f)answer}")
    if [[ ${lines[1]} == $'\tfiles' ]]; then
        shift lines
        [[ $current == -*=* ]] && compset -P '*='
        _files && files=0
    fi
    for answer in "${(@)lines}"; do
        [[ -n $answer ]] || continue
        word=${${${answer%%$'\t'*}//\\/\\\\}//:/\\:}
        described+=("$word${${answer#*$'\t'}:+:${answer#*$'\t'}}")
    done
    (( $#described )) && _describe -t values 'word' described && files=0
    return files
}

# Offer what "$1" says.
_conman_offer() {
    case $1 in
    (file) _files ;;
    (ask) _conman_ask ;;
    (:*) compadd -- "${(@s:,:)1#:}" ;;
    (*) return 1 ;;
    esac
}

_conman_offer_options() {
    local group name
    local -a names described
    for group in "${(@)options}"; do
        names=("${(@s:,:)group%%|*}")
        [[ $group == *'|*|'* || -z ${names:*typed} ]] || continue
        for name in $names; do
            [[ $name == --* || $current == - ]] && described+=("$name:${group#*|*|*|}")
        done
    done
    (( $#described )) && _describe -o -t options 'option' described
}

_conman() {
    local folder word at='' waits='' ended='' group current=${(Q)PREFIX}
    local -a before subcommands options places typed
    before=("${(@Q)words[2,CURRENT-1]}")
    if [[ -n $_conman_self ]]; then
        for folder in $_conman_folders; do
            if [[ $folder -nt $_conman_self ]]; then
                _conman_ask
                return
            fi
        done
    fi

    _conman_table ''
    for word in "${(@)before}"; do
        if [[ -n $waits ]]; then
            waits=''
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -?* ]]; then
            typed+=("${word%%=*}")
            group=${options[(r)(*,|)${(b)word}(,*|)\|*]}
            [[ ${${group#*|}%%|*} == switch ]] || waits=${${group#*|}%%|*}
        elif (( $#subcommands )); then
            at=${at:+$at }$word typed=()
            if ! _conman_table "$at"; then
                _conman_ask
                return
            fi
        elif [[ $places[1] != *\* ]]; then
            shift places 2>/dev/null
        fi
    done

    if [[ -n $waits ]]; then
        _conman_offer $waits
    elif [[ -z $ended && $current == -*=* ]]; then
        word=${current%%=*}
        group=${options[(r)(*,|)${(b)word}(,*|)\|*]}
        waits=${${group#*|}%%|*}
        [[ $waits == ask ]] || compset -P '*='
        _conman_offer $waits
    elif [[ -z $ended && $current == -* ]]; then
        _conman_offer_options
    elif (( $#subcommands )); then
        _describe -t commands 'command' subcommands && return
        [[ -z $at ]] && _conman_ask # a package that is not known here?
    elif (( $#places )); then
        _conman_offer ${places[1]%\*}
    fi
}

if [[ $funcstack[1] == _conman ]]; then
    _conman "$@"
else
    compdef _conman conman
fi
