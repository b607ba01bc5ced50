# shellcheck shell=bash
# Completion of conman's words for bash, made by: conman completion bash
# After packages were added or removed, make it again: until then a Tab asks conman, and is slower.

_conman_program=(@PROGRAM@)
_conman_folders=(@FOLDERS@)
_conman_self=${BASH_SOURCE[0]}
[[ -f $_conman_self ]] || _conman_self='' # read from a pipe: as new as this shell

# The command "$1": its words, its options ("-h,--help", with a star if it may be repeated), what
# options take ("--config=file"), and what further arguments are, the last with a star if any number.
# What they are: "none" that is known, "file", "ask" conman, or ":one,of,these". Fails if "ask" it all.
_conman_table() {
    words='' options='' takes='' places=''
    case $1 in
@TABLE@
    *) return 1 ;;
    esac
}

_conman_ask() {
    mapfile -t COMPREPLY < <("${_conman_program[@]}" __complete bash "$COMP_WORDBREAKS" "$line" 2>/dev/null)
    if [[ ${COMPREPLY[0]-} == $'\tfiles' ]]; then
        COMPREPLY=("${COMPREPLY[@]:1}")
        compopt -o default
    fi
}

# Offer what "$1" says, for a value that begins with "$2".
_conman_offer() {
    case $1 in
    file) compopt -o default ;;
    ask) _conman_ask ;;
    :*)
        local value
        for value in ${1//[:,]/ }; do
            [[ $value == "$2"* ]] && COMPREPLY+=("$value")
        done
        ;;
    esac
}

_conman_offer_options() {
    local group name names given used=" $typed "
    local -a groups
    read -ra groups <<<"$options"
    for group in "${groups[@]}"; do
        names=${group%\*} given=''
        for name in ${names//,/ }; do
            [[ $used == *" $name "* && $group != *\* ]] && given=1
        done
        for name in ${names//,/ }; do
            [[ $name == "$1"* && -z $given ]] && COMPREPLY+=("$name")
        done
    done
}

_conman() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} folder word path='' typed='' waits='' ended=''
    local words options takes places
    local -a before
    COMPREPLY=()
    if [[ $_conman_self ]]; then
        for folder in "${_conman_folders[@]}"; do
            if [[ $folder -nt $_conman_self ]]; then
                _conman_ask
                return
            fi
        done
    fi
    if [[ $line == *[\'\"\\]* ]]; then # conman knows how to read those
        _conman_ask
        return
    fi
    read -ra before <<<"$line"
    [[ $line == *[[:space:]] ]] && before+=('')
    local current=${before[-1]}
    before=("${before[@]:1:${#before[@]}-2}")
    if [[ $current == *[\<\>]* || (${#before[@]} -gt 0 && ${before[-1]} == *[\<\>]) ]]; then
        compopt -o default
        return
    fi

    _conman_table ''
    for word in "${before[@]}"; do
        if [[ $waits ]]; then
            waits=''
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -?* ]]; then
            typed+=" ${word%%=*}"
            [[ " $takes " == *" $word="* ]] && waits=${takes#*"$word="} && waits=${waits%% *}
        elif [[ $words ]]; then
            path=${path:+$path }$word typed=''
            if ! _conman_table "$path"; then
                _conman_ask
                return
            fi
        elif [[ $places != *\* || $places == *' '* ]]; then
            [[ $places == *' '* ]] && places=${places#* } || places=''
        fi
    done

    if [[ $waits ]]; then
        _conman_offer "$waits" "$current"
    elif [[ -z $ended && $current == -*=* ]]; then
        word=${current%%=*}
        [[ " $takes " == *" $word="* ]] || return
        if [[ $COMP_WORDBREAKS != *=* ]]; then
            _conman_ask
            return
        fi
        waits=${takes#*"$word="}
        _conman_offer "${waits%% *}" "${current#*=}"
    elif [[ -z $ended && $current == -* ]]; then
        _conman_offer_options "$current"
    elif [[ $words ]]; then
        for word in $words; do
            [[ $word == "$current"* ]] && COMPREPLY+=("$word")
        done
        [[ ${COMPREPLY[0]-} || $path ]] || _conman_ask # a package that is not known here?
    elif [[ $places ]]; then
        word=${places%% *}
        _conman_offer "${word%\*}" "$current"
    fi
}

complete -F _conman conman
