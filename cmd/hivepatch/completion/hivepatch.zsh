#compdef hivepatch
# zsh completion for hivepatch

_hivepatch() {
    local line files=''
    local -a lines matches
    lines=("${(@f)$("${(Q)words[1]}" __complete "=${(Q)words[CURRENT]}" ${(Q)words[2,CURRENT-1]} 2>/dev/null)}")
    for line in "${lines[@]}"; do
        if [[ $line == :file ]]; then
            files=1
        elif [[ -n $line ]]; then
            # A colon ends the word for _describe.
            matches+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        fi
    done
    if (( ${#matches} )); then
        _describe hivepatch matches
    fi
    if [[ -n $files ]]; then
        [[ $words[CURRENT] == -*=* ]] && compset -P '*='
        _files
    fi
}

if [[ ${funcstack[1]} == _hivepatch ]]; then
    _hivepatch "$@"
else
    compdef _hivepatch hivepatch
fi
