# bash completion for hivepatch                           -*- shell-script -*-

_hivepatch() {
    local i word answer line glue='' files='' kept='' last=0
    local -a words=('')
    COMPREPLY=()
    # Readline splits words at = and : too. Put them together again.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $i -gt 1 && ( $word == [=:]* || -n $glue ) ]]; then
            words[last]+=$word
        else
            last=$i
            words[last]=$word
        fi
        glue=''
        [[ $word == *[=:] ]] && glue=1
    done
    words=("${words[@]:1}")
    last=$((${#words[@]} - 1))
    word=${words[last]}
    unset "words[last]"
    # Only what is behind the last = or : is replaced.
    [[ $COMP_WORDBREAKS == *=* && $word == *=* ]] && kept=${word%"${word##*=}"}
    [[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && kept=${word%"${word##*:}"}
    answer=$("${COMP_WORDS[0]}" __complete "=$word" "${words[@]}" 2>/dev/null)
    while IFS= read -r line; do
        if [[ $line == :file ]]; then
            files=1
        elif [[ -n $line ]]; then
            line=${line%%$'\t'*}
            COMPREPLY+=("${line#"$kept"}")
        fi
    done <<<"$answer"
    # Without candidates bash completes files by itself, which quotes them well.
    [[ -n $files ]] || compopt +o default 2>/dev/null
    return 0
}

complete -o default -F _hivepatch hivepatch
