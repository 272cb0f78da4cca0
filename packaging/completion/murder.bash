# bash completion for murder. What there is to choose from says the program itself.

_murder() {
    COMPREPLY=()
    # Bash splits words at = and :, and what follows the cursor does not count.
    local line=${COMP_LINE:0:COMP_POINT} words=() index word rest
    line=${line#*"${COMP_WORDS[0]}"}
    for ((index = 1; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        rest=${line#"${line%%[![:space:]]*}"}
        ((index == COMP_CWORD)) && word=$rest
        if [[ $index -gt 1 && $rest == "$line" ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        line=${rest#"$word"}
    done
    # What bash has split off the word is not to be repeated.
    local current=${words[${#words[@]} - 1]} taken=""
    if [[ $word != "$current" ]]; then
        taken=${current%"$word"}
        [[ $word == [=:] ]] && taken=$current
    fi

    local candidate before value path are_files="" compgen_options
    while IFS= read -r line; do
        candidate=${line%%$'\t'*}
        rest=${line#*$'\t'}
        before=${rest%%$'\t'*}
        value=${rest#*$'\t'}
        case $candidate in
            :files) compgen_options=(-f) ;;
            :directories) compgen_options=(-d) ;;
            :torrents) compgen_options=(-f -X '!*.torrent') ;;
            :users) compgen_options=(-u) ;;
            *)
                COMPREPLY+=("${candidate#"$taken"}")
                [[ $candidate == *[^[:alnum:]_.,:=@%/+-]* ]] && are_files=1
                continue
                ;;
        esac
        [[ $candidate == :users ]] || are_files=1
        while IFS= read -r path; do
            path=$before$path
            COMPREPLY+=("${path#"$taken"}")
        done < <(
            compgen "${compgen_options[@]}" -- "$value"
            [[ $candidate != :torrents ]] || compgen -d -- "$value"
        )
    done < <(command murder __complete "${words[@]}" 2>/dev/null)
    # Names with brackets and spaces are quoted as those of files are.
    [[ -z $are_files ]] || compopt -o filenames 2>/dev/null
}

complete -o nosort -F _murder murder 2>/dev/null || complete -F _murder murder
